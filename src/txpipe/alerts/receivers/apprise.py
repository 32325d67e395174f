"""Chat, mail and the rest, by Apprise (https://github.com/caronc/apprise): one message an alert."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import Any

import apprise
from apprise.plugins.email import NotifyEmail
from apprise.result import AppriseResult, AppriseResultStatus, NotifyAttempt

from txpipe.alerts.mail import page
from txpipe.alerts.message import Message, Writer, composed
from txpipe.alerts.receiver import SEND_S, NotTaken, Parcel, ReceiverFault, named
from txpipe.alerts.words import details, title

_MAILS = frozenset(("mailto", "mailtos"))
"""Schemes of mail by SMTP: Apprise sends HTML with a plain part that it makes of it."""

_KINDS = {
    "critical": apprise.NotifyType.FAILURE,
    "high": apprise.NotifyType.FAILURE,
    "medium": apprise.NotifyType.WARNING,
    "low": apprise.NotifyType.INFO,
    "info": apprise.NotifyType.INFO,
}
_STATUS = re.compile(r"error=([1-5][0-9]{2})\b")
_REFUSED = frozenset(("400", "413", "415", "422"))
"""Statuses by which a service finds fault with this message rather than with all."""

_MAIL_REFUSED = re.compile(r"\ASending email to ")
"""What Apprise logs of a mail that a server which let it in did not take: a filter may, for what is in it."""

_NO_CONNECTION = re.compile(r"connection error", re.IGNORECASE)
_ROOTS = 5
"""Incidents that a mail names as what it belongs to, at most."""


class AppriseReceiver:
    """Sends a title and a body; that every target of the URL accepted it says that it was taken.

    Attributes:
        name: the URL's scheme and a digest.
        batch: 1; grouping sends several.
        to_people: yes.
    """

    batch = 1
    to_people = True

    def __init__(
        self, url: str, title_of: Writer = title, body_of: Writer = details, send_s: float = SEND_S
    ) -> None:
        """Take an Apprise URL.

        Args:
            url: of Apprise.
            title_of: writes the title on a single alert.
            body_of: likewise the body.
            send_s: seconds for all of a message.

        Raises:
            ReceiverFault: Apprise knows no such service, or makes nothing of the URL.
        """
        _quiet()
        scheme = url.partition(":")[0]
        # Without a time limit of its own Apprise works in our thread, which no exit waits for.
        asset = apprise.AppriseAsset(
            storage_mode="memory", secure_logging=True, allow_templates=False, service_timeout=0
        )
        asset.http_redirects = False
        service = apprise.Apprise.instantiate(url, asset=asset)
        self._apprise = apprise.Apprise(asset=asset)
        if service is None or not self._apprise.add(service):
            raise ReceiverFault(f"{scheme}: Apprise has no such service, or makes nothing of its URL")
        self.name = named(f"{scheme}:", url)  # of many services even the host is a token
        self._title_of, self._body_of, self._send_s = title_of, body_of, send_s
        self._mail = service if isinstance(service, NotifyEmail) else None
        self._own_headers = dict(self._mail.headers) if self._mail is not None else {}
        self._has_pages = (
            scheme.lower() in _MAILS
            and body_of is details  # a template says it all
            and service.resolve_format(apprise.NotifyFormat.HTML) == apprise.NotifyFormat.HTML
        )

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Send one message, about one alert or several.

        Raises:
            NotTaken: not every target accepted it.
        """
        message = composed(parcels, self._title_of, self._body_of)
        body, form = self._body(message)
        if self._mail is not None:
            self._mail.headers = {**self._own_headers, **_threaded(message.alerts)}
        result = self._notified(
            title=message.title,
            body=body,
            notify_type=_KINDS[message.severity],
            body_format=form,
            interpret_escapes=False,
        )
        # ?optional=yes in a URL makes a success of every failure; the attempts tell.
        tries = [one.attempts[-1] if one.attempts else None for one in result.results]
        failed = [one for one in tries if one is None or one.status != AppriseResultStatus.SUCCESS]
        if failed or not tries:
            raise _fault(failed)

    def _body(self, message: Message) -> tuple[str, apprise.NotifyFormat]:
        if self._has_pages:
            return page(message.alerts), apprise.NotifyFormat.HTML
        return message.body, apprise.NotifyFormat.TEXT

    def close(self) -> None:
        """Do nothing: what is under way ends by its own time limits, and no exit waits for it."""

    def _notified(self, **message: Any) -> AppriseResult:
        """Let Apprise send in a thread that ends with the process; one that hangs is left behind.

        Raises:
            NotTaken: it takes too long.
        """
        sent: Future[AppriseResult] = Future()

        def notify() -> None:
            try:
                sent.set_result(self._apprise.notify(**message))
            except BaseException as exc:  # noqa: BLE001 - raised where the result is asked for
                sent.set_exception(exc)

        threading.Thread(target=notify, daemon=True).start()
        try:
            return sent.result(self._send_s)
        except TooLate:
            raise NotTaken("no answer in time") from None


def _fault(failed: Iterable[NotifyAttempt | None]) -> NotTaken:
    """Return why a message was not taken, of what Apprise logged: its texts as such may hold secrets."""
    logged = [entry.message for one in failed if one is not None for entry in one.logs]
    for words in logged:
        if found := _STATUS.search(words):
            return NotTaken(f"HTTP {found[1]}", only_this=found[1] in _REFUSED)
    if any(_MAIL_REFUSED.search(words) for words in logged):
        return NotTaken("the mail was not accepted", only_this=True)
    if any(_NO_CONNECTION.search(words) for words in logged):
        return NotTaken("no connection, or it broke")
    return NotTaken("it was not accepted (apprise -vv URL says why)")


def _threaded(alerts: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return headers by which mails on one incident are one thread (RFC 5322, 3.6.4).

    All of them name a first mail that nobody was sent, as the notifications of code hosts do: so an update
    finds its thread without anything that must be kept.
    """
    about = dict.fromkeys(str(one.get("incident") or one["id"]).encode("utf-8", "replace") for one in alerts)
    names = [hashlib.blake2b(name, digest_size=16).hexdigest() for name in list(about)[:_ROOTS]]
    roots = [f"<{name}@txalert.invalid>" for name in names]
    return {"In-Reply-To": roots[0], "References": " ".join(roots)}


def _quiet() -> None:
    """Keep Apprise's log off stderr, where nothing but txalert speaks."""
    log = logging.getLogger("apprise")
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    log.propagate = False
