"""Where alerts go, one module a kind of receiver; ``opened`` finds the one that a URL names."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from txpipe.alerts.forms import JSON_FORMS
from txpipe.alerts.receiver import Receiver, ReceiverFault
from txpipe.alerts.receivers.alertmanager import Alertmanager
from txpipe.alerts.receivers.chat import Chat
from txpipe.alerts.receivers.command import CommandReceiver
from txpipe.alerts.receivers.discord import Discord
from txpipe.alerts.receivers.file import FileReceiver
from txpipe.alerts.receivers.shaped import Shaped
from txpipe.alerts.receivers.slack import Slack
from txpipe.alerts.receivers.syslog import Syslog
from txpipe.alerts.receivers.telegram import Telegram
from txpipe.alerts.receivers.webhook import Webhook
from txpipe.alerts.spoolfolder import is_own
from txpipe.alerts.words import details, title

_SHAPED = ("https", "http", "file", "exec", "syslog")
_SCHEME = re.compile(r"[A-Za-z][-+.A-Za-z0-9]*")

_UNUSABLE = re.compile("[\0\ud800-\udfff]")
"""What neither the system nor the spool takes; bytes that are no UTF-8 come as surrogates (PEP 383)."""


@dataclass(frozen=True, slots=True)
class Outfit:
    """What receivers need besides their URL.

    Attributes:
        secret: signs what webhooks are sent; None is unsigned.
        title: writes the title of a message to people.
        body: writes its body.
        now: wall time, Unix seconds.
        spool: the folder where alerts wait, whose files are nobody's to write; None is none.
    """

    secret: bytes | None = None
    title: Callable[[dict[str, Any]], str] = title
    body: Callable[[dict[str, Any]], str] = details
    now: Callable[[], float] = time.time
    spool: Path | None = None


def opened(url: str, outfit: Outfit, form: str = "") -> Receiver:
    """Return the receiver that a URL names; nothing is sent yet.

    Args:
        url: of the receiver; ``ecs+`` or ``ocsf+`` before it says a form.
        outfit: what it needs besides.
        form: that of the alerts that it gets, of JSON_FORMS; "" is as they come, or what the URL says.

    Raises:
        ReceiverFault: no receiver is called so, or none that takes other forms.
    """
    said, plus, rest = url.partition("+")
    if plus and not form and said.lower() in JSON_FORMS:
        form, url = said.lower(), rest
    if not form:
        return _opened(url, outfit)
    if url.partition(":")[0].lower() not in _SHAPED:
        raise ReceiverFault(f"{form} is for what begins with {', '.join(_SHAPED)}")
    return Shaped(_opened(url, outfit), form)


def _opened(url: str, outfit: Outfit) -> Receiver:
    scheme, colon, rest = url.partition(":")
    kind = scheme.lower()
    if not colon or not _SCHEME.fullmatch(scheme):
        raise ReceiverFault(_FORMS)
    if _UNUSABLE.search(url):
        raise ReceiverFault(f"{scheme}: holds bytes that are no UTF-8, or U+0000")
    if kind in {"http", "https"}:
        return Webhook(url, outfit.secret, outfit.now)
    if kind == "file":
        return _foreign(FileReceiver(rest), outfit.spool)
    if kind == "exec":
        return CommandReceiver(rest)
    if kind == "syslog":
        return Syslog(rest)
    if kind in {"discord", "slack", "telegram"} and not rest.startswith("//"):  # slack:// is Apprise's
        return _chat(kind, rest, outfit)
    if kind == "alertmanager":
        return Alertmanager(rest, outfit.title, outfit.body, outfit.now)
    if kind in {"postgresql", "postgres", "sqlite"}:
        return _foreign(_by_sqlalchemy(kind, url), outfit.spool)
    return _by_apprise(url, outfit)


def _foreign(receiver: Receiver, spool: Path | None) -> Receiver:
    """Return a receiver, unless it writes to a file of the spool: it is named by kind and path."""
    if spool is not None and is_own(spool, Path(receiver.name.partition(":")[2])):
        raise ReceiverFault(f"{receiver.name}: is a file of the spool itself; name another")
    return receiver


def _by_sqlalchemy(kind: str, url: str) -> Receiver:
    try:
        from txpipe.alerts.receivers.sql import SqlReceiver  # noqa: PLC0415 - heavy, and an extra

        if kind != "sqlite":
            import psycopg  # noqa: F401, PLC0415 - the driver, which without libpq says ImportError
    except ImportError as exc:
        raise ReceiverFault(f"{kind}: {exc.name or 'libpq'} is missing: pip install 'txpipe[sql]'") from exc
    return SqlReceiver(url)


def _chat(kind: str, url: str, outfit: Outfit) -> Receiver:
    kinds: dict[str, type[Chat]] = {"discord": Discord, "slack": Slack, "telegram": Telegram}
    return kinds[kind](url, (outfit.title, outfit.body), outfit.now)


def _by_apprise(url: str, outfit: Outfit) -> Receiver:
    try:
        from txpipe.alerts.receivers.apprise import AppriseReceiver  # noqa: PLC0415 - heavy, and an extra
    except ModuleNotFoundError as exc:
        raise ReceiverFault(
            f"{url.partition(':')[0]}: {exc.name} is missing: pip install 'txpipe[deliver]'; {_FORMS}"
        ) from exc
    return AppriseReceiver(url, outfit.title, outfit.body)


_FORMS = (
    "a receiver is https://HOST/PATH, http://HOST/PATH, file:PATH, exec:COMMAND, syslog:…, "
    "discord:https://…, slack:https://…, telegram:https://…, "
    "alertmanager:https://HOST, postgresql://…, sqlite:///PATH or a URL of Apprise"
)
