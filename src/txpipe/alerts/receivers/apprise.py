"""Chat, mail and the rest, by Apprise (https://github.com/caronc/apprise): one message an alert."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import apprise
from apprise.result import AppriseResultStatus

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


class AppriseReceiver:
    """Sends a title and a body; that every target of the URL accepted it says that it was taken.

    Attributes:
        name: the URL's scheme and a digest.
        batch: 1; grouping sends several.
        to_people: yes.
    """

    batch = 1
    to_people = True

    def __init__(self, url: str, title_of: Writer = title, body_of: Writer = details) -> None:
        """Take an Apprise URL.

        Raises:
            ReceiverFault: Apprise knows no such service, or makes nothing of the URL.
        """
        _quiet()
        scheme = url.partition(":")[0]
        asset = apprise.AppriseAsset(storage_mode="memory", secure_logging=True, allow_templates=False)
        asset.http_redirects = False
        service = apprise.Apprise.instantiate(url, asset=asset)
        self._apprise = apprise.Apprise(asset=asset)
        if service is None or not self._apprise.add(service):
            raise ReceiverFault(f"{scheme}: Apprise has no such service, or makes nothing of its URL")
        self.name = named(f"{scheme}:", url)  # of many services even the host is a token
        self._title_of, self._body_of = title_of, body_of
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
        result = self._apprise.notify(
            title=message.title,
            body=body,
            notify_type=_KINDS[message.severity],
            body_format=form,
            interpret_escapes=False,
            timeout=SEND_S,
        )
        # ?optional=yes in a URL makes a success of every failure; the attempts tell.
        tries = [one.attempts[-1].status if one.attempts else None for one in result.results]
        if not tries or any(status != AppriseResultStatus.SUCCESS for status in tries):
            late = AppriseResultStatus.TIMEOUT in tries
            raise NotTaken("no answer in time" if late else "it was not accepted (apprise -vv URL says why)")

    def _body(self, message: Message) -> tuple[str, apprise.NotifyFormat]:
        if self._has_pages:
            return page(message.alerts), apprise.NotifyFormat.HTML
        return message.body, apprise.NotifyFormat.TEXT

    def close(self) -> None:
        """Do nothing: what is under way ends by its own time limits."""


def _quiet() -> None:
    """Keep Apprise's log off stderr, where nothing but txalert speaks."""
    log = logging.getLogger("apprise")
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    log.propagate = False
