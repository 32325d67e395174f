"""What a person says of alerts, into the store's triage log; answers are words for the screen."""

from __future__ import annotations

from txpipe.dashboard.store import Store
from txpipe.dashboard.triage import UNDO

_GONE = "the store does not have this alert any more"


class Judge:
    """One person's triage. Any thread."""

    def __init__(self, store: Store, who: str) -> None:
        self._store = store
        self._who = who

    def say(self, alert_id: str, action: str, note: str = "") -> str:
        """Say something of an alert; return what was said.

        Raises:
            TriageFault: it cannot be said.
            StoreFailed: it could not be stored.
        """
        if self._store.triage(alert_id, action, self._who, note) is None:
            return _GONE
        return f"{action.replace('_', ' ')}: said by {self._who}; u takes it back"

    def undo(self, alert_id: str) -> str:
        """Take back what was said last of an alert; return what was done.

        Raises:
            TriageFault: somebody else has taken it back meanwhile.
            StoreFailed: it could not be stored.
        """
        detail = self._store.alert(alert_id)
        if detail is None:
            return _GONE
        last = next((each for each in reversed(detail.log) if each.action != UNDO and not each.undone), None)
        if last is None:
            return "nothing was said of this alert"
        self._store.triage(alert_id, UNDO, self._who, undoes=last.entry)
        return f"{last.action.replace('_', ' ')} by {last.who} taken back"
