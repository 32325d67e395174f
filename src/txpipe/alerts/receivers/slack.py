"""Slack: a bot, which changes its messages and answers in threads (docs.slack.dev/reference/methods)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from txpipe.alerts.message import Message, Writer
from txpipe.alerts.receiver import NotTaken, ReceiverFault
from txpipe.alerts.receivers.api import Answer
from txpipe.alerts.receivers.chat import Chat, cut

_LONGEST = 3900
"""Slack asks for no more than 4,000 characters."""

_TITLE = 2000
_ID = re.compile(r"[!-~]{1,64}")
_GONE = frozenset(("message_not_found", "cant_update_message", "edit_window_closed"))
_REFUSED = frozenset(("msg_too_long", "no_text", "invalid_blocks"))
_TOKEN = re.compile(r"[!-~]+")
_WORD = re.compile(r"[a-z][a-z_]{0,63}")
_FORM = "write slack:https://TOKEN@slack.com/api?channel=CHANNEL, with the id of the channel (C0123456789)"


class Slack(Chat):
    """Posts to a channel with a bot's token, of the scope ``chat:write``."""

    scheme = "slack"

    def __init__(self, url: str, writers: tuple[Writer, Writer], now: Callable[[], float]) -> None:
        """Take ``https://TOKEN@slack.com/api?channel=CHANNEL``."""
        super().__init__(url, writers, now)
        parts = urlsplit(url)
        queries = dict(parse_qsl(parts.query))
        token = unquote(parts.username or "")
        if not _TOKEN.fullmatch(token) or queries.keys() != {"channel"}:
            raise ReceiverFault(f"slack: {_FORM}")
        self._base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._channel = queries["channel"]
        self._headers = {"authorization": f"Bearer {token}"}

    def post(self, message: Message, to: str) -> str:
        """See ``Chat``."""
        said = {"text": _text(message), "unfurl_links": False, "unfurl_media": False}
        thread = {"thread_ts": to, "reply_broadcast": True} if to else {}
        try:
            answer = self._asked("chat.postMessage", said | thread)
        except _Refused:
            if not to:
                raise
            answer = self._asked("chat.postMessage", said)  # the thread may be gone or closed
        sent = answer.said.get("ts")
        return sent if isinstance(sent, str) and _ID.fullmatch(sent) else ""

    def edit(self, message: Message, which: str) -> bool:
        """See ``Chat``."""
        try:
            self._asked("chat.update", {"ts": which, "text": _text(message), "parse": "none"})
        except _Refused as fault:
            if fault.only_this:
                return False
            raise
        return True

    def _asked(self, method: str, said: dict[str, Any]) -> Answer:
        """Call a method; Slack answers 200 to what it refuses, too.

        Raises:
            NotTaken: it did not do it.
        """
        url = f"{self._base}/{method}"
        answer = self._api.call("POST", url, {"channel": self._channel, **said}, self._headers)
        if not answer.is_good:
            raise self.fault(answer)
        if answer.said.get("ok") is True:
            return answer
        error = answer.said.get("error")
        if not isinstance(error, str) or not _WORD.fullmatch(error):
            error = "no reason given"
        raise _Refused(f"it refuses: {error}", only_this=error in _REFUSED | _GONE)


class _Refused(NotTaken):
    """Slack does not do what it was asked, and says so."""


def _text(message: Message) -> str:
    """Return a message in Slack's markup, in which three characters are written otherwise."""
    title = cut(message.title, _TITLE if message.body else _LONGEST)
    body = cut(message.body.replace("`", "'"), _LONGEST - len(title))
    words = f"{title}\n```\n{body}\n```" if message.body else title
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
