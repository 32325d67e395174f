"""What an event log says: movements and approvals of tokens."""

from __future__ import annotations

from collections.abc import Callable

from txpipe.chains.abi import array, number_at, party, party_at
from txpipe.chains.calldata import Movement
from txpipe.chains.model import Log

_Reader = Callable[[Log], list[Movement] | None]


def movements(log: Log) -> list[Movement] | None:
    """Read a log of a standard event.

    Returns:
        Its movements, several for an ERC-1155 batch, none for any other event; None where the event carries a
        standard event's signature but not its shape. Anyone can put such a log on a chain.
    """
    reader = _READERS.get(log.topics[0]) if log.topics else None
    return reader(log) if reader else []


def _transfer(log: Log) -> list[Movement] | None:
    """Transfer(address,address,uint256): ERC-721 indexes the number; some old contracts index nothing."""
    topics, data = log.topics, log.data
    if len(topics) == 4:
        sender, to, token_id = party(topics[1]), party(topics[2]), number_at(topics[3], 0)
        if sender and to and token_id is not None:
            return [Movement(log.address, "erc721", sender, to, 1, token_id)]
    elif len(topics) == 3:
        sender, to, value = party(topics[1]), party(topics[2]), number_at(data, 0)
        if sender and to and value is not None:
            return [Movement(log.address, "erc20", sender, to, value)]
    elif len(topics) == 1:
        sender, to, value = party_at(data, 0), party_at(data, 1), number_at(data, 2)
        if sender and to and value is not None:
            return [Movement(log.address, "token", sender, to, value)]
    return None


def _approval(log: Log) -> list[Movement] | None:
    """Approval(address,address,uint256); in ERC-721 the zero address takes the right back."""
    if len(log.topics) == 4:
        owner, spender, token_id = party(log.topics[1]), party(log.topics[2]), number_at(log.topics[3], 0)
        if owner and spender and token_id is not None:
            value = 0 if int(spender, 16) == 0 else 1
            return [Movement(log.address, "erc721", owner, spender, value, token_id, via="approve")]
        return None
    if len(log.topics) == 3:
        kind, owner, spender = "erc20", party(log.topics[1]), party(log.topics[2])
        value_or_id = number_at(log.data, 0)
    elif len(log.topics) == 1:
        kind, owner, spender = "token", party_at(log.data, 0), party_at(log.data, 1)
        value_or_id = number_at(log.data, 2)
    else:
        return None
    if owner and spender and value_or_id is not None:
        return [Movement(log.address, kind, owner, spender, value_or_id, via="approve")]
    return None


def _approval_for_all(log: Log) -> list[Movement] | None:
    if len(log.topics) != 3:
        return None
    owner, operator, allowed = party(log.topics[1]), party(log.topics[2]), number_at(log.data, 0)
    if not owner or not operator or allowed not in (0, 1):
        return None
    return [Movement(log.address, "token", owner, operator, allowed, via="setApprovalForAll", scope="all")]


def _transfer_single(log: Log) -> list[Movement] | None:
    if len(log.topics) != 4:
        return None
    sender, to = party(log.topics[2]), party(log.topics[3])
    token_id, value = number_at(log.data, 0), number_at(log.data, 1)
    if not sender or not to or token_id is None or value is None:
        return None
    return [Movement(log.address, "erc1155", sender, to, value, token_id)]


def _transfer_batch(log: Log) -> list[Movement] | None:
    if len(log.topics) != 4:
        return None
    sender, to = party(log.topics[2]), party(log.topics[3])
    ids, values = array(log.data, 0), array(log.data, 1)
    if not sender or not to or ids is None or values is None or len(ids) != len(values):
        return None
    return [
        Movement(log.address, "erc1155", sender, to, value, token_id)
        for token_id, value in zip(ids, values, strict=True)
    ]


# keccak-256 of the event's signature: EIP-20 and EIP-721 (Transfer, Approval), EIP-721 and EIP-1155
# (ApprovalForAll), EIP-1155 (TransferSingle, TransferBatch).
_READERS: dict[bytes, _Reader] = {
    bytes.fromhex(topic): reader
    for topic, reader in (
        ("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef", _transfer),
        ("8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925", _approval),
        ("17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31", _approval_for_all),
        ("c3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62", _transfer_single),
        ("4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb", _transfer_batch),
    )
}

EVENTS = frozenset(f"0x{topic.hex()}" for topic in _READERS)
"""First topics of the events that are read."""

FUNGIBLE = frozenset(topic for topic, reader in _READERS.items() if reader in {_transfer, _approval})
"""First topics of the events by which amounts of tokens move, or are approved (EIP-20)."""
