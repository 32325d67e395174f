"""Records as rules about conduct read them: a few checked fields each, decoded straight from a line's bytes.

msgspec makes of a line an object with these fields and nothing else, in two thirds of the time that orjson
needs for a dict of all of them.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from txpipe.fields import ASSET_CHARS, NAME_CHARS

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_CHARS)]
Named = Annotated[str, msgspec.Meta(max_length=ASSET_CHARS)]
Whole = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Integer = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
Amount = Annotated[str, msgspec.Meta(max_length=202)]
Digits = Annotated[str, msgspec.Meta(max_length=100)]


UNSET = msgspec.UNSET
"""Stands where a record has no such key; null is none of its values."""


class Event(msgspec.Struct, tag_field="type", gc=False, rename={"sender": "from"}):
    """What every mined movement, call and approval has.

    Attributes:
        chain: CAIP-2.
        block: height.
        time: Unix seconds.
        tx: hash.
        n: the record's number in its transaction; 0 is the transaction itself.
        sender: ``from``.
        to: as the record has it.
        failed: whether it changed nothing.
    """

    chain: str
    block: Whole
    time: Integer
    tx: Text
    n: Integer
    sender: Text | None
    to: Text | None


class Transfer(Event, tag="transfer", gc=False, kw_only=True):
    """A movement; keys as in a record, in their order there: so they are found at once."""

    asset: Named
    symbol: str | msgspec.UnsetType = UNSET
    value: Digits
    amount: Amount | msgspec.UnsetType = UNSET
    usd: float | msgspec.UnsetType = UNSET
    method: str | msgspec.UnsetType = UNSET
    failed: bool = False


class Call(Event, tag="call", gc=False):
    """A call; keys as in a record."""

    method: str | msgspec.UnsetType = UNSET
    failed: bool = False


class Approval(Event, tag="approval", gc=False, kw_only=True):
    """An approval; keys as in a record."""

    asset: Named
    symbol: str | msgspec.UnsetType = UNSET
    value: Digits
    amount: Amount | msgspec.UnsetType = UNSET
    scope: str
    via: str
    failed: bool = False


class Block(msgspec.Struct, tag_field="type", tag="block", gc=False):
    """The end of a block."""

    chain: str
    block: Whole


Wire = Transfer | Call | Approval | Block

decode: Any = msgspec.json.Decoder(Wire).decode
"""Decode a line to one of them; ``UNFIT`` if it is another record, or not one."""

UNFIT = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
