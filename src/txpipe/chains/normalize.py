"""Documents of any dialect in, record lines out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from txpipe import record
from txpipe.chains import evm, sniff, utxo
from txpipe.chains.evm import EvmBlock
from txpipe.chains.join import WINDOW, Held, Joiner
from txpipe.chains.making import Making, Record
from txpipe.chains.model import CoinHeader, CoinTransaction, Item, Receipt, Transaction
from txpipe.chains.split import Text
from txpipe.chains.utxo import CoinBlock
from txpipe.errors import RecordFault

Place = tuple[str, int, int]
"""Input, line, and position in the array around (0 outside)."""


@dataclass(slots=True)
class Counts:
    """What was read and written."""

    documents: int = 0
    blocks: int = 0
    records: int = 0

    def __str__(self) -> str:
        return f"{self.documents:,} documents, {self.blocks:,} blocks, {self.records:,} records"


class Normalizer:
    """Turns documents into record lines; holds the blocks whose parts come apart.

    Args:
        making: what records need besides the data.
        report: takes (input, line, reason) of a document that is skipped.
        window: blocks held while their parts come in.
    """

    def __init__(self, making: Making, report: Callable[[str, int, str], None], window: int = WINDOW) -> None:
        self._making = making
        self._report = report
        self._window = window
        self._evm: Joiner[EvmBlock] = Joiner(EvmBlock, window)
        self._utxo: Joiner[CoinBlock] = Joiner(CoinBlock, window)
        self.counts = Counts()

    def feed(self, name: str, text: Text) -> tuple[list[bytes], int | None]:
        """Take one document.

        Returns:
            The lines that can leave by now, and the greatest height it tells of (None: of none).
        """
        self.counts.documents += 1
        place = (name, text.line, text.item)
        if text.fault:
            self._bad(place, text.fault)
            return [], None
        try:
            if isinstance(text.value, dict) and self._passes(text.value):
                self.counts.records += 1
                return [_one_line(text)], None
            items = sniff.items(text.value)
            lines = [line for item in items for line in self._take(item, place)]
        except RecordFault as exc:
            self._bad(place, str(exc))
            return [], None
        lines += self._leaving(self._evm, self._evm.ready())
        lines += self._leaving(self._utxo, self._utxo.ready())
        return lines, max((item.block for item in items if item.block is not None), default=None)

    def finish(self) -> Iterator[bytes]:
        """Yield the lines of what is still held."""
        yield from self._leaving(self._evm, self._evm.rest())
        yield from self._leaving(self._utxo, self._utxo.rest())

    def _passes(self, found: dict[str, Any]) -> bool:
        """Say whether an object passes as it is: a record, or an item of a type that is not read here."""
        kind = found.get("type")
        if not isinstance(kind, str) or kind.startswith("0x") or sniff.is_envelope(found):
            return False
        if "chain" not in found and sniff.is_raw(found):
            return False
        if kind in record.TYPES and (kind != "block" or "chain" in found):
            record.check(found)
            return True
        if kind == "token" and "address" in found:
            self._making.tokens.learn(found)
        return kind not in sniff.KNOWN_TYPES

    def _take(self, item: Item, place: Place) -> Iterator[bytes]:
        """Join one item to its block; a pending transaction leaves at once."""
        if item.block is None:
            if isinstance(item, Transaction):
                yield from self._written(evm.pending_records(item, self._making, place[0]))
            elif isinstance(item, CoinTransaction):
                yield from self._written(utxo.pending_records(item, self._making, place[0]))
            elif not isinstance(item, Receipt) or item.logs:
                raise RecordFault("it does not name its block")
            return
        coin = isinstance(item, CoinHeader | CoinTransaction)
        joined = self._utxo.add(item, place) if coin else self._evm.add(item, place)
        if not joined:
            raise RecordFault(
                f"it belongs to block {item.block}, which has left: it came over {self._window} blocks late; "
                "give each kind as a FILE of its own, or raise --window"
            )

    def _leaving(
        self,
        joiner: Joiner[EvmBlock] | Joiner[CoinBlock],
        leaving: Iterable[Held[EvmBlock]] | Iterable[Held[CoinBlock]],
    ) -> Iterator[bytes]:
        for held in leaving:
            try:
                lines = list(self._written(held.parts.records(self._making)))
                closing = self._closing(held.parts, len(lines), joiner.parent_of(held.height))
            except RecordFault as exc:
                self._bad(held.place, str(exc))
                continue
            yield from lines
            if closing is not None:
                self.counts.records += 1
                yield record.dumps(closing)
            self.counts.blocks += 1

    def _closing(self, parts: EvmBlock | CoinBlock, records: int, parent: str | None) -> Record | None:
        """Return the record that closes a block, or None where hash, parent or time are not known."""
        header = parts.header
        parent = header.parent or parent if header else None
        if header is None or header.block_hash is None or parent is None or header.time is None:
            return None
        return {
            "type": "block",
            "chain": parts.chain(self._making),
            "block": header.block,
            "time": header.time,
            "hash": header.block_hash,
            "parent": parent,
            "records": records,
        }

    def _written(self, records: Iterable[Record]) -> Iterator[bytes]:
        for one in records:
            self.counts.records += 1
            yield record.dumps(one)

    def _bad(self, place: Place, reason: str) -> None:
        name, line, item = place
        self._report(name, line, f"item {item} of the array: {reason}" if item else reason)


def _one_line(text: Text) -> bytes:
    """Return a document's own bytes as one line; a newline in JSON is always between its tokens."""
    raw = text.raw.replace(b"\r", b" ").replace(b"\n", b" ") if b"\n" in text.raw else text.raw
    return raw + b"\n" if raw else record.dumps(text.value)


def merged(inputs: list[tuple[str, Iterator[Text]]], normalizer: Normalizer) -> Iterator[bytes]:
    """Read several inputs side by side, always the one that is furthest behind, so that their blocks meet.

    Args:
        inputs: name and documents of each.
        normalizer: takes the documents.

    Yields:
        Record lines.
    """
    heights = dict.fromkeys(range(len(inputs)), -1)
    while heights:
        behind = min(heights, key=heights.__getitem__)
        name, documents = inputs[behind]
        text = next(documents, None)
        if text is None:
            del heights[behind]
            continue
        lines, height = normalizer.feed(name, text)
        yield from lines
        if height is not None:
            heights[behind] = height
    yield from normalizer.finish()
