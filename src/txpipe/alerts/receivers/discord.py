"""Discord: a webhook, whose messages can be changed (docs.discord.com/developers/resources/webhook)."""

from __future__ import annotations

import re

from txpipe.alerts.message import Message
from txpipe.alerts.receivers.chat import UNCHANGED, Chat, cut

_LONGEST = 2000
_TITLE = 300
_ID = re.compile(r"[0-9]{1,20}")
_MARKUP = re.compile(r"([\\*_~`|>#\[\]()-])")
_SILENT = {"allowed_mentions": {"parse": []}, "flags": 4}
"""Nobody is called, and links show no preview (SUPPRESS_EMBEDS)."""


class Discord(Chat):
    """Posts to a webhook; it can change a message, but not answer it."""

    scheme = "discord"

    def post(self, message: Message, to: str) -> str:  # noqa: ARG002 - webhooks do not answer
        """See ``Chat``."""
        answer = self._api.call("POST", self._at("", "wait=true"), {"content": _content(message), **_SILENT})
        if not answer.is_good or not (answer.is_object or answer.status == 204):
            raise self.fault(answer)  # a page to log in at, of a network, is 200, too
        sent = answer.said.get("id")
        return sent if isinstance(sent, str) and _ID.fullmatch(sent) else ""

    def edit(self, message: Message, which: str) -> bool:
        """See ``Chat``."""
        said = {"content": _content(message), "allowed_mentions": _SILENT["allowed_mentions"]}
        answer = self._api.call("PATCH", self._at(f"/messages/{which}"), said)
        if answer.status in UNCHANGED:
            return False
        if not answer.is_good or not answer.is_object:
            raise self.fault(answer)
        return True

    def _at(self, path: str, *queries: str) -> str:
        """Return the URL of something below the webhook's; ``thread_id`` and the like stay."""
        base, _, query = self._url.partition("?")
        found = "&".join(part for part in (query, *queries) if part)
        return f"{base.rstrip('/')}{path}" + (f"?{found}" if found else "")


def _content(message: Message) -> str:
    """Return a message in Discord's markup: the title as it is, the body in a block of code."""
    longest = _TITLE if message.body else _LONGEST // 2  # each character may be two
    title = cut(_MARKUP.sub(r"\\\1", cut(message.title, longest)), 2 * longest)
    if not message.body:
        return title
    body = cut(message.body.replace("`", "'"), _LONGEST - len(title.encode("utf-16-le")) // 2 - 9)
    return f"{title}\n```\n{body}\n```"
