"""List files as bytes: plain or compressed, from a disk, a pipe or stdin, readable more than once."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import IO, cast

from txpipe.errors import ListFault
from txpipe.lists.index import MAGIC

CHUNK = 1 << 18
UNPACKED_LIMIT = 4 << 30
"""Bytes a compressed list may unpack to; the largest real one, OFAC's XML, has 121 MB."""

SPOOL_LIMIT = 4 << 30
"""Bytes taken from stdin or a pipe: they are copied to a temporary file, which must not fill the disk."""

Progress = Callable[[str, int, int], None]
"""Takes a file's name, the bytes read so far and its size, now and then."""

_FOREIGN = {
    b"PK\x03\x04": "is a zip archive; unpack it first",
    b"\xfd7zXZ": "is compressed with xz; unpack it, or use gzip or bzip2",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd; unpack it, or use gzip or bzip2",
    b"\xff\xfe": "is UTF-16; save it as UTF-8",
    b"\xfe\xff": "is UTF-16; save it as UTF-8",
    b"%PDF": "is a PDF, no list",
}


class Input:
    """One list file.

    Attributes:
        path: as the user wrote it, for messages.
        compiled: it is a compiled index, of this version or another.
        named: its path can be opened again; not so for stdin and pipes.
    """

    def __init__(self, path: str) -> None:
        """Open a file; what cannot be read twice (stdin, a pipe) is copied to a temporary one.

        Raises:
            ListFault: no such file, a directory or device, unreadable, of a kind that is no list, or a pipe
                with more than SPOOL_LIMIT bytes.
        """
        self.path = path
        self._file, self.named = _opened(path)
        try:
            self._size = self._file.seek(0, os.SEEK_END)
            head = self._raw(8)
        except OSError as exc:
            self.close()
            raise ListFault(path, f"cannot be read: {exc.strerror}") from exc
        self.compiled = head[:6] == MAGIC[:6]
        self._magic = head[:3]
        foreign = next((reason for magic, reason in _FOREIGN.items() if head.startswith(magic)), "")
        if foreign:
            self.close()
            raise ListFault(path, foreign)

    def _raw(self, size: int) -> bytes:
        self._file.seek(0)
        return self._file.read(size)

    @functools.cached_property
    def digest(self) -> str:
        """32 hex digits of the file's bytes as they were when this was first asked."""
        return self._hashed()

    def _hashed(self) -> str:
        digest = hashlib.blake2b(digest_size=16)
        try:
            self._file.seek(0)
            while chunk := self._file.read(CHUNK):
                digest.update(chunk)
        except OSError as exc:
            raise ListFault(self.path, f"cannot be read: {exc.strerror}") from exc
        return digest.hexdigest()

    def unchanged(self) -> bool:
        """Tell whether the file still has the bytes it had at first."""
        return self._hashed() == self.digest

    def chunks(self, progress: Progress | None = None) -> Iterator[bytes]:
        """Yield the unpacked content from its start.

        Raises:
            ListFault: the file cannot be read or unpacked, or unpacks to more than UNPACKED_LIMIT.
        """
        self._file.seek(0)
        size = 0
        try:
            unpacked = self._unpacked()
            while chunk := unpacked.read(CHUNK):
                size += len(chunk)
                if size > UNPACKED_LIMIT and unpacked is not self._file:
                    raise ListFault(self.path, f"unpacks to more than {UNPACKED_LIMIT >> 30} GiB")
                if progress:
                    progress(self.path, self._file.tell(), self._size)
                yield chunk
        except (EOFError, zlib.error) as exc:
            raise ListFault(self.path, f"cannot be unpacked: {exc}") from exc
        except OSError as exc:
            what = "read" if exc.errno else "unpacked"  # gzip and bz2 raise it without a number
            raise ListFault(self.path, f"cannot be {what}: {exc.strerror or exc}") from exc

    def _unpacked(self) -> IO[bytes]:
        if self._magic == b"BZh":
            import bz2  # noqa: PLC0415 - most lists are not packed, and start-up counts

            return cast("IO[bytes]", bz2.BZ2File(self._file))
        if self._magic[:2] == b"\x1f\x8b":
            import gzip  # noqa: PLC0415

            return cast("IO[bytes]", gzip.GzipFile(fileobj=self._file))
        return self._file

    def head(self, size: int) -> bytes:
        """Return the first unpacked bytes."""
        found = b""
        for chunk in self.chunks():
            found += chunk
            if len(found) >= size:
                break
        return found[:size]

    def whole(self, limit: int, progress: Progress | None = None) -> bytes:
        """Return the unpacked content of a format that can only be read as one piece.

        Raises:
            ListFault: it has more bytes than the limit.
        """
        parts: list[bytes] = []
        size = 0
        for chunk in self.chunks(progress):
            size += len(chunk)
            if size > limit:
                raise ListFault(self.path, f"has more than {limit >> 20} MiB; give it as NDJSON, CSV or text")
            parts.append(chunk)
        return b"".join(parts)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _opened(path: str) -> tuple[IO[bytes], bool]:
    """Open a file, or copy what can be read only once; the flag tells which."""
    if path == "-" and sys.stdin is None:
        raise ListFault("-", "stdin is closed")
    try:
        fd = os.dup(0) if path == "-" else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        file = os.fdopen(fd, "rb")
        mode = os.fstat(file.fileno()).st_mode
        if stat.S_ISREG(mode) and path != "-":
            return file, True
        with file:
            if stat.S_ISDIR(mode):
                raise ListFault(path, "is a directory; name the files in it")
            if path != "-" and (stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and not file.isatty())):
                raise ListFault(path, "is a device; name a file, or - for stdin")
            return _spooled(path, file), False
    except OSError as exc:
        raise ListFault(path, f"cannot be opened: {exc.strerror}") from exc


def _spooled(path: str, file: IO[bytes]) -> IO[bytes]:
    """Copy what can be read only once to a temporary file."""
    with contextlib.ExitStack() as stack:
        import tempfile  # noqa: PLC0415 - most lists are files, and start-up counts

        copy = stack.enter_context(tempfile.TemporaryFile())
        size = 0
        while chunk := file.read(CHUNK):
            size += len(chunk)
            if size > SPOOL_LIMIT:
                raise ListFault(path, f"has more than {SPOOL_LIMIT >> 30} GiB; give it as a file")
            copy.write(chunk)
        stack.pop_all()  # the Input closes it
    return copy
