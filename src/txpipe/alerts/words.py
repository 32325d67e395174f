"""What a message to people says: a title and a body, from the alert, or from templates that only fill in."""

from __future__ import annotations

import re
from typing import Any

from txpipe.alerts.facts import text
from txpipe.alerts.human import headline, human, plain
from txpipe.errors import UsageFault
from txpipe.record import fields
from txpipe.visible import clipped

_WIDTH = 200
_LONGEST = 1000
_PART = re.compile(r"\{\{|\}\}|\{(?P<path>[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\}|(?P<brace>[{}])")
_NO_UTF8 = re.compile("[\ud800-\udfff]")
"""What stands for bytes of the command line that are none (PEP 383)."""

_MADE = ("headline", "details")


class TemplateFault(UsageFault):
    """A template that names what no alert has."""


class Template:
    r"""Text with keys of an alert in braces: ``{severity}: {title} ({record.amount} {record.symbol})``.

    Nothing is computed: a key is replaced by its value as text, with control characters written out, and by
    nothing where an alert has no such key. ``{{`` and ``}}`` are braces; ``\n`` is a new line.
    """

    def __init__(self, option: str, source: str) -> None:
        """Check a template.

        Args:
            option: the name for messages.
            source: the text.

        Raises:
            TemplateFault: a brace stands alone, a key is none of an alert's, or it is no UTF-8.
        """
        if _NO_UTF8.search(source):
            raise TemplateFault(f"{option}: holds bytes that are no UTF-8")
        known = [*_MADE, *(key for key, _ in fields("alert"))]
        for part in _PART.finditer(source):
            if part["brace"]:
                raise TemplateFault(f"{option}: a {part[0]} stands alone; write {part[0] * 2}, or {{key}}")
            if part["path"] and part["path"].partition(".")[0] not in known:
                raise TemplateFault(f"{option}: no alert has {part[0]}; there are: {', '.join(known)}")
        self._source = source.replace("\\n", "\n")

    def filled(self, alert: dict[str, Any]) -> str:
        """Return the text for an alert."""
        return _PART.sub(
            lambda part: _value(alert, part["path"]) if part["path"] else part[0][0], self._source
        )


def title(alert: dict[str, Any]) -> str:
    """Return one line that says what it is about."""
    return headline(alert)


def details(alert: dict[str, Any]) -> str:
    """Return what txalert shows of an alert at a terminal."""
    return human(alert, plain, _WIDTH).rstrip("\n")


_DOT = re.compile(r"[\u3002\uff0e\uff61]|(?<=\w)\.(?=[^\W\d_])")
"""A dot of a host's name, and what browsers take for one (UTS #46, 2.3)."""

_NUMERIC_HOST = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)")
_PAIRS = re.compile(r"([*_~|`])(?=\1)")


def defanged(words: str) -> str:
    """Return text in which no chat or mail program finds a link, somebody to call, or something to hide.

    Names of tokens are made to be clicked at: addresses are broken as security teams do (``evil[.]com``), the
    ``@`` of a mention becomes its full-width twin, the link of Markdown and its doubled marks (bold, struck
    out, Discord's spoilers) are taken apart.
    """
    words = words.replace("@", "\uff20").replace("://", "[://]").replace("](", "] (").replace("<", "\u2039")
    words = _NUMERIC_HOST.sub(lambda host: host[0].replace(".", "[.]"), words)
    return _DOT.sub("[.]", _PAIRS.sub(r"\1 ", words))


def _value(alert: dict[str, Any], path: str) -> str:
    if path in _MADE:
        return title(alert) if path == "headline" else details(alert)
    found: Any = alert
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return clipped(text(found), _LONGEST)
