"""Dead letters: alerts that were given up, one JSON object a line, to look at and to send again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from txpipe.alerts import appended
from txpipe.alerts.database import SpoolFailed
from txpipe.alerts.intake import reread
from txpipe.alerts.receiver import Parcel
from txpipe.errors import RecordFault
from txpipe.record import check

_ALERT = b',"alert":'
"""What stands before the alert, the last value of a letter; no string holds it, for its quotes are bare."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter.

    Attributes:
        receiver: the name of whom it was for.
        line: the alert, byte for byte.
        key: of the delivery.
    """

    receiver: str
    line: bytes
    key: str


class _Wire(msgspec.Struct):
    receiver: str
    alert: msgspec.Raw
    type: str = "dead-letter"


def append(path: Path, receiver: str, reason: str, parcels: Sequence[Parcel], now: float) -> None:
    """Add alerts that were given up to a file, on the disk itself when this returns.

    Raises:
        SpoolFailed: it cannot be written.
    """
    data = b"".join(_written(receiver, reason, parcel, now) for parcel in parcels)
    try:
        appended.append(path, data, 0o600)
    except OSError as exc:
        raise SpoolFailed(f"{path}: cannot be written: {exc.strerror}") from exc


def read(line: bytes) -> Letter:
    """Return the dead letter that a line holds.

    Raises:
        RecordFault: it is none.
    """
    try:
        found = _parsed(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise RecordFault(f"no dead letter: {exc}") from exc
    if found.type != "dead-letter":
        raise RecordFault('no dead letter: its "type" is another')
    raw = bytes(found.alert)
    alert = check(reread(raw))
    if alert["type"] != "alert":
        raise RecordFault('no dead letter: its "alert" is none')
    return Letter(found.receiver, raw, key(alert))


def _parsed(line: bytes) -> _Wire:
    """Parse a line; an alert that orjson took, but is nested too deep for msgspec, is cut out as written."""
    try:
        return msgspec.json.decode(line, type=_Wire)
    except RecursionError:
        head, _, alert = line.partition(_ALERT)
        found = msgspec.json.decode(head + _ALERT + b"0}", type=_Wire)
        found.alert = msgspec.Raw(alert.rstrip()[:-1])
        return found


def key(alert: dict[str, Any]) -> str:
    """Return what names an alert's delivery, however often it is tried."""
    return f"{alert['id']}:{alert['rev']}"


def _written(receiver: str, reason: str, parcel: Parcel, now: float) -> bytes:
    head = {
        "type": "dead-letter",
        "receiver": receiver,
        "reason": reason,
        "given_up": int(now),
        "taken": int(parcel.since),
    }
    return msgspec.json.encode(head)[:-1] + _ALERT + parcel.line + b"}\n"
