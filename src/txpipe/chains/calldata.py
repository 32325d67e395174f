"""What a transaction's calldata says without its receipt: movements, approvals, mentioned addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from txpipe.chains.abi import array, masked_party_at, number_at, word_count

MAX_MENTIONS = 20_000
"""Addresses listed for one transaction: more would fill half a line of 2 MiB."""

_MAX_BATCH = 10_000


class Movement(Struct):
    """A movement or approval read from a log or from calldata, before it is a record.

    Attributes:
        kind: CAIP-19 asset namespace: erc20, erc721, erc1155, or token where it cannot be told.
        token_id: of an erc721 or erc1155.
        via: how an approval was given, None for a transfer.
        scope: amount or all.
    """

    contract: str
    kind: str
    sender: str
    to: str
    value: int
    token_id: int | None = None
    via: str | None = None
    scope: str = "amount"

    @property
    def is_fungible(self) -> bool:
        """Whether it is of an amount, as far as can be told: of no item, nor of all that somebody has."""
        return self.kind in {"erc20", "token"} and self.scope == "amount"


def selector(data: bytes) -> str | None:
    """Return the first four bytes in hex, the called function's selector (Solidity ABI)."""
    return f"0x{data[:4].hex()}" if len(data) >= 4 else None


# --- mentions ---------------------------------------------------------------------------------------------

_zeros = re.compile(rb"\x00{12,}").finditer
_NO_ADDRESS = bytes(8)
_TRAILING = 4


def mentions(data: bytes, besides: tuple[str | None, ...], first: tuple[str, ...] = ()) -> list[str]:
    """List the addresses that stand in calldata as left-padded words, in order, each once.

    A word is 12 zero bytes and 20 more that begin with at most 7 zero bytes: vanity contracts in use have
    up to 7 (Seaport, 0x0000000000000068f116a894984e2db1123eb395); amounts below 2^96, offsets, lengths and
    times have 8 or more. A window with 8 zero bytes inside or 4 at its end is an amount followed by the
    padding of its neighbour. Words are looked for wherever 12 zero bytes end, and 4 bytes earlier, since
    calls nested in ``bytes`` shift them by 4 (their selector) or, packed as in Safe's multiSend, by any
    number. A few numbers are taken for addresses; that costs less than one that is missed. Parties of a
    standard call come last if their words are not padded with zeros.

    Args:
        data: the calldata, selector and all.
        besides: addresses to leave out (the transaction's own).
        first: addresses to put first.
    """
    if not data and not first:
        return []
    found: dict[str, None] = dict.fromkeys(first)
    for run in _zeros(data):
        for start in _starts(*run.span()):
            word = data[start + 12 : start + 32]
            if len(word) == 20 and _is_address(word):
                found[f"0x{word.hex()}"] = None
    for movement in movements(data, "", ""):
        for party in (movement.sender, movement.to):
            if party not in found and _is_address(bytes.fromhex(party[2:])):
                found[party] = None
    for address in besides:
        found.pop(address or "", None)
    return list(found)


def _is_address(word: bytes) -> bool:
    return _NO_ADDRESS not in word and any(word[-_TRAILING:])


def _starts(begin: int, end: int) -> list[int]:
    """Return where, in a run of zero bytes, a padded address may start.

    A run's end tells the start unless the address itself begins with zero bytes: then the start is the
    multiple of 4 before (the usual places, one selector in), or one word-quarter earlier.
    """
    last = end - 12
    aligned = last - last % 4
    starts = [last] if last % 4 else []
    if aligned >= begin:
        starts.insert(0, aligned)
    if aligned % 32 != 4 and aligned - 4 >= begin:
        starts.insert(0, aligned - 4)
    return starts


# --- movements --------------------------------------------------------------------------------------------


def movements(data: bytes, sender: str, contract: str) -> Iterator[Movement]:
    """Yield what the called standard function would move or approve; nothing for any other calldata.

    Of an address argument only the low 20 bytes count: old contracts pay them whatever stands above.
    ``transferFrom`` and ``approve`` are spelled alike in ERC-20 and ERC-721: their kind is ``token``.

    Args:
        data: the calldata.
        sender: the transaction's sender, who is the token's owner where the function names none.
        contract: the called contract.
    """
    reader = _READERS.get(data[:4])
    if reader is not None:
        yield from reader(data[4:], sender, contract)


_Reader = Callable[[bytes, str, str], Iterator[Movement]]


def _transfer(args: bytes, sender: str, contract: str) -> Iterator[Movement]:
    to, value = masked_party_at(args, 0), number_at(args, 1)
    if to and value is not None:
        yield Movement(contract, "erc20", sender, to, value)


def _transfer_from(args: bytes, _sender: str, contract: str) -> Iterator[Movement]:
    owner, to, value = masked_party_at(args, 0), masked_party_at(args, 1), number_at(args, 2)
    if owner and to and value is not None:
        yield Movement(contract, "token", owner, to, value)


def _safe_transfer_from(args: bytes, _sender: str, contract: str) -> Iterator[Movement]:
    owner, to, token_id = masked_party_at(args, 0), masked_party_at(args, 1), number_at(args, 2)
    if owner and to and token_id is not None:
        yield Movement(contract, "erc721", owner, to, 1, token_id)


def _safe_transfer_1155(args: bytes, _sender: str, contract: str) -> Iterator[Movement]:
    owner, to, token_id, value = (
        masked_party_at(args, 0),
        masked_party_at(args, 1),
        number_at(args, 2),
        number_at(args, 3),
    )
    if owner and to and token_id is not None and value is not None:
        yield Movement(contract, "erc1155", owner, to, value, token_id)


def _safe_batch_1155(args: bytes, _sender: str, contract: str) -> Iterator[Movement]:
    owner, to, ids, values = (
        masked_party_at(args, 0),
        masked_party_at(args, 1),
        array(args, 2),
        array(args, 3),
    )
    if owner and to and ids is not None and values is not None and len(ids) == len(values):
        for token_id, value in zip(ids, values, strict=True):
            yield Movement(contract, "erc1155", owner, to, value, token_id)


def _approve(args: bytes, sender: str, contract: str) -> Iterator[Movement]:
    spender, value = masked_party_at(args, 0), number_at(args, 1)
    if spender and value is not None:
        yield Movement(contract, "token", sender, spender, value, via="approve")


def _increase_allowance(args: bytes, sender: str, contract: str) -> Iterator[Movement]:
    for approval in _approve(args, sender, contract):
        approval.kind = "erc20"
        yield approval


def _approve_all(args: bytes, sender: str, contract: str) -> Iterator[Movement]:
    operator, allowed = masked_party_at(args, 0), number_at(args, 1)
    if operator and allowed in (0, 1):
        yield Movement(contract, "token", sender, operator, allowed, via="setApprovalForAll", scope="all")


def _permit(args: bytes, _sender: str, contract: str) -> Iterator[Movement]:
    owner, spender, value = masked_party_at(args, 0), masked_party_at(args, 1), number_at(args, 2)
    if owner and spender and value is not None:
        yield Movement(contract, "erc20", owner, spender, value, via="permit")


def _permit_dai(args: bytes, _sender: str, contract: str) -> Iterator[Movement]:
    owner, spender, allowed = masked_party_at(args, 0), masked_party_at(args, 1), number_at(args, 4)
    if owner and spender and allowed in (0, 1):
        yield Movement(contract, "erc20", owner, spender, allowed * (2**256 - 1), via="permit")


def _permit2_details(args: bytes, at: int, owner: str, spender: str) -> Iterator[Movement]:
    token, value = masked_party_at(args, at), number_at(args, at + 1)
    if token and value is not None:
        yield Movement(token, "erc20", owner, spender, value, via="permit")


def _permit2_single(args: bytes, _sender: str, _contract: str) -> Iterator[Movement]:
    owner, spender = masked_party_at(args, 0), masked_party_at(args, 5)
    if owner and spender:
        yield from _permit2_details(args, 1, owner, spender)


def _permit2_batch(args: bytes, _sender: str, _contract: str) -> Iterator[Movement]:
    owner, place = masked_party_at(args, 0), number_at(args, 1)
    if not owner or place is None or place >= len(args):
        return
    permit = args[place:]
    details, spender = number_at(permit, 0), masked_party_at(permit, 1)
    if details is None or not spender or details >= len(permit):
        return
    count = word_count(permit, details)
    for item in range(min(count // 4, number_at(permit[details:], 0) or 0, _MAX_BATCH)):
        yield from _permit2_details(permit[details + 32 :], 4 * item, owner, spender)


def _permit2_transfer(args: bytes, _sender: str, _contract: str) -> Iterator[Movement]:
    owner, to, value, token = (
        masked_party_at(args, 0),
        masked_party_at(args, 1),
        number_at(args, 2),
        masked_party_at(args, 3),
    )
    if owner and to and token and value is not None:
        yield Movement(token, "erc20", owner, to, value)


def _permit2_transfers(args: bytes, sender: str, contract: str) -> Iterator[Movement]:
    place = number_at(args, 0)
    if place is None or place >= len(args):
        return
    count = min(word_count(args, place) // 4, number_at(args[place:], 0) or 0, _MAX_BATCH)
    for item in range(count):
        start = place + 32 + 128 * item
        yield from _permit2_transfer(args[start : start + 128], sender, contract)


def _permit2_approve(args: bytes, sender: str, _contract: str) -> Iterator[Movement]:
    token, spender, value = masked_party_at(args, 0), masked_party_at(args, 1), number_at(args, 2)
    if token and spender and value is not None:
        yield Movement(token, "erc20", sender, spender, value, via="approve")


_READERS: dict[bytes, _Reader] = {
    bytes.fromhex(hex_selector): reader
    for hex_selector, reader in (
        ("a9059cbb", _transfer),  # transfer(address,uint256), EIP-20
        ("23b872dd", _transfer_from),  # transferFrom(address,address,uint256), EIP-20 and EIP-721
        ("42842e0e", _safe_transfer_from),  # safeTransferFrom(address,address,uint256), EIP-721
        ("b88d4fde", _safe_transfer_from),  # safeTransferFrom(address,address,uint256,bytes), EIP-721
        (
            "f242432a",
            _safe_transfer_1155,
        ),  # safeTransferFrom(address,address,uint256,uint256,bytes), EIP-1155
        ("2eb2c2d6", _safe_batch_1155),  # safeBatchTransferFrom(…), EIP-1155
        ("095ea7b3", _approve),  # approve(address,uint256), EIP-20 and EIP-721
        ("39509351", _increase_allowance),  # increaseAllowance(address,uint256), OpenZeppelin ERC20 to 4.x
        ("a22cb465", _approve_all),  # setApprovalForAll(address,bool), EIP-721 and EIP-1155
        ("d505accf", _permit),  # permit(owner,spender,value,deadline,v,r,s), EIP-2612
        ("8fcbaf0c", _permit_dai),  # permit(holder,spender,nonce,expiry,allowed,v,r,s), DAI's dai.sol
        ("2b67b570", _permit2_single),  # permit(owner,PermitSingle,signature), Uniswap Permit2
        ("2a2d80d1", _permit2_batch),  # permit(owner,PermitBatch,signature), Uniswap Permit2
        ("36c78516", _permit2_transfer),  # transferFrom(from,to,uint160,token), Uniswap Permit2
        ("0d58b1db", _permit2_transfers),  # transferFrom(AllowanceTransferDetails[]), Uniswap Permit2
        ("87517c45", _permit2_approve),  # approve(token,spender,uint160,uint48), Uniswap Permit2
    )
}

PERMITS = frozenset(
    selector
    for selector, reader in _READERS.items()
    if reader in {_permit, _permit_dai, _permit2_single, _permit2_batch}
)
"""Selectors of the functions that approve by a signature."""
