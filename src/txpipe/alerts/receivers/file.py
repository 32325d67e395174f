"""Files: alerts as they are, a line each, on the disk itself before they count as taken."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from pathlib import Path

from txpipe.alerts.appended import append
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault

KEPT = 5
_FORM = re.compile(
    r"(?P<path>[^?]+)(?:\?rotate=(?P<size>[1-9][0-9]{0,8})(?P<unit>[kMG])(?:&keep=(?P<keep>[1-9][0-9]{0,2}))?)?"
)
_UNITS = {"k": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class FileReceiver:
    """Appends to a file, which may be moved away at any time.

    Attributes:
        name: ``file:`` and the path.
        batch: alerts that share one write.
        to_people: no.
    """

    batch = 500
    to_people = False

    def __init__(self, text: str) -> None:
        """Take ``PATH``, ``PATH?rotate=SIZE`` or ``PATH?rotate=SIZE&keep=N``, without ``file:``.

        Raises:
            ReceiverFault: it says something else.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise ReceiverFault(f"file:{text}: write file:PATH, or file:PATH?rotate=100M&keep={KEPT}")
        self.name = f"file:{found['path']}"
        self._path = Path(found["path"])
        self._size = int(found["size"]) * _UNITS[found["unit"]] if found["size"] else None
        self._keep = int(found["keep"] or KEPT)

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Append alerts.

        Raises:
            NotTaken: they cannot be written.
        """
        data = b"".join(parcel.sent + b"\n" for parcel in parcels)
        try:
            self._rotate(len(data))
            append(self._path, data, 0o640)
        except OSError as exc:
            unread = exc.errno == errno.ENXIO
            raise NotTaken(
                "nobody reads this pipe" if unread else f"cannot be written: {exc.strerror}"
            ) from exc

    def close(self) -> None:
        """Do nothing: no write lasts."""

    def _rotate(self, coming: int) -> None:
        """Move a file that would grow over its size to PATH.1, that to PATH.2, and drop the last."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            return
        if self._size is None or not size or size + coming <= self._size:
            return
        for number in range(self._keep - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
