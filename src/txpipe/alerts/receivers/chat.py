"""Chats that let a message be changed: an update changes what was said, a retraction takes it back.

What is graver than what was said is said anew, for a change rings nobody's bell.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from txpipe.alerts.handles import Handle, Handles
from txpipe.alerts.intake import reread
from txpipe.alerts.message import Message, Writer, composed
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault, named, origin
from txpipe.alerts.receivers.api import Answer, Api
from txpipe.alerts.rest import asked_s
from txpipe.record import SEVERITIES
from txpipe.visible import clipped

QUIET_S = 15.0
"""Seconds for a connection, and for an answer to begin or to go on."""

_WORDS = 120
_REFUSED = frozenset((400, 413, 422))
"""Statuses by which a service finds fault with this message rather than with all."""


class Chat(ABC):
    """Sends messages to one chat, and changes them.

    Attributes:
        name: the scheme and a digest: the URL is secret.
        batch: 1; grouping sends several.
        to_people: yes.
        handles: which messages told of which alerts; None is known of none, and every one is new.
    """

    batch = 1
    to_people = True
    scheme = ""

    def __init__(self, url: str, writers: tuple[Writer, Writer], now: Callable[[], float]) -> None:
        """Take a chat.

        Args:
            url: of the service's API, without the scheme before it.
            writers: of the title and the body on a single alert.
            now: wall time, Unix seconds.
        """
        if not url.startswith(("https://", "http://")) or not url.isascii() or not url.isprintable():
            raise ReceiverFault(f"{self.scheme}: write {self.scheme}:https://…, as the service gives it")
        origin(url)
        self.name = named(f"{self.scheme}:", url)
        self.handles: Handles | None = None
        self._url = url
        self._title_of, self._body_of = writers
        self._now = now
        self._api = Api(QUIET_S)

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Change the messages that told of these alerts, and send one about those for which that does not do.

        What is sent again after a failure changes messages to what they are.

        Raises:
            NotTaken: the service has not accepted it.
        """
        left = [parcel for parcel in parcels if not self._changed(parcel)]
        undone = [one for one in parcels if one not in left and reread(one.line)["status"] == "retracted"]
        if not left and not undone:
            return
        about = self._composed([*left, *undone])
        known = self._known(about.alerts[0])
        if not left:  # the whole of it stands where the alarm stood
            lines = [self._composed([parcel]).title for parcel in undone]
            about = Message("\n".join(lines), "", about.severity, about.alerts)
        sent = self.post(about, known.message if known else "")
        if self.handles is not None and sent:
            is_alone = len(about.alerts) == 1
            self.handles.note(self._told_first(left), sent, self._now(), is_alone=is_alone)

    def close(self) -> None:
        """Let go of idle connections; what is under way ends by its own time limits; no exit waits for it."""
        self._api.close()

    @abstractmethod
    def post(self, message: Message, to: str) -> str:
        """Send a message, as an answer to another one where there is one and the service can.

        Returns:
            The service's id of it; "" if it says none.

        Raises:
            NotTaken: the service has not accepted it.
        """

    @abstractmethod
    def edit(self, message: Message, which: str) -> bool:
        """Change a message; return False if it is there no more.

        Raises:
            NotTaken: the service has not accepted it.
        """

    def fault(self, answer: Answer, wait_s: float = 0.0) -> NotTaken:
        """Return the failure that an answer is, with the service's own words, if it says any."""
        wait_s = max(wait_s, asked_s(answer.retry_after, self._now()))
        words = answer.said.get("description") or answer.said.get("message")
        said = f": {clipped(words, _WORDS)}" if isinstance(words, str) else ""
        return NotTaken(f"HTTP {answer.status}{said}", wait_s, only_this=answer.status in _REFUSED)

    def _changed(self, parcel: Parcel) -> bool:
        """Change the message that told of an alert, if there is one and a change is enough; say whether."""
        message = self._composed([parcel])
        (alert,) = message.alerts
        known = self._known(alert)
        if known is None or parcel.note or not _is_change(alert, known):
            return False
        if not self.edit(message, known.message):
            self._forget(alert)
            return False
        if self.handles is not None:
            self.handles.note([alert], known.message, self._now(), is_alone=True)
        return True

    def _told_first(self, parcels: Sequence[Parcel]) -> list[dict[str, Any]]:
        """Return the alerts of which a message is the one to change later on.

        A reminder is not, nor a message on several if there is one on an alert alone.
        """
        found = []
        for parcel in parcels:
            alert = reread(parcel.line)
            known = self._known(alert)
            if known is None or not (parcel.note or (known.is_alone and len(parcels) > 1)):
                found.append(alert)
        return found

    def _composed(self, parcels: Sequence[Parcel]) -> Message:
        return composed(parcels, self._title_of, self._body_of)

    def _known(self, alert: dict[str, Any]) -> Handle | None:
        return None if self.handles is None else self.handles.find(alert["id"])

    def _forget(self, alert: dict[str, Any]) -> None:
        if self.handles is not None:
            self.handles.forget(alert["id"])


def _is_change(alert: dict[str, Any], known: Handle) -> bool:
    """Say whether news of an alert is to take the place of the message that told of it."""
    return (
        known.is_alone
        and alert["rev"] >= known.rev
        and (alert["rev"] == known.rev or alert["status"] != "open")
        and (alert["status"] == "retracted" or SEVERITIES.index(alert["severity"]) <= known.severity)
    )


def cut(text: str, units: int) -> str:
    """Return the beginning of a text, of at most so many units of UTF-16, as services count.

    >>> cut("ab" * 3, 4)
    'abab'
    """
    return text.encode("utf-16-le", "replace")[: 2 * units].decode("utf-16-le", "ignore")
