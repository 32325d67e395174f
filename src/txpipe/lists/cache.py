"""Lists opened as one index: compiled on first use, from the cache afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from txpipe import __version__
from txpipe.errors import ListFault, SinkFailed, UsageFault
from txpipe.folders import default_cache
from txpipe.lists.entry import CATEGORIES, Addresses, Entry
from txpipe.lists.index import MAGIC, Index
from txpipe.lists.inputs import Input, Progress
from txpipe.lists.reading import Faults, ListSpec

_RULES_VERSION = 3  # to be raised when a reader gives other entries for the same bytes
_SUFFIX = ".txindex"
_KEPT_FILES = 24
_KEPT_BYTES = 2 << 30
_STALE_S = 24 * 3600


def open_lists(
    specs: Sequence[ListSpec],
    *,
    say: Callable[[str], None],
    cache_dir: Path | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Index:
    """Open lists, text or compiled, as one index.

    One compiled index alone is opened as it is. Everything else is merged into one, which is kept in the
    cache under the content of the files and the settings, so that it is compiled once.

    Args:
        specs: the lists; none at all give an index in which nothing is listed.
        say: takes messages about bad rows, bad lists and an unusable cache.
        cache_dir: where compiled lists are kept; None for the user's.
        skip_bad: report a list without a usable entry and go on without it.
        progress: told of the bytes read while lists are compiled.

    Raises:
        ListFault: a list cannot be used, and skip_bad is off; or none is left.
        UsageFault: a compiled index was given another name, category or date.
    """
    say = _once(say) if skip_bad else say

    def opened(lists: Sequence[_Opened]) -> Index:
        if len(lists) == 1 and lists[0].index:
            return lists[0].index
        return _merged(lists, cache_dir or default_cache(), say, progress)

    return _with_lists(specs, opened, say, skip_bad=skip_bad)


def compile_lists(
    specs: Sequence[ListSpec],
    path: Path,
    *,
    say: Callable[[str], None],
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Index:
    """Compile lists, text or compiled, to one index file and open it; arguments as for ``open_lists``.

    Raises:
        SinkFailed: the file cannot be written, or is none.
    """
    from txpipe.lists.build import regular_target  # noqa: PLC0415 - see _compiled

    regular_target(path)
    say = _once(say) if skip_bad else say
    return _with_lists(specs, lambda lists: _compiled(lists, path, say, progress), say, skip_bad=skip_bad)


def _once(say: Callable[[str], None]) -> Callable[[str], None]:
    """Leave out what was said before: a list is read again when another one turned out to be bad."""
    said: set[str] = set()

    def say_once(message: str) -> None:
        if message not in said:
            said.add(message)
            say(message)

    return say_once


def _with_lists(
    specs: Sequence[ListSpec],
    act: Callable[[Sequence[_Opened]], Index],
    say: Callable[[str], None],
    *,
    skip_bad: bool,
) -> Index:
    """Act on opened lists; under skip_bad again without the one at fault, for as long as one is."""
    _tell_unknown_categories(specs, say)
    with contextlib.ExitStack() as stack:
        lists: list[_Opened] = []
        for spec in specs:
            with _skipping(say, skip_bad=skip_bad):
                lists.append(_opened(spec, stack))
        while True:
            if specs and not lists:
                raise ListFault("--skip-bad-lists", "no list is left")
            try:
                return act(lists)
            except ListFault as fault:
                good = [each for each in lists if each.spec.path != fault.path]
                if not skip_bad or len(good) == len(lists):
                    raise
                say(f"{fault}; list skipped")
                lists = good


def _tell_unknown_categories(specs: Sequence[ListSpec], say: Callable[[str], None]) -> None:
    """Say that a category given in an option is a word of the user's own; an allow-list's may be any."""
    given = dict.fromkeys(spec.category for spec in specs if not spec.allows)
    for word in given:
        if word and word not in CATEGORIES:
            known = ", ".join(name for name in CATEGORIES if name != "allow")
            say(f'category "{word}" counts as scam; known ones are {known}')


@contextlib.contextmanager
def _skipping(say: Callable[[str], None], *, skip_bad: bool) -> Iterator[None]:
    try:
        yield
    except ListFault as fault:
        if not skip_bad:
            raise
        say(f"{fault}; list skipped")


@dataclass(frozen=True, slots=True)
class _Opened:
    """A list that is there; ``index`` if it came compiled."""

    spec: ListSpec
    source: Input
    index: Index | None

    def settings(self) -> list[str]:
        spec = self.spec
        content = self.index.fingerprint if self.index else self.source.digest
        return [content, spec.name, spec.category, spec.date, spec.default_category]


def _opened(spec: ListSpec, stack: contextlib.ExitStack) -> _Opened:
    source = Input(spec.path)
    stack.callback(source.close)
    if not source.compiled:
        return _Opened(spec, source, None)
    if not source.named:
        raise ListFault(spec.path, "is a compiled index; give it as a file, not through a pipe")
    if spec.renamed or spec.category or spec.date:
        raise UsageFault(f"{spec.path}: a compiled index keeps the names, categories and dates it has")
    return _Opened(spec, source, Index(spec.path))


def _merged(
    lists: Sequence[_Opened], cache: Path, say: Callable[[str], None], progress: Progress | None
) -> Index:
    """Return the index of several lists, from the cache or compiled anew."""
    settings = [MAGIC.decode(), __version__, _RULES_VERSION, [each.settings() for each in lists]]
    key = hashlib.blake2b(orjson.dumps(settings), digest_size=16).hexdigest()
    path = cache / f"{key}{_SUFFIX}"
    if reason := _distrusted(cache):
        return _uncached(lists, cache, reason, say, progress)
    with contextlib.suppress(ListFault):
        index = Index(path)
        with contextlib.suppress(OSError):
            os.utime(path)
        if rows := index.bad_rows:
            were = "row of the lists was no entry" if rows == 1 else "rows of the lists were no entries"
            say(f"{rows:,} {were}; txlist compile shows them")
        return index
    try:
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        index = _compiled(lists, path, say, progress)
    except (OSError, SinkFailed) as exc:
        reason = str(exc.strerror if isinstance(exc, OSError) else exc)
        return _uncached(lists, cache, reason, say, progress)
    if not all(each.source.unchanged() for each in lists if not each.index):
        path.unlink(missing_ok=True)
    _prune(cache, path)
    return index


def _distrusted(cache: Path) -> str:
    """Say why a folder is not to be trusted: files in it are taken for what their names say."""
    try:
        status = cache.stat()
    except OSError:
        return ""
    if status.st_uid != os.geteuid():
        return "is another user's"
    return "others may write there" if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


def _uncached(
    lists: Sequence[_Opened],
    cache: Path,
    reason: str,
    say: Callable[[str], None],
    progress: Progress | None,
) -> Index:
    say(f"{cache}: cannot keep compiled lists: {reason}; compiling for this run only")
    import tempfile  # noqa: PLC0415 - see _compiled

    with tempfile.TemporaryDirectory() as folder:
        return _compiled(lists, Path(folder) / f"lists{_SUFFIX}", say, progress)


def _compiled(
    lists: Sequence[_Opened], path: Path, say: Callable[[str], None], progress: Progress | None
) -> Index:
    """Write the index of several opened lists to a file and open it."""
    # Most runs find what they need in the cache and are spared the start-up time of these.
    from txpipe.lists.build import build  # noqa: PLC0415
    from txpipe.lists.formats import read  # noqa: PLC0415

    faults: list[Faults] = []

    def items() -> Iterator[Entry | Addresses]:
        for each in lists:
            faults.append(Faults(say, each.index.bad_rows if each.index else 0))
            if each.index:
                yield from each.index.entries()
            else:
                yield from read(each.source, each.spec, faults[-1], progress)

    build(items(), path, lambda: sum(each.count for each in faults))
    return Index(path)


def _prune(cache: Path, made: Path) -> None:
    """Keep the compiled lists used last, within limits; others may delete at the same time."""
    with contextlib.suppress(OSError):
        for left in cache.glob(f".*{_SUFFIX}.*"):
            if left.stat().st_mtime < time.time() - _STALE_S:
                left.unlink()
    found: list[tuple[float, int, Path]] = []
    for path in cache.glob(f"*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            found.append((path.stat().st_mtime, path.stat().st_size, path))
    size = 0
    for number, (_, bytes_, path) in enumerate(sorted(found, reverse=True)):
        size += bytes_
        if path != made and (number >= _KEPT_FILES or size > _KEPT_BYTES):
            with contextlib.suppress(OSError):
                path.unlink()
