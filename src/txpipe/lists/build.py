"""Compiling entries to an index file, in memory that is bounded by some 60 bytes an entry."""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
import tempfile
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import orjson

from txpipe.address import family
from txpipe.errors import SinkFailed
from txpipe.lists.entry import Addresses, Entry
from txpipe.lists.index import (
    COARSER_LOG2,
    FOLD,
    HEAD,
    LOOKED_UP,
    MAGIC,
    MIX1,
    MIX2,
    SCAN_BYTES,
    SHARED,
    filter_bits,
    head_checksum,
)
from txpipe.lists.spool import OTHER, Spool

_FILTER_BITS_PER_KEY = 48
_BLOCK = 1 << 16


def build(
    items: Iterable[Entry | Addresses],
    path: str | os.PathLike[str],
    bad_rows: Callable[[], int] = int,
) -> None:
    """Compile entries to an index file, replaced atomically.

    Args:
        items: in any order; equal entries count once. Addresses in canonical spelling.
        path: the file to write; of a symbolic link the file it points to.
        bad_rows: says, once the items are at their end, how many rows were none; the index keeps it.

    Raises:
        SinkFailed: the file cannot be written or is a device, a pipe or a folder, or there is no room for
            temporary ones.
    """
    target = regular_target(path)
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            try:
                with tempfile.TemporaryFile(dir=target.parent) as spooled:
                    spool = Spool(spooled)
                    spool.take(items)
                    _Writer(file).write(spool, bad_rows())
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                Path(file.name).replace(target)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as exc:
        raise SinkFailed(f"{os.fspath(path)}: index cannot be written: {exc.strerror}") from exc


def regular_target(path: str | os.PathLike[str]) -> Path:
    """Return the file that a path leads to, links followed; it need not be there yet.

    Raises:
        SinkFailed: it is no regular file: replacing /dev/full would take the device away from everyone.
    """
    try:
        regular = stat.S_ISREG(Path(path).stat().st_mode)
    except FileNotFoundError:
        regular = True
    except OSError as exc:
        raise SinkFailed(f"{os.fspath(path)}: index cannot be written: {exc.strerror}") from exc
    if not regular:
        raise SinkFailed(f"{os.fspath(path)}: is no regular file; name one")
    return Path(os.path.realpath(path))


class _Writer:
    """Writes sections one after the other; hashes them on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.at = HEAD.size
        self.digest = hashlib.blake2b(digest_size=16)
        self.crc = 0
        self.sections: dict[str, list[int]] = {}
        file.write(bytes(HEAD.size))

    def write(self, spool: Spool, bad_rows: int) -> None:
        """Write an index: sections, header, and the head last, so that a torn file has none."""
        merged = _Merged(spool)
        self._section("texts", merged.texts())
        self._section("keys", [merged.keys()])
        self._section("places", [merged.places()])
        bits_log2, table, coarse = _filter(spool.heads, merged.addresses)
        self._section("filter", [table])
        self._section("coarse", [coarse])
        header = {
            "lists": merged.lists(),
            "families": dict(sorted(merged.families.items())),
            "addresses": merged.addresses,
            "bad_rows": bad_rows,
            "scannable": spool.scannable,
            "initials": "".join(sorted(spool.initials)),
            "filter_log2": bits_log2,
            "shared": [list(names) for names in spool.shared],
            "fingerprint": self.digest.hexdigest(),
            "crc": self.crc,
            "sections": self.sections,
        }
        raw = orjson.dumps(header)
        self.file.write(raw)
        self.file.seek(0)
        self.file.write(HEAD.pack(MAGIC, self.at, len(raw), head_checksum(self.at, raw)))

    def _section(self, name: str, parts: Iterable[bytes]) -> None:
        self._put(bytes(-self.at % 64))
        start = self.at
        if name == LOOKED_UP[0]:
            self.crc = 0
        for part in parts:
            self._put(part)
        self.sections[name] = [start, self.at]

    def _put(self, part: bytes) -> None:
        self.file.write(part)
        self.digest.update(part)
        self.crc = zlib.crc32(part, self.crc)
        self.at += len(part)


class _Merged:
    """A spool's entries in the order of their keys, those of an address in one text."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.families: Counter[str] = Counter()
        self._keys: list[bytes] = []
        self._sizes = array("I")
        self._dropped: list[int] = []

    def texts(self) -> Iterator[bytes]:
        """Yield the texts, some thousands at a time; everything else is known at the end."""
        import numpy as np  # noqa: PLC0415 - slow to import, and most runs open an index that is there

        keys = np.frombuffer(bytes(self.spool.keys), "<u8")
        if not len(keys):
            return
        sizes = np.frombuffer(self.spool.sizes, "u4")
        ends = np.cumsum(sizes, dtype="u8")
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        firsts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
        self._count_families(np.frombuffer(self.spool.kinds, "u2")[order[firsts]])
        content = self.spool.content()
        for begin in range(0, len(firsts), _BLOCK):
            cuts = [*firsts[begin : begin + _BLOCK + 1].tolist(), len(keys)][: _BLOCK + 1]
            rows = order[cuts[0] : cuts[-1]]
            texts = [
                content[end - size : end]
                for end, size in zip(ends[rows].tolist(), sizes[rows].tolist(), strict=True)
            ]
            if len(texts) == len(cuts) - 1:
                self._keys.append(ranked[cuts[0] : cuts[-1]].tobytes())
            else:
                texts = self._joined(texts, rows.tolist(), ranked, cuts)
            self._sizes.extend(map(len, texts))
            yield b"".join(texts)

    def _count_families(self, kinds: Any) -> None:
        import numpy as np  # noqa: PLC0415

        for name, count in zip(self.spool.families, np.bincount(kinds).tolist(), strict=False):
            if count:
                self.families[name] += count

    def _joined(self, texts: list[bytes], rows: list[int], ranked: Any, cuts: list[int]) -> list[bytes]:
        """Join the texts between each two cuts, those of one key; two addresses with one key stay apart."""
        joined: list[bytes] = []
        for start, end in itertools.pairwise(cuts):
            group = texts[start - cuts[0] : end - cuts[0]]
            if len(group) > 1:
                group = self._merged(group, rows[start - cuts[0] : end - cuts[0]])
            joined += group
            self._keys.append(ranked[start : start + 1].tobytes() * len(group))
        return joined

    def _merged(self, group: list[bytes], rows: list[int]) -> list[bytes]:
        seen: set[bytes] = set()
        by_address: dict[str, list[Any]] = {}
        for text, number in zip(group, rows, strict=True):
            if text in seen:
                self._dropped.append(number)
                continue
            seen.add(text)
            address, row = orjson.loads(text)
            by_address.setdefault(address, []).append(row)
        for address in list(by_address)[1:]:
            self.families[family(address) or OTHER] += 1
        return [
            orjson.dumps([address, *own], option=orjson.OPT_APPEND_NEWLINE)
            for address, own in by_address.items()
        ]

    @property
    def addresses(self) -> int:
        return len(self._sizes)

    def keys(self) -> bytes:
        return b"".join(self._keys)

    def places(self) -> bytes:
        import numpy as np  # noqa: PLC0415

        places = np.zeros(len(self._sizes) + 1, "<u8")
        np.cumsum(np.frombuffer(self._sizes, "u4") if self._sizes else [], out=places[1:])
        return places.tobytes()

    def lists(self) -> list[dict[str, Any]]:
        """Sum up the lists: entries, duplicates counted once, and those by family."""
        import numpy as np  # noqa: PLC0415

        spool = self.spool
        if not spool.sizes:
            return []
        both = np.frombuffer(spool.numbers, "u4").astype("u8") << 16 | np.frombuffer(spool.kinds, "u2")
        kept = np.ones(len(both), bool)
        kept[self._dropped] = False
        shared, kinds = list(spool.shared), list(spool.families)
        found: dict[tuple[str, ...], Counter[str]] = {}
        values, counts = np.unique(both[kept], return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            found.setdefault(shared[value >> 16][:3], Counter())[kinds[value & 0xFFFF]] += count
        return [
            dict(zip(SHARED, names, strict=False))
            | {"entries": families.total(), "families": dict(sorted(families.items()))}
            for names, families in found.items()
        ]


def _filter(heads: bytearray, addresses: int) -> tuple[int, bytes, bytes]:
    """Set the bits of every scan key in tables of a fitting size; see ``index.scan_key``."""
    import numpy as np  # noqa: PLC0415

    bits_log2 = max(9, (addresses * _FILTER_BITS_PER_KEY - 1).bit_length())
    table = np.zeros(1 << (bits_log2 - 3), "u1")
    coarse = np.zeros(1 << (bits_log2 - COARSER_LOG2 - 3), "u1")

    def set_bits(bits: Any, where: Any) -> None:
        places = np.asarray(bits, "<u8")
        np.bitwise_or.at(where, places >> 3, np.uint8(1) << (places & 7).astype("u1"))

    for start in range(0, len(heads), SCAN_BYTES * _BLOCK):
        block = heads[start : start + SCAN_BYTES * _BLOCK]
        words = np.frombuffer(block, "<u8").reshape(-1, 2) | np.uint64(FOLD)
        first = words[:, 0] * np.uint64(MIX1)
        mixed = first + words[:, 1] * np.uint64(MIX2)
        keys = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(MIX1)
        for bits in filter_bits(cast("int", keys), bits_log2):  # the same arithmetic on arrays
            set_bits(bits, table)
        set_bits(first >> np.uint64(64 - bits_log2 + COARSER_LOG2), coarse)
    return bits_log2, table.tobytes(), coarse.tobytes()
