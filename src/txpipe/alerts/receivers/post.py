"""Posts of which the status is the answer: what webhooks and Alertmanager share."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from txpipe.alerts.receiver import SEND_S, NotTaken, ReceiverFault, named, origin
from txpipe.alerts.receivers.exchange import QUIET_S, Exchange
from txpipe.alerts.rest import asked_s

_REFUSED = frozenset((400, 413, 415, 422))
"""Statuses by which a server finds fault with this alert rather than with all."""

_READ = 1 << 16


class Poster(Exchange):
    """Posts to one URL; a status of 200 to 299 says that it was taken.

    Certificates are verified, redirects are failures.

    Attributes:
        name: scheme, host and port, and a digest.
    """

    def __init__(
        self, url: str, now: Callable[[], float], quiet_s: float = QUIET_S, send_s: float = SEND_S
    ) -> None:
        """Take where to post.

        Args:
            url: http or https; a user and password in it are sent as basic authentication.
            now: wall time, Unix seconds.
            quiet_s: seconds for a connection, and for an answer to begin or to go on.
            send_s: seconds for all of it.

        Raises:
            ReceiverFault: it is no URL.
        """
        self.name = named(origin(url), url)
        super().__init__(url, quiet_s, send_s)
        parts = urlsplit(url)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not self._target.isascii() or not self._target.isprintable() or " " in self._target:
            raise ReceiverFault(f"{self.name}: no URL: write other than plain characters as %XX")
        self._now = now
        self._auth = _basic(parts.username, parts.password)

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post a body of JSON.

        Args:
            body: what is posted.
            headers: besides those that every request has.

        Raises:
            NotTaken: it did not answer with 200 to 299.
        """
        auth = {"authorization": self._auth} if self._auth else {}
        reply = self.ask("POST", self._target, body, {**headers, **auth}, _READ)
        status = reply.status
        if 200 <= status < 300:
            return
        self.drop()
        if 300 <= status < 400:
            raise NotTaken(f"HTTP {status}: it redirects, which is not followed; name where it leads to")
        wait_s = asked_s(reply.retry_after, self._now())
        raise NotTaken(f"HTTP {status}", wait_s, only_this=status in _REFUSED)


def _basic(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    both = f"{unquote(user)}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(both.encode()).decode()}"
