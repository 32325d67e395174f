"""One EVM block's parts, from whatever dialect, to its records."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from txpipe.chains import calldata, logs
from txpipe.chains.calldata import Movement
from txpipe.chains.making import Making, Record, within_a_line
from txpipe.chains.model import Header, Item, Log, Receipt, TokenTransfer, Transaction
from txpipe.chains.tokens import Token, Tokens
from txpipe.errors import RecordFault
from txpipe.record import decimal

LogKey = tuple[int, str]
"""A log's index and its transaction: some providers count from 0 in every transaction."""


class EvmBlock(Struct):
    """The parts of one block as they come in; parts that come twice count once.

    Attributes:
        inputs: names of those that the parts came from.
    """

    header: Header | None = None
    transactions: dict[str, Transaction] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    logs: dict[LogKey, Log] = field(default_factory=dict)
    transfers: dict[LogKey, TokenTransfer] = field(default_factory=dict)
    inputs: set[str] = field(default_factory=set)

    def add(self, item: Item, source: str) -> None:
        """Take one part of this block from the input of that name."""
        self.inputs.add(source)
        if isinstance(item, Header):
            if self.header is None or self.header.parent is None:
                self.header = item
        elif isinstance(item, Transaction):
            self.transactions.setdefault(item.hash, item)
        elif isinstance(item, Receipt):
            if item.logs is not None or item.tx not in self.receipts:
                self.receipts[item.tx] = item
            for log in item.logs or ():
                self.logs.setdefault((log.index, log.tx), log)
        elif isinstance(item, Log):
            self.logs.setdefault((item.index, item.tx), item)
        elif isinstance(item, TokenTransfer):
            self.transfers.setdefault((item.index, item.tx), item)

    @property
    def contracts(self) -> set[str]:
        """The contracts by whose logs amounts of tokens move, or are approved (EIP-20)."""
        return {
            log.address
            for log in self.logs.values()
            if log.topics and log.topics[0] in logs.FUNGIBLE and len(log.topics) < 4  # ERC-721 has four
        }

    def whole(self) -> bool:
        """Say whether the header and every transaction are here."""
        return self.header is not None and self.header.count == len(self.transactions)

    def complete(self) -> bool:
        """Say whether nothing can be missing: every transaction has its receipt with logs."""
        return self.whole() and all(
            (receipt := self.receipts.get(tx)) is not None and receipt.logs is not None
            for tx in self.transactions
        )

    def records(self, making: Making) -> Iterator[Record]:
        """Yield the records of the block's transactions, each transaction's together.

        Raises:
            RecordFault: the chain or the time cannot be told.
        """
        if not self.transactions and not self.logs and not self.transfers:
            return
        chain = self.chain(making)
        time = self._time()
        by_tx = self._movements(making, chain)
        for tx in sorted(self.transactions.values(), key=_place):
            receipt = self.receipts.get(tx.hash)
            if receipt is not None:
                tx.status = tx.status if receipt.status is None else receipt.status
                tx.created = tx.created or receipt.created
            moved = by_tx.pop(tx.hash, None)
            if moved is not None:
                _mark_permits(tx, moved)
            elif not (self.logs or self.transfers or self._with_logs()):
                moved = from_calldata(tx)
            yield from transaction_records(tx, moved or [], chain, time, making)
        for tx_hash, moved in sorted(by_tx.items(), key=lambda pair: pair[1][0][0]):
            failed = self.receipts.get(tx_hash)
            if failed is None or failed.status != 0:
                place = Place(chain, self._height(), time, tx_hash)
                yield from (movement_record(place, making.tokens, one) for one in moved)

    def chain(self, making: Making) -> str:
        """Return the block's chain.

        Raises:
            RecordFault: its parts contradict one another or the user.
        """
        said = {one.chain for one in self.transactions.values()} | {log.chain for log in self.logs.values()}
        return making.chains.evm(said | {self.header.chain if self.header else None}, self.inputs)

    def _parts(self) -> Iterator[Transaction | Receipt | Log | TokenTransfer]:
        for parts in (self.transactions, self.receipts, self.logs, self.transfers):
            yield from parts.values()

    def _time(self) -> int:
        if self.header is not None and self.header.time is not None:
            return self.header.time
        for part in self._parts():
            if part.time is not None:
                return part.time
        raise RecordFault(f"nothing tells the time of block {self._height()}; give its header beside it")

    def _height(self) -> int:
        if self.header is not None:
            return self.header.block
        return next(part.block for part in self._parts() if part.block is not None)

    def _with_logs(self) -> bool:
        return any(receipt.logs is not None for receipt in self.receipts.values())

    def _movements(self, making: Making, chain: str) -> dict[str, list[Numbered]]:
        """Read the movements of logs and, where a log is not at hand, of token_transfer items."""
        by_tx: dict[str, list[Numbered]] = {}
        odd = 0
        for key in sorted(self.logs.keys() | self.transfers.keys()):
            index, tx = key
            log = self.logs.get(key)
            if log is not None:
                moved = logs.movements(log)
                odd += moved is None
                several = len(moved or ()) > 1
                for sub, movement in enumerate(moved or ()):
                    by_tx.setdefault(tx, []).append((index + 1, sub if several else None, movement))
            else:
                item = self.transfers[key]
                movement = Movement(item.token, "token", item.sender, item.to, item.value)
                by_tx.setdefault(tx, []).append((index + 1, None, movement))
        if odd:
            making.notice(
                f"block {self._height()} of {chain}: {odd} logs carry a standard event's signature "
                "but not its shape; left out"
            )
        return by_tx


Numbered = tuple[int, int | None, Movement]
"""A movement with its ``n`` and ``sub``."""


class Place(Struct):
    """Where a record stands."""

    chain: str
    block: int | None
    time: int
    tx: str
    pending: bool = False


def _place(tx: Transaction) -> tuple[int, str]:
    return tx.index, tx.hash


def from_calldata(tx: Transaction) -> list[Numbered]:
    """Read a transaction's movements from its calldata: n is -1, -2, …; a call that creates moves nothing."""
    if tx.sender is None or tx.to is None:
        return []
    moved = calldata.movements(tx.data, tx.sender, tx.to)
    return [(-position, None, movement) for position, movement in enumerate(moved, 1)]


def _mark_permits(tx: Transaction, moved: list[Numbered]) -> None:
    """Mark the approvals, seen in logs, that the called permit function gave: the same token and parties."""
    if tx.to is None or tx.data[:4] not in calldata.PERMITS:
        return
    permits = {
        (one.contract, one.sender, one.to)
        for one in calldata.movements(tx.data, tx.sender or "", tx.to)
        if one.via == "permit"
    }
    for _n, _sub, movement in moved:
        if movement.via == "approve" and (movement.contract, movement.sender, movement.to) in permits:
            movement.via = "permit"


def pending_records(tx: Transaction, making: Making, source: str) -> Iterator[Record]:
    """Yield the records of a transaction, from the input of that name, that no block holds yet.

    Raises:
        RecordFault: its chain contradicts the user.
    """
    chain = making.chains.evm([tx.chain], [source])
    time = making.now() if tx.time is None else tx.time
    yield from transaction_records(tx, from_calldata(tx), chain, time, making)


def transaction_records(
    tx: Transaction, moved: list[Numbered], chain: str, time: int, making: Making
) -> Iterator[Record]:
    """Yield a transaction's own record (n 0) and then what it moved; one that failed moved nothing."""
    failed = tx.status == 0
    moved = [] if failed else moved
    place = Place(chain, tx.block, time, tx.hash, pending=tx.block is None)
    carries = tx.value > 0 and not failed
    record = _opened("transfer" if carries else "call", place, 0, tx.sender, tx.to)
    if carries:
        asset, token = making.tokens.native(chain)
        with_value(record, asset, token, tx.value, making.tokens)
    else:
        record["value"] = str(tx.value)
    _with_calldata(record, tx, making)
    if moved:
        record["follows"] = len(moved)
    if tx.created is not None and not failed:
        record["created"] = tx.created
    if place.pending:
        record["pending"] = True
    if failed:
        record["failed"] = True
    yield record
    for one in moved:
        yield movement_record(place, making.tokens, one)


def _with_calldata(record: Record, tx: Transaction, making: Making) -> None:
    if tx.to is not None and (method := calldata.selector(tx.data)):
        record["method"] = method
    found = calldata.mentions(tx.data, (tx.sender, tx.to), tx.delegates)
    if found:
        record["mentions"] = within_a_line(found, tx.hash, making)


def _opened(kind: str, place: Place, n: int, sender: str | None, to: str | None) -> Record:
    return {
        "type": kind,
        "chain": place.chain,
        "block": place.block,
        "time": place.time,
        "tx": place.tx,
        "n": n,
        "from": sender,
        "to": to,
    }


def with_value(
    record: Record, asset: str, token: Token | None, value: int, worth: Tokens | None = None
) -> None:
    """Add asset and amounts in the order of the wire; the worth in USD if the table to ask is given.

    That goes by the record's time.
    """
    record["asset"] = asset
    if token is not None and token.symbol:
        record["symbol"] = token.symbol
    record["value"] = str(value)
    if token is None:
        return
    record["amount"] = decimal(value, token.decimals)
    if worth is not None and (usd := worth.usd(asset, token, value, record["time"])) is not None:
        record["usd"] = usd


def movement_record(place: Place, tokens: Tokens, numbered: Numbered) -> Record:
    """Make the record of one token movement or approval."""
    n, sub, moved = numbered
    token = tokens.token(place.chain, moved.contract)
    kind, token_id, value = _told(moved, token)
    asset = f"{place.chain}/{kind}:{moved.contract}"
    if token_id is not None:
        asset = f"{asset}/{token_id}"
    approval = moved.via is not None
    record = _opened("approval" if approval else "transfer", place, n, moved.sender, moved.to)
    counted = kind == "erc20" or (kind == "token" and moved.scope == "amount" and bool(token))
    with_value(record, asset, token if counted else None, value, None if approval else tokens)
    if approval:
        record["scope"] = moved.scope
        record["via"] = moved.via
    if sub is not None:
        record["sub"] = sub
    if place.pending:
        record["pending"] = True
    return record


def _told(moved: Movement, token: Token | None) -> tuple[str, int | None, int]:
    """Let the table say what an ambiguous movement is of: (kind, token id, value)."""
    known = token.kind if token else ""
    if moved.scope == "all":
        return known or moved.kind, None, moved.value
    if known == "erc721" and moved.kind in ("token", "erc20"):
        return known, moved.value, 1
    if moved.kind == "token":
        return known or moved.kind, None, moved.value
    return moved.kind, moved.token_id, moved.value
