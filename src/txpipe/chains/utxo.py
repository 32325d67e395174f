"""One UTXO block's parts to its records: a transfer an output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from txpipe.chains.chain import coin
from txpipe.chains.making import Making, Record, within_a_line
from txpipe.chains.model import CoinHeader, CoinTransaction, Header, Item, Output
from txpipe.chains.tokens import Token
from txpipe.errors import RecordFault
from txpipe.record import decimal

INPUTS_A_RECORD = 4_000
"""Addresses of inputs listed on one record: an eighth of a line of 2 MiB."""

_DECIMALS = 8
_COIN = Token("", "", _DECIMALS, pegged=False)
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
            yield from output.addresses


def pending_records(tx: CoinTransaction, making: Making, source: str) -> Iterator[Record]:
    """Yield the records of a transaction, from the input of that name, that no block holds yet.

    Raises:
        RecordFault: its chain contradicts the user.
    """
    chain = making.chains.utxo(_addresses([tx]), [source])
    yield from transaction_records(tx, chain, making.now() if tx.time is None else tx.time, making)


def transaction_records(tx: CoinTransaction, chain: str, time: int, making: Making) -> Iterator[Record]:
    """Yield a transfer an output; a transaction without outputs yields a call.

    ``from`` is null for a coinbase and where no input's address is known. An output that several addresses
    share (bare multisig) goes ``to`` the first and has the others in ``mentions``. Where inputs have several
    addresses, ``inputs`` lists them, from the first on, on the first record only. Beyond INPUTS_A_RECORD
    they go on with the following outputs' records, and behind the last output with calls of value 0 whose
    ``n`` goes on as well; the lists of one transaction together are its inputs, each address once.
    """
    if tx.blind:
        making.once(_BLIND)
    _, token = making.tokens.native(chain)
    lists = [tx.senders[at : at + INPUTS_A_RECORD] for at in range(0, len(tx.senders), INPUTS_A_RECORD)]
    count = max(len(tx.outputs), len(lists), 1)
    spare = 1 + max((output.n for output in tx.outputs), default=-1)
    for position in range(count):
        output = tx.outputs[position] if position < len(tx.outputs) else None
        n = output.n if output else spare + position - len(tx.outputs)
        record: Record = {
            "type": "transfer" if output else "call",
            "chain": chain,
            "block": tx.block,
            "time": time,
            "tx": tx.hash,
            "n": n,
            "from": tx.senders[0] if tx.senders else None,
        }
        record |= _paid(output, chain, token, tx.hash, making) if output else {"to": None, "value": "0"}
        usd = making.tokens.usd(coin(chain), token or _COIN, output.value, time) if output else None
        if usd is not None:
            record["usd"] = usd
        if len(tx.senders) > 1 and position < len(lists):
            record["inputs"] = lists[position]
        if position == 0 and count > 1:
            record["follows"] = count - 1
        if tx.block is None:
            record["pending"] = True
        yield record


def _paid(output: Output, chain: str, token: Token | None, tx: str, making: Making) -> Record:
    """Return the keys that an output gives, in the order of the wire."""
    paid: Record = {"to": output.addresses[0] if output.addresses else None, "asset": coin(chain)}
    if token:
        paid["symbol"] = token.symbol
    paid["value"] = str(output.value)
    paid["amount"] = decimal(output.value, _DECIMALS)
    if len(output.addresses) > 1:
        paid["mentions"] = within_a_line(output.addresses[1:], tx, making)
    return paid
