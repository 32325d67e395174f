"""The common shape of an EVM block and its receipts, read and written several times as fast as any other.

Answers are decoded straight into the few fields that records are made of (``evm_plain``), a block's texts are
checked all at once, and lines are written as text. It changes nothing: a block that is told in another way
than nearly all are goes the careful way (``evm_check``, ``evm``), as every block can. That is so where

- an answer is an error, is not ASCII, lacks a field, or has one of another type,
- an address or a hash is not lower-case hex, a number or data are not hex,
- transactions, receipts and logs are not all there, each in its place, logs counted within the block,
- a log was removed, or carries a standard event's signature but not its shape,
- a transaction names no chain, is from nobody, calls a permit function, or mentions more than a line holds.

Single logs that are no plain ERC-20 Transfer or Approval are read, and written, the careful way, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, count
from operator import itemgetter

from txpipe.chains import calldata, evm_lines, logs
from txpipe.chains.evm import EvmBlock, Numbered
from txpipe.chains.evm_check import NO_LOGS, NOBODY
from txpipe.chains.evm_lines import Erc20
from txpipe.chains.evm_plain import PlainBlock, PlainLog, PlainReceipt, PlainTransaction
from txpipe.chains.making import Making
from txpipe.chains.model import Header, Log

_KNOWN = 1 << 16
"""Addresses and topics that are remembered as read; most come again."""

_HEX = b"0123456789abcdef"
_is_address = re.compile("0x[0-9a-f]{40}").fullmatch
_is_word = re.compile("0x[0-9a-f]{64}").fullmatch
_is_small = re.compile("0x[0-9a-f]{1,13}").fullmatch

_LENGTHS = frozenset(range(3, 67))
"""Characters of a number in a word of 32 bytes."""

_PAD = "0" * 24
_SMALL = "0" * 40
_ALL = "f" * 64
_GAP = "0" * 16

_PLACES = [hex(number) for number in range(1 << 12)]
"""Numbers as nodes write them: places in a block."""

_begin = itemgetter(slice(2))

_CALL = 138
_CALLS = frozenset({"0xa9059cbb", "0x095ea7b3"})
"""Characters and selectors of ``transfer`` and ``approve``, see ``calldata``."""

_TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_APPROVAL = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"


Read = tuple["EvmBlock | FastBlock", Header]
"""A block as it was read, in whichever shape it came, and its header."""


class Unusual(Exception):
    """A block is not in the common shape."""


class FastBlock:
    """A block in the common shape: it, its receipts and its logs read, and held against one another.

    Attributes:
        header: of it.
        transactions: their hashes.
    """

    def __init__(self, found: PlainBlock, receipts: list[PlainReceipt], source: str) -> None:
        """Read it.

        Args:
            found: the block.
            receipts: of it.
            source: the node's name.

        Raises:
            Unusual: it is not in the common shape after all.
        """
        self._source = source
        self._txs = found.transactions
        self._receipts = receipts
        self.transactions = [tx.hash for tx in self._txs]
        self._chain_id = (self._txs[0].chain_id if self._txs else None) or ""
        self.header = _header(found)
        try:
            self._check_places(found)
            self._check_texts()
            self._values = [int(tx.value, 16) for tx in self._txs]
            self._calls = [_called(tx) for tx in self._txs]
            self._moved = _all_moved(receipts)
        except ValueError as exc:
            raise Unusual from exc

    @property
    def contracts(self) -> set[str]:
        """The contracts by whose logs amounts of tokens move, or are approved (EIP-20)."""
        moved = [one for found in self._moved for one in found]
        read = {one[2].contract for one in moved if len(one) == 3 and one[2].is_fungible}
        return read | {one[1] for one in moved if len(one) != 3}

    def _check_places(self, found: PlainBlock) -> None:
        """Check that every part is of this block and in its place, and that no log is missing."""
        named, height, times = found.hash, found.number, (None, found.timestamp, self.header.time)
        indexes, known = _places(), _addresses
        if not len(self._receipts) == len(self._txs) == len(set(self.transactions)):
            raise Unusual
        for place, tx, receipt in zip(_places(), self._txs, self._receipts, strict=False):
            if not (
                tx.hash == receipt.transaction_hash
                and tx.block_hash == receipt.block_hash == named
                and tx.block_number == receipt.block_number == height
                and tx.transaction_index == place
                and tx.chain_id == self._chain_id
                and (tx.sender in known or _is_new(tx.sender))
                and (tx.to in known or _is_new(tx.to))
                and (receipt.contract_address is None or _is_new(receipt.contract_address))
                and tx.sender != NOBODY  # see evm_check.is_sync
                and tx.block_timestamp in times
                and receipt.block_timestamp in times
                and receipt.status in ("0x1", "0x0")
                and (receipt.logs or receipt.logs_bloom is None or receipt.logs_bloom == NO_LOGS)
            ):
                raise Unusual
            for log in receipt.logs:
                if not (
                    log.transaction_hash == tx.hash
                    and log.block_hash == named
                    and log.block_number == height
                    and log.transaction_index == place
                    and log.log_index == next(indexes)
                    and (log.address in known or _is_new(log.address))
                    and log.block_timestamp in times
                    and not log.removed
                ):
                    raise Unusual

    def _check_texts(self) -> None:
        """Check that whatever is written, or read as a number, is hex, and as long as it should be."""
        values = [tx.value for tx in self._txs]
        data = [log.data for one in self._receipts for log in one.logs]
        if not (
            _is_hex([*self.transactions, *values, *[tx.input for tx in self._txs], *data])
            and set(map(len, self.transactions)) <= {66}
            and set(map(_begin, self.transactions)) <= {"0x"}
            and set(map(len, values)) <= _LENGTHS
            and not any(length % 2 for length in set(map(len, data)))
            and (not self._txs or (_is_small(self._chain_id) and int(self._chain_id, 16)))
        ):
            raise Unusual

    def lines(self, making: Making) -> list[str]:
        """Return the block's records, a line each; of tokens they say what the table says now.

        Raises:
            RecordFault: the chain contradicts the user.
        """
        if not self._txs:
            return []
        named = making.chains.evm({f"eip155:{int(self._chain_id, 16)}"}, [self._source])
        rows = zip(self._txs, self._receipts, self._values, self._calls, self._moved, strict=True)
        return evm_lines.lines(rows, self.header, named, making.tokens)


class _Parties(dict[str, str | None]):
    """Addresses by the topic that holds them; None for a topic that holds none."""

    def __missing__(self, topic: str) -> str | None:
        if not _is_word(topic):
            raise Unusual
        if len(self) > _KNOWN:
            self.clear()
        made = self[topic] = f"0x{topic[26:]}" if topic[2:26] == _PAD else None
        return made


class _Named(dict[str, tuple[str | None, str, str]]):
    """What the beginning of a ``transfer`` or ``approve`` names: its party, and what is written of it.

    The party is None where ``mentions`` could find something else: an address that neither begins nor ends
    with a zero byte, nor has 8 inside, is read in one way, if what is behind it is a number below 2^96, or
    the highest one.
    """

    def __missing__(self, begin: str) -> tuple[str | None, str, str]:
        if len(self) > _KNOWN:
            self.clear()
        selector, pad, party = begin[:10], begin[10:34], begin[34:]
        is_plain = pad == _PAD and party[:2] != "00" and party[-2:] != "00" and _GAP not in party
        method = f',"method":"{selector}"'
        named = f"0x{party}" if is_plain and selector in _CALLS else None
        made = self[begin] = named, method, f'{method},"mentions":["{named}"]'
        return made


_addresses: set[str | None] = {None}
_parties = _Parties()
_named = _Named()


def _places() -> Iterator[str]:
    """Count as nodes do."""
    return chain(_PLACES, map(hex, count(len(_PLACES))))


def _is_new(address: str | None) -> bool:
    """Whether an address that is not known is one; it is known from now on."""
    if address is None or not _is_address(address):
        return False
    if len(_addresses) > _KNOWN:
        _addresses.clear()
        _addresses.add(None)
    _addresses.add(address)
    return True


def _header(found: PlainBlock) -> Header:
    if not (
        _is_word(found.hash)
        and _is_word(found.parent_hash)
        and _is_small(found.number)
        and _is_small(found.timestamp)
    ):
        raise Unusual
    height, time = int(found.number, 16), int(found.timestamp, 16)
    return Header(height, found.hash, found.parent_hash, time, len(found.transactions))


def _is_hex(texts: list[str]) -> bool:
    """Whether each text is hex digits and one x: all of them at once, at the speed of C.

    That the x is the second character is seen where a text is read, as a number or else.
    """
    rest = "\n".join(texts).encode().translate(None, _HEX)
    return not texts or rest == b"x\n" * (len(texts) - 1) + b"x"


def _called(tx: PlainTransaction) -> str:
    """Return the keys method and mentions of a transaction's own record."""
    data, to = tx.input, tx.to
    if not tx.authorization_list:
        if data == "0x":
            return ""
        if to is not None and len(data) == _CALL and (data[74:114] == _SMALL or data[74:] == _ALL):
            party, method, both = _named[data[:74]]
            if party is not None:
                return method if party == to or party == tx.sender else both  # noqa: PLR1714 - twice as fast
    if data[:2] != "0x":
        raise Unusual
    called = bytes.fromhex(data[2:])
    if called[:4] in calldata.PERMITS:
        raise Unusual
    named = dict.fromkeys(one.address for one in tx.authorization_list or ())
    if not all(map(_is_address, named)):
        raise Unusual
    found = calldata.mentions(called, (tx.sender, to), tuple(one for one in named if one != NOBODY))
    if len(found) > calldata.MAX_MENTIONS:
        raise Unusual
    method = f',"method":"{data[:10]}"' if len(data) >= 10 and to is not None else ""
    joined = '","'.join(found)
    return f'{method},"mentions":["{joined}"]' if found else method


def _all_moved(receipts: list[PlainReceipt]) -> list[list[Erc20 | Numbered]]:
    """Read what each transaction's logs show; logs are numbered through a block, from 1 on."""
    n, all_moved = 0, []
    for receipt in receipts:
        moved: list[Erc20 | Numbered] = []
        for log in receipt.logs:
            topics, n = log.topics, n + 1
            if len(topics) == 3 and len(log.data) == 66:
                event, first, second = topics
                is_approval = event == _APPROVAL
                if is_approval or event == _TRANSFER:
                    sender, to = _parties[first], _parties[second]
                    if sender and to:
                        moved.append((n, log.address, sender, to, int(log.data, 16), is_approval))
                        continue
            moved += _read(log, n)
        all_moved.append(moved)
    return all_moved


def _read(log: PlainLog, n: int) -> list[Numbered]:
    """Read a log the careful way."""
    if len(log.topics) > 4 or not all(map(_is_word, log.topics)) or log.data[:2] != "0x":
        raise Unusual
    if not log.topics or log.topics[0] not in logs.EVENTS:
        return []
    topics = [bytes.fromhex(topic[2:]) for topic in log.topics]
    data = bytes.fromhex(log.data[2:])
    read = logs.movements(Log(log.transaction_hash, n - 1, None, None, None, 0, log.address, topics, data))
    if read is None:
        raise Unusual
    return [(n, sub if len(read) > 1 else None, one) for sub, one in enumerate(read)]
