"""Cuts a byte stream into JSON texts: one a line, concatenated, pretty-printed or elements of arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from txpipe.chains.exact import parse
from txpipe.errors import RecordFault


@dataclass(slots=True)
class Text:
    """One JSON object or array, or what stands in its place.

    Attributes:
        line: line of its first byte, from 1.
        item: position in the array around it, from 1; 0 outside.
        raw: its bytes.
        value: what it parses to.
        fault: why it is none, else "".
    """

    line: int
    item: int
    raw: bytes
    value: Any = None
    fault: str = ""


_MAX_DEPTH = 1024
_CLOSES = {ord("}"): ord("{"), ord("]"): ord("[")}
_AGAIN = Text(0, 0, b"")
_start = re.compile(rb"[^\s,]").search
_TOKENS = frozenset(b'{}[]"')
# Whatever holds no bracket: other bytes, whole strings. Repeats are bounded, as each costs memory, and no
# group is possessive, for those match wrongly in Python 3.11.0 to 3.11.4 (CPython issue 106052).
_skip = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+){0,1000}"){0,1000}').match
_string_part = re.compile(rb'[^"\\\n]*+(?:\\[^\n][^"\\\n]*+){0,1000}').match


def _token(held: bytearray, at: int) -> int:
    """Return the place of the next bracket outside a string, or of a quote that opens one; -1 for none."""
    while True:
        match = _skip(held, at)
        at = match.end() if match else at
        if at >= len(held):
            return -1
        if held[at] in _TOKENS:
            return at


def _string_end(held: bytearray, at: int) -> int:
    """Return where the rest of a string stops: at its quote, a newline, a lone backslash or the end."""
    while (match := _string_part(held, at)) and match.end() > at:
        at = match.end()
        if held[at : at + 1] != b"\\":
            break
    return at


class Splitter:
    """Takes chunks, gives texts as soon as their last byte is there, however the input was cut.

    A top-level array is transparent: its elements come one by one, so the limit is on an element. After a
    text that cannot be right, reading goes on at the next line.

    Args:
        max_document: bytes one text may have; a longer one is refused without being held.
    """

    def __init__(self, max_document: int) -> None:
        self._max = max_document
        self._held = bytearray()
        self._start = 0  # of the open text, or where the search for one goes on
        self._line = 1  # of _start
        self._scan = 0
        self._seen = 0  # inside a string: where its scan goes on; else 0
        self._open = bytearray()  # brackets of the open text
        self._refused = False  # the open text is over the limit, its bytes were let go
        self._dropped_lines = 0
        self._skipping = False  # to the end of the line
        self._array = False
        self._item = 0

    def feed(self, chunk: bytes) -> Iterator[Text]:
        """Take a chunk and yield the texts that end in it."""
        self._held += chunk
        yield from self._texts(final=False)
        if self._open and (self._refused or len(self._held) - self._start > self._max):
            self._let_go()
        if self._start:
            del self._held[: self._start]
            self._scan -= self._start
            self._seen = max(0, self._seen - self._start)
            self._start = 0

    def finish(self) -> Iterator[Text]:
        """Yield what is left at the end of the input."""
        yield from self._texts(final=True)
        if self._open:
            yield self._gone(len(self._held), "the input ends inside this document")
        elif self._array:
            yield self._fault("the input ends inside an array")

    def _texts(self, *, final: bool) -> Iterator[Text]:
        while True:
            text = self._inside() if self._open else self._between(final=final)
            if text is None:
                return
            if text is not _AGAIN:
                yield text

    def _between(self, *, final: bool) -> Text | None:
        """Step over what stands between texts; None asks for more bytes."""
        if self._skipping and not self._skipped():
            return None
        match = _start(self._held, self._start)
        if match is None:
            self._move(len(self._held))
            return None
        self._move(match.start())
        first = self._held[self._start]
        if first == ord("{") or (first == ord("[") and self._array):
            return self._line_as_text(first) or self._begin(first)
        if first == ord("[") or (first == ord("]") and self._array):
            self._array = first == ord("[")
            self._item = 0
            self._move(self._start + 1)
            return _AGAIN
        return self._garbage(final=final)

    def _skipped(self) -> bool:
        end = self._held.find(b"\n", self._start)
        self._skipping = end < 0
        self._move(len(self._held) if end < 0 else end)
        return end >= 0

    def _begin(self, bracket: int) -> Text:
        self._item += self._array
        self._open.append(bracket)
        self._scan = self._start + 1
        self._seen = 0
        return _AGAIN

    def _line_as_text(self, first: int) -> Text | None:
        """Take the short way for a line that is one object."""
        end = self._held.find(b"\n", self._start)
        if self._array or first != ord("{") or not 0 < end - self._start <= self._max:
            return None
        line = bytes(self._held[self._start : end]).rstrip()
        try:
            text = Text(self._line, 0, line, parse(line)) if line.endswith(b"}") else None
        except RecordFault:
            return None
        if text:
            self._move(end)
        return text

    def _garbage(self, *, final: bool) -> Text | None:
        """Report what is no JSON object up to the end of its line, or of its array element."""
        held = self._held
        ends = [held.find(end, self._start) for end in ((b"\n", b",", b"]") if self._array else (b"\n",))]
        end = min((end for end in ends if end >= 0), default=-1)
        if end < 0 and not final and len(held) - self._start <= self._max:
            return None
        if end - self._start > self._max:
            end = -1
        self._skipping = end < 0
        self._item += self._array
        shown_to = self._start + 40 if end < 0 else min(end, self._start + 40)
        start = bytes(held[self._start : shown_to]).decode("utf-8", "replace").strip()
        text = self._fault(f"no JSON object: {start!r}")
        self._move(self._start if end < 0 else end)
        return text

    def _inside(self) -> Text | None:
        """Scan on in the open text; None asks for more bytes."""
        held = self._held
        if self._seen and (text := self._string()) is not _AGAIN:
            return text
        while (at := _token(held, self._scan)) >= 0:
            bracket = held[at]
            if bracket == ord('"'):
                self._seen = at + 1
                if (text := self._string()) is not _AGAIN:
                    return text
                continue
            if bracket in _CLOSES:
                if self._open.pop() != _CLOSES[bracket]:
                    return self._broken(at + 1, "brackets do not match")
                if not self._open:
                    return self._complete(at + 1)
            elif held[at - 1] == ord("\n") and not self._may_open(at):
                return self._cut_off(at)
            else:
                self._open.append(bracket)
                if len(self._open) > _MAX_DEPTH:
                    return self._broken(at + 1, "nested too deep")
            self._scan = at + 1
        return None

    def _string(self) -> Text | None:
        """Scan on in the open string; None asks for more bytes, _AGAIN says that it is closed."""
        held = self._held
        end = _string_end(held, self._seen)
        escapes = held[end : end + 1] == b"\\"
        stop = held[end + escapes : end + escapes + 1]
        if stop == b"\n":
            return self._broken(end + escapes, "a string has no end")
        if not stop:
            self._seen = end
            return None
        self._scan, self._seen = end + 1, 0
        return _AGAIN

    def _may_open(self, at: int) -> bool:
        """Say whether JSON allows a value here, at the start of a line inside a text."""
        before = self._held[self._scan - 1 : at].rstrip()[-1:]
        return bytes(before) in (b"[", b":") or (before == b"," and self._open[-1] == ord("["))

    def _complete(self, end: int) -> Text:
        if self._is_over(end):
            text = self._gone(end, "")
        else:
            raw = bytes(self._held[self._start : end])
            text = Text(self._line, self._item, raw)
            try:
                text.value = parse(raw)
            except RecordFault as exc:
                text.fault = str(exc)
        self._move(end)
        return text

    def _cut_off(self, at: int) -> Text:
        """End the open text where a new one begins on a line of its own."""
        text = self._gone(at, "it breaks off before its end")
        self._move(at)
        return text

    def _broken(self, at: int, why: str) -> Text:
        """Give the open text up and go on behind the line that shows it is wrong."""
        text = self._gone(at, f"no JSON: {why}")
        self._move(at)
        self._skipping = True
        return text

    def _let_go(self) -> None:
        """Drop the bytes of a text over the limit; its brackets are still counted."""
        held = self._held
        self._dropped_lines += held.count(b"\n", self._start)
        if self._seen:  # a backslash at its end awaits its partner
            self._held = bytearray(b" ") + held[self._seen :]
        else:
            last = held[self._start :].rstrip()[-1:] or bytearray(b" ")
            self._held = last + b"\n" * held.endswith(b"\n")
            self._dropped_lines -= held.endswith(b"\n")
        self._start, self._scan = 0, 1
        self._seen = int(self._seen > 0)
        self._refused = True

    def _is_over(self, end: int) -> bool:
        return self._refused or end - self._start > self._max

    def _gone(self, end: int, why: str) -> Text:
        too_long = f"over the limit of {self._max:,} bytes a document; --max-document raises it"
        return self._fault(too_long if self._is_over(end) else why)

    def _fault(self, why: str) -> Text:
        return Text(self._line, self._item, b"", fault=why)

    def _move(self, to: int) -> None:
        self._line += self._held.count(b"\n", self._start, to) + self._dropped_lines
        self._dropped_lines = 0
        self._refused = False
        self._open.clear()
        self._start = self._scan = to
