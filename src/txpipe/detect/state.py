"""State files: what a detector knows, saved at once or not at all, and read whole or refused.

Format: a line of magic, a line of JSON (versions, position, counts), then chunks (8 bytes of length, little
endian, and a pickle of plain data), a length of 0, and a BLAKE2b digest of everything before it. Pickles are
read by a reader that knows no classes: nothing in a file can name code.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import os
import pickle
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

import txpipe
from txpipe import lockfile
from txpipe.errors import StateFault

MAGIC = b"txpipe state 1\n"
CHUNK = 10_000
"""Items of one kind in a chunk."""

_DIGEST_BYTES = 32
REMEDY = "delete it, or name another file, to begin anew (the input from its start gives the same alerts)"

Part = tuple[str, list[Any]]
"""A kind, and items of it: plain data."""


@dataclass(frozen=True, slots=True)
class StateFile:
    """Where state is kept.

    Attributes:
        path: the file; ``path`` with ``.pos`` behind it says the position in JSON, for others to read
            (``txtail --ack``).
    """

    path: Path

    def probe(self) -> None:
        """Make sure that there is a folder to write in, before hours of work are.

        Raises:
            StateFault: there is none, or the path is a folder.
        """
        folder = self.path.parent
        if self.path.is_dir():
            raise StateFault(self.path, "is a folder; name a file in it")
        if self.path.exists() and not self.path.is_file():
            raise StateFault(self.path, "is no regular file; name one")
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise StateFault(self.path, f"cannot be written: {folder} is no folder that you may write in")
        for left in folder.glob(f".{self.path.name}.*"):  # by a run that was killed while it saved
            pid = left.name.rpartition(".")[2]
            if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
                left.unlink(missing_ok=True)

    def lock(self) -> Callable[[], None]:
        """Keep other txdetect from using it; returns what lets them use it before the process ends.

        Raises:
            StateFault: another one uses it.
        """
        try:
            return lockfile.lock(self.path)
        except lockfile.Unlocked as exc:
            reason = str(exc)
            if exc.is_used:
                reason = "another txdetect uses it; end that one, or give this one a --state FILE of its own"
            raise StateFault(self.path, reason) from exc

    def load(self) -> tuple[Any, Iterator[Part]] | None:
        """Return the header and the parts of the file, verified; None if there is no such file.

        Raises:
            StateFault: it is corrupt, truncated, foreign or of another version, or cannot be read.
        """
        try:
            with contextlib.ExitStack() as stack:
                file = stack.enter_context(self.path.open("rb"))
                self._verify(file)
                stack.pop_all()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise StateFault(self.path, f"cannot be read: {exc.strerror}") from exc
        parts = self._parts(file)
        return next(parts)[1][0], parts

    def save(self, header: dict[str, Any], parts: Iterable[tuple[str, Iterable[Any]]]) -> None:
        """Replace the file by a new one, atomically, and its position beside it.

        Args:
            header: JSON data; ``position`` of it goes into the file beside.
            parts: kinds and their items; plain data, streamed.

        Raises:
            StateFault: it cannot be written; the old file is as it was.
        """
        try:
            self._replace(self.path, self._chunks(header, parts))
            self._replace(
                self.path.with_name(self.path.name + ".pos"),
                [orjson.dumps(header["position"], option=orjson.OPT_APPEND_NEWLINE)],
            )
        except OSError as exc:
            raise StateFault(self.path, f"cannot be written: {exc.strerror}") from exc

    @staticmethod
    def _replace(path: Path, chunks: Iterable[bytes]) -> None:
        new = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with new.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)

    @staticmethod
    def _chunks(header: dict[str, Any], parts: Iterable[tuple[str, Iterable[Any]]]) -> Iterator[bytes]:
        digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        head = {"txpipe": txpipe.__version__} | header
        for chunk in itertools.chain([MAGIC, orjson.dumps(head) + b"\n"], _packed(parts), [_length(0)]):
            digest.update(chunk)
            yield chunk
        yield digest.digest()

    def _verify(self, file: BinaryIO) -> None:
        """Read the whole file once, before anything of it is believed."""
        if file.read(len(MAGIC)) != MAGIC:
            raise StateFault(self.path, f"is no state file of this version of txdetect; {REMEDY}")
        size = os.fstat(file.fileno()).st_size
        file.seek(0)
        digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        left = size - _DIGEST_BYTES
        while left > 0 and (block := file.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
        if left != 0 or file.read() != digest.digest():
            raise StateFault(self.path, f"is damaged or cut short; {REMEDY}")

    @staticmethod
    def _parts(file: BinaryIO) -> Iterator[Part]:
        """Yield the header as a part of its own, then the parts; only of a verified file, which it closes."""
        with file:
            file.seek(0)
            file.readline()
            yield "header", [orjson.loads(file.readline())]
            while size := int.from_bytes(file.read(8), "little"):
                kind, items = _Reader(io.BytesIO(file.read(size))).load()
                yield kind, items


class _Reader(pickle.Unpickler):
    """Reads plain data only."""

    def find_class(self, module: str, name: str) -> Any:
        """Refuse: no class and no function belongs into a state file."""
        raise pickle.UnpicklingError(f"names {module}.{name}")


def _packed(parts: Iterable[tuple[str, Iterable[Any]]]) -> Iterator[bytes]:
    for kind, items in parts:
        left = iter(items)
        while batch := list(itertools.islice(left, CHUNK)):
            data = pickle.dumps((kind, batch), protocol=5)
            yield _length(len(data)) + data


def _length(size: int) -> bytes:
    return size.to_bytes(8, "little")
