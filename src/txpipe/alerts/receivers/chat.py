"""Chats that let a message be changed: an update changes what was said, a retraction takes it back.

What is graver than what was said is said anew, for a change rings nobody's bell.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from txpipe.alerts.handles import Handle, Handles
from txpipe.alerts.human import headline
from txpipe.alerts.intake import reread
from txpipe.alerts.message import Message, Writer, composed
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault, named, origin
from txpipe.alerts.receivers.api import Answer, Api
from txpipe.alerts.rest import asked_s
from txpipe.alerts.words import defanged
from txpipe.record import SEVERITIES
from txpipe.visible import clipped

_WORDS = 120
_LINES = 20
"""Retractions that one message tells a line each."""

_REFUSED = frozenset((400, 413, 422))
"""Statuses by which a service finds fault with this message rather than with all."""

UNCHANGED = _REFUSED | {403, 404}
"""Statuses by which a service says that a message cannot be changed: what is new is said anew."""

_LATE_S = 86_400.0
"""Seconds by which an earlier revision may come late."""

_SECRET = 9
"""Characters from which on a part of a URL may be a secret."""


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
        is_plain = url.isascii() and url.isprintable() and " " not in url
        if not is_plain or not url.startswith(("https://", "http://")):
            raise ReceiverFault(f"{self.scheme}: write {self.scheme}:https://…, as the service gives it")
        origin(url)
        self.name = named(f"{self.scheme}:", url)
        self.handles: Handles | None = None
        self._gone: set[str] = set()
        self._url = url
        self._title_of, self._body_of = writers
        self._now = now
        self._api = Api(url)

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Change the messages that told of these alerts, and send one about those for which that does not do.

        What is sent again after a failure changes messages to what they are.

        Raises:
            NotTaken: the service has not accepted it.
        """
        self._gone = set()
        parcels = [parcel for parcel in parcels if not self._is_stale(parcel)]
        left = [parcel for parcel in parcels if not self._changed(parcel)]
        undone = [one for one in parcels if one not in left and reread(one.line)["status"] == "retracted"]
        if not left and not undone:
            return
        about = self._composed([*left, *undone])
        known = self._known(about.alerts[0])
        if not left:  # the whole of it stands where the alarm stood
            lines = [self._line(parcel) for parcel in undone[:_LINES]]
            lines += [f"and {len(undone) - _LINES:,} more retracted"] if len(undone) > _LINES else []
            about = Message("\n".join(lines), "", about.severity, about.alerts)
        sent = self.post(about, known.message if known else "")
        self._forget_gone()  # not before: a gateway out of order says of all that they are not there
        if self.handles is not None and sent:
            is_alone = len(about.alerts) == 1
            self.handles.note(self._told_first(left), sent, self._now(), is_alone=is_alone)

    def close(self) -> None:  # noqa: B027 - what is cut off would be said twice
        """Do nothing: what is under way ends by its own time limits, and no exit waits for it."""

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
        """Change a message; return False if it is there no more, or cannot be changed.

        Raises:
            NotTaken: the service has not accepted it.
        """

    def fault(self, answer: Answer, wait_s: float = 0.0) -> NotTaken:
        """Return the failure that an answer is, with the service's own words, if it says any.

        A gateway may say the path that was asked for, which is secret: such words are left out.
        """
        wait_s = max(wait_s, asked_s(answer.retry_after, self._now()))
        words = answer.said.get("description") or answer.said.get("message")
        said = f": {clipped(words, _WORDS)}" if isinstance(words, str) and not self._is_secret(words) else ""
        what = "it refuses" if answer.is_good and said else f"HTTP {answer.status}"
        odd = f", but no answer of {self.scheme.title()}'s" if answer.is_good and not said else ""
        return NotTaken(f"{what}{said}{odd}", wait_s, only_this=answer.status in _REFUSED)

    def _is_secret(self, words: str) -> bool:
        parts = urlsplit(self._url)
        found = re.split("[/?&=:]", f"{parts.netloc.rpartition('@')[0]}/{parts.path}?{parts.query}")
        secrets = [one.casefold() for part in found for one in (part, unquote(part)) if len(one) >= _SECRET]
        return any(one in words.casefold() for one in secrets)

    def _is_stale(self, parcel: Parcel) -> bool:
        """Say whether a later revision was told already: one that was refused for a while, or came late."""
        alert = reread(parcel.line)
        known = self._known(alert)
        return (
            known is not None
            and not parcel.note
            and alert["rev"] < known.rev
            and abs(self._now() - known.at) < _LATE_S  # a source that lost its state counts from 0 again
        )

    def _changed(self, parcel: Parcel) -> bool:
        """Change the message that told of an alert, if there is one and a change is enough; say whether."""
        message = self._composed([parcel])
        (alert,) = message.alerts
        known = self._known(alert)
        if known is None or parcel.note or not _is_change(alert, known):
            return False
        if not self.edit(message, known.message):
            self._gone.add(alert["id"])
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

    def _line(self, parcel: Parcel) -> str:
        """Return the title of a retraction, which stands alone: its headline where a template has none."""
        return self._composed([parcel]).title.strip() or defanged(headline(reread(parcel.line)))

    def _known(self, alert: dict[str, Any]) -> Handle | None:
        if self.handles is None or alert["id"] in self._gone:
            return None
        return self.handles.find(alert["id"])

    def _forget_gone(self) -> None:
        for alert_id in sorted(self._gone):
            if self.handles is not None:
                self.handles.forget(alert_id)
        self._gone = set()


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
