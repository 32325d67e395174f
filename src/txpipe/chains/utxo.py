"""One UTXO block's parts to its records: one transfer an output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from txpipe.chains.chain import coin
from txpipe.chains.evm import Making, Record
from txpipe.chains.model import CoinHeader, CoinTransaction, Header, Item
from txpipe.errors import RecordFault
from txpipe.record import decimal

_DECIMALS = 8
_BLIND = (
    'inputs carry no addresses: "from" is null, senders are not screened; getblock HASH 3 (Core 23 or newer) '
    "or bitcoinetl enrich_transactions gives them"
)


@dataclass(slots=True)
class CoinBlock:
    """The parts of one block as they come in; parts that come twice count once.

    Attributes:
        inputs: names of those that the parts came from.
    """

    header: Header | None = None
    transactions: dict[str, CoinTransaction] = field(default_factory=dict)
    inputs: set[str] = field(default_factory=set)

    def add(self, item: Item, source: str) -> None:
        """Take one part of this block from the input of that name."""
        self.inputs.add(source)
        if isinstance(item, CoinHeader):
            self.header = item
        elif isinstance(item, CoinTransaction):
            self.transactions.setdefault(item.hash, item)

    def whole(self) -> bool:
        """Say whether the header and every transaction are here."""
        return self.header is not None and self.header.count == len(self.transactions)

    complete = whole

    def records(self, making: Making) -> Iterator[Record]:
        """Yield the records of the block's transactions.

        Raises:
            RecordFault: the chain or the time cannot be told.
        """
        if not self.transactions:
            return
        chain = self.chain(making)
        for tx in sorted(self.transactions.values(), key=lambda one: (one.index, one.hash)):
            time = self.header.time if self.header else tx.time
            if time is None:
                raise RecordFault(f"nothing tells the time of block {tx.block}; give its header beside it")
            yield from transaction_records(tx, chain, time, making)

    def chain(self, making: Making) -> str:
        """Return the block's chain.

        Raises:
            RecordFault: its addresses contradict the user.
        """
        return making.chains.utxo(_addresses(self.transactions.values()), self.inputs)


def _addresses(transactions: object) -> Iterator[str | None]:
    for tx in transactions:  # type: ignore[attr-defined]
        yield from tx.senders
        for output in tx.outputs:
            yield output.address


def pending_records(tx: CoinTransaction, making: Making, source: str) -> Iterator[Record]:
    """Yield the records of a transaction, from the input of that name, that no block holds yet.

    Raises:
        RecordFault: its chain contradicts the user.
    """
    chain = making.chains.utxo(_addresses([tx]), [source])
    yield from transaction_records(tx, chain, making.now() if tx.time is None else tx.time, making)


def transaction_records(tx: CoinTransaction, chain: str, time: int, making: Making) -> Iterator[Record]:
    """Yield a transfer an output; ``from`` is null for a coinbase and where no input's address is known."""
    if tx.blind:
        making.once(_BLIND)
    _, token = making.tokens.native(chain)
    sender = tx.senders[0] if tx.senders else None
    for position, output in enumerate(tx.outputs):
        record: Record = {
            "type": "transfer",
            "chain": chain,
            "block": tx.block,
            "time": time,
            "tx": tx.hash,
            "n": output.n,
            "from": sender,
            "to": output.address,
            "asset": coin(chain),
        }
        if token:
            record["symbol"] = token.symbol
        record["value"] = str(output.value)
        record["amount"] = decimal(output.value, _DECIMALS)
        if len(tx.senders) > 1:
            record["inputs"] = tx.senders
        if position == 0 and len(tx.outputs) > 1:
            record["follows"] = len(tx.outputs) - 1
        if tx.block is None:
            record["pending"] = True
        yield record
