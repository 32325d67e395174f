"""The records of an EVM block in the common shape (``evm_fast``), written as text, as ``evm`` makes them."""

from __future__ import annotations

from collections.abc import Iterable

from txpipe import record
from txpipe.chains.calldata import Movement
from txpipe.chains.evm import Numbered, Place, movement_record, with_value
from txpipe.chains.evm_plain import PlainReceipt, PlainTransaction
from txpipe.chains.making import Record
from txpipe.chains.model import Header
from txpipe.chains.tokens import Token, Tokens

Erc20 = tuple[int, str, str, str, int, bool]
"""A movement or approval of a plain event: n, contract, from, to, value, whether it is an approval."""

Row = tuple[PlainTransaction, PlainReceipt, int, str, list[Erc20 | Numbered]]
"""A transaction, its receipt, its value, the keys method and mentions, and what its logs show.

What is written as it stands was found to be hex (``evm_fast``), so that nothing need be escaped."""


def lines(rows: Iterable[Row], header: Header, chain: str, tokens: Tokens) -> list[str]:
    """Write a block's records, a line each, but for the one that closes it.

    Args:
        rows: the block's transactions in order.
        header: of it.
        chain: CAIP-2.
        tokens: what is known of them now; nothing of it is kept.
    """
    written: list[str] = []
    block, time, write = header.block, header.time or 0, written.append
    worths = _Worths(chain, tokens, time)
    coin = worths[""].text
    where = f'"chain":"{chain}","block":{block},"time":{time},"tx":"'
    for tx, receipt, value, called, moved in rows:
        at = f'{where}{tx.hash}","n":'
        to = "null" if tx.to is None else f'"{tx.to}"'
        if receipt.status == "0x0":
            keys = f'{{"type":"call",{at}0,"from":"{tx.sender}","to":{to},"value":"{value}"{called}'
            write(f'{keys},"failed":true}}\n')
            continue
        end = "}\n" if not moved and receipt.contract_address is None else _end(moved, receipt)
        if value:
            keys = f'"from":"{tx.sender}","to":{to},{coin(value)}{called}'
            write(f'{{"type":"transfer",{at}0,{keys}{end}')
        else:
            keys = f'"from":"{tx.sender}","to":{to},"value":"{value}"{called}'
            write(f'{{"type":"call",{at}0,{keys}{end}')
        for one in moved:
            if len(one) == 3 or worths[one[1]].is_odd:
                place = Place(chain, block, time, tx.hash)
                known = one if len(one) == 3 else _numbered(one)
                write(record.dumps(movement_record(place, tokens, known)).decode())
                continue
            n, contract, sender, receiver, units, is_approval = one
            keys = f'"from":"{sender}","to":"{receiver}",{worths[contract].text(units, not is_approval)}'
            if is_approval:
                write(f'{{"type":"approval",{at}{n},{keys},"scope":"amount","via":"approve"}}\n')
            else:
                write(f'{{"type":"transfer",{at}{n},{keys}}}\n')
    return written


def _end(moved: list[Erc20 | Numbered], receipt: PlainReceipt) -> str:
    """Return the last keys of a transaction's own record."""
    follows = f',"follows":{len(moved)}' if moved else ""
    created = "" if receipt.contract_address is None else f',"created":"{receipt.contract_address}"'
    return f"{follows}{created}}}\n"


class _Worth:
    """The keys from asset to usd of one token's records, or of the coin's, in one block; not kept beyond it.

    Attributes:
        is_odd: only ``movement_record`` can tell what its events are of.
    """

    def __init__(self, asset: str, token: Token | None, tokens: Tokens, time: int) -> None:
        self._asset = asset
        self._token = token
        self._tokens = tokens
        self._time = time
        self.is_odd = token is not None and token.kind == "erc721"
        keys = self._keys(0, tokens)
        self._head = _written(keys).partition('"value":')[0]
        self._is_simple = keys.keys() <= {"asset", "symbol", "value", "amount"}

    def text(self, value: int, usd: bool = True) -> str:  # noqa: FBT001, FBT002 - in a hot loop
        if self._token is None:
            return f'{self._head}"value":"{value}"'
        if self._is_simple:
            digits, decimals = str(value), self._token.decimals
            if not decimals:
                return f'{self._head}"value":"{digits}","amount":"{digits}"'
            padded = digits.rjust(decimals + 1, "0")  # as record.placed, without a call
            part = padded[-decimals:].rstrip("0")
            point = f".{part}" if part else ""
            return f'{self._head}"value":"{digits}","amount":"{padded[:-decimals]}{point}"'
        return _written(self._keys(value, self._tokens if usd else None))

    def _keys(self, value: int, worth: Tokens | None) -> Record:
        keys: Record = {"time": self._time}
        with_value(keys, self._asset, self._token, value, worth)
        del keys["time"]
        return keys


def _written(keys: Record) -> str:
    return record.dumps(keys)[1:-2].decode()


class _Worths(dict[str, _Worth]):
    """What each token's records say, by contract; "" is the chain's coin."""

    def __init__(self, chain: str, tokens: Tokens, time: int) -> None:
        super().__init__()
        self._chain = chain
        self._tokens = tokens
        self._time = time

    def __missing__(self, contract: str) -> _Worth:
        if contract:
            asset, token = f"{self._chain}/erc20:{contract}", self._tokens.token(self._chain, contract)
        else:
            asset, token = self._tokens.native(self._chain)
        made = self[contract] = _Worth(asset, token, self._tokens, self._time)
        return made


def _numbered(one: Erc20) -> Numbered:
    n, contract, sender, to, value, is_approval = one
    return n, None, Movement(contract, "erc20", sender, to, value, via="approve" if is_approval else None)
