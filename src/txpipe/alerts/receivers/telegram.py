"""Telegram: a bot, which changes and answers its messages (core.telegram.org/bots/api)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from txpipe.alerts.message import Message, Writer
from txpipe.alerts.receiver import NotTaken, ReceiverFault
from txpipe.alerts.receivers.api import Answer
from txpipe.alerts.receivers.chat import UNCHANGED, Chat, cut

_LONGEST = 4096
_PLAIN = {"link_preview_options": {"is_disabled": True}}
_AS_IT_IS = "message is not modified"
_MOST = 2**63 - 1


class Telegram(Chat):
    """Sends to a chat as a bot, in plain text."""

    scheme = "telegram"

    def __init__(self, url: str, writers: tuple[Writer, Writer], now: Callable[[], float]) -> None:
        """Take ``https://api.telegram.org/botTOKEN?chat_id=CHAT``; ``message_thread_id`` may follow."""
        super().__init__(url, writers, now)
        self._base, _, query = url.partition("?")
        self._where = dict(parse_qsl(query))
        if "chat_id" not in self._where or not self._where.keys() <= {"chat_id", "message_thread_id"}:
            raise ReceiverFault("telegram: write telegram:https://api.telegram.org/botTOKEN?chat_id=CHAT")

    def post(self, message: Message, to: str) -> str:
        """See ``Chat``."""
        said: dict[str, Any] = {**self._where, "text": _text(message), **_PLAIN}
        if to:
            said["reply_parameters"] = {"message_id": int(to), "allow_sending_without_reply": True}
        answer = self._api.call("POST", f"{self._base}/sendMessage", said)
        if not answer.is_good or answer.said.get("ok") is not True:
            raise self._refusal(answer)
        result = answer.said.get("result")
        sent = result.get("message_id") if isinstance(result, dict) else None
        return str(sent) if type(sent) is int and 0 < sent <= _MOST else ""

    def edit(self, message: Message, which: str) -> bool:
        """See ``Chat``."""
        said = {"chat_id": self._where["chat_id"], "message_id": int(which), "text": _text(message), **_PLAIN}
        answer = self._api.call("POST", f"{self._base}/editMessageText", said)
        words = str(answer.said.get("description", "")).lower()
        if answer.status == 400 and _AS_IT_IS in words:
            return True
        if answer.status in UNCHANGED:
            return False
        if not answer.is_good or answer.said.get("ok") is not True:
            raise self._refusal(answer)
        return True

    def _refusal(self, answer: Answer) -> NotTaken:
        """Return the failure that an answer is; it says itself for how long it wants to be left alone."""
        parameters = answer.said.get("parameters")
        wait = parameters.get("retry_after") if isinstance(parameters, dict) else None
        return self.fault(answer, float(wait) if type(wait) is int and 0 <= wait < 1e6 else 0.0)


def _text(message: Message) -> str:
    return cut(f"{message.title}\n\n{message.body}" if message.body else message.title, _LONGEST)
