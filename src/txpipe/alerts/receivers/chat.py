"""Chats that let a message be changed: an update changes what was said, a retraction takes it back.

What is graver than what was said is said anew, for a change rings nobody's bell.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from txpipe.alerts.handles import Handle, Handles
from txpipe.alerts.message import Message, Writer, composed
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault, named
from txpipe.alerts.receivers.api import Answer, Api
from txpipe.alerts.rest import asked_s
from txpipe.record import SEVERITIES

QUIET_S = 15.0
"""Seconds for a connection, and for an answer to begin or to go on."""

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
        self.name = named(f"{self.scheme}:", url)
        self.handles: Handles | None = None
        self._url = url
        self._title_of, self._body_of = writers
        self._now = now
        self._api = Api(QUIET_S)

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Send one message about one alert or several, or change the one that told of it.

        Raises:
            NotTaken: the service has not accepted it.
        """
        message = composed(parcels, self._title_of, self._body_of)
        alert, handles = message.alerts[0], self.handles
        known = None if handles is None else handles.find(alert["id"])
        is_news = not any(parcel.note for parcel in parcels)
        if known is None or not is_news or not _is_change(message, known):
            sent = self.post(message, known.message if known else "")
            if handles is not None and sent and (is_news or known is None):
                handles.note(message.alerts, sent, self._now())
            return
        if not self.edit(message, known.message):
            self._post_again(message, known)
            return
        if handles is not None:
            handles.note(message.alerts, known.message, self._now())
        if alert["status"] == "retracted":
            self.post(Message(message.title, "", message.severity, message.alerts), known.message)

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
        """Return the failure that an answer is."""
        wait_s = max(wait_s, asked_s(answer.retry_after, self._now()))
        return NotTaken(f"HTTP {answer.status}", wait_s, only_this=answer.status in _REFUSED)

    def _post_again(self, message: Message, known: Handle) -> None:
        """Send a message whose predecessor somebody has deleted."""
        sent = self.post(message, known.message)
        if self.handles is not None and sent:
            self.handles.note(message.alerts, sent, self._now())


def _is_change(message: Message, known: Handle) -> bool:
    """Say whether a message is to take the place of the one that told of its alert."""
    alert = message.alerts[0]
    return (
        len(message.alerts) == 1
        and known.is_alone
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
