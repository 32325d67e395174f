"""Blocklists and allow-lists that follow their files: read again without a restart, as a whole or not at all.

What is new is compiled by a process of its own (``apart``): that takes long, and the page goes on. A version
that cannot be used is said, once, and what the lists said before stays.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from txpipe.dashboard.apart import LISTS, Apart, Refused
from txpipe.dashboard.follow import Follower, Mark, marks
from txpipe.errors import ListFault
from txpipe.lists.index import Index
from txpipe.lists.reading import ListSpec
from txpipe.visible import clipped

_MOST_NAMED = 5


def configured(
    index: Index, specs: Sequence[ListSpec], seen: Sequence[Mark], *, skip_bad: bool
) -> dict[str, Any]:
    """Return what the dashboard's process is to know of lists, JSON data.

    Args:
        index: what they came to; its descriptor is to be inherited, for its file may be gone by then.
        specs: the lists.
        seen: what their files were before they were read.
        skip_bad: lists that cannot be used were left out.
    """
    files = [each for each in specs if _is_file(each.path)]
    return {
        "index": f"/dev/fd/{index.fileno()}",
        "named": index.path,
        "specs": [asdict(each) for each in specs] if len(files) == len(specs) else [],  # a pipe is read once
        "marks": list(seen) if len(files) == len(specs) else [],
        "skip_bad": skip_bad,
    }


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        return True  # one that was left out, and may come


class Lists:
    """Lists of one kind.

    Attributes:
        index: what they say now; None without any.
    """

    def __init__(
        self, config: dict[str, Any] | None, folder: Path, apart: Apart, say: Callable[[str], None]
    ) -> None:
        """Open what was compiled at the start; ``start`` begins to follow.

        Args:
            config: what ``configured`` returned; None without any list.
            folder: for what is made.
            apart: reads what is new.
            say: takes messages for people.

        Raises:
            ListFault: it cannot be opened.
        """
        config = config or {"index": None, "specs": [], "marks": [], "skip_bad": False}
        self.index = Index(config["index"]) if config["index"] else None
        if self.index is not None:
            self.index.path = config["named"]
        self._specs = [ListSpec(**each) for each in config["specs"]]
        self._skip_bad: bool = config["skip_bad"]
        self._to = folder / f"lists.{id(self)}"
        self._apart = apart
        self._say = say
        paths = [each.path for each in self._specs]
        taken: list[Mark] = [mark and tuple(mark) for mark in config["marks"]]
        self._read = dict(zip(paths, taken, strict=True))
        self.follower = Follower(paths, taken, self._renew)

    def start(self) -> None:
        """Follow the files from now on."""
        if self._specs:
            self.follower.start()

    def stop(self) -> None:
        """End."""
        self._apart.stop()
        self.follower.stop()

    def _renew(self) -> None:
        now = dict(zip(self._read, marks(list(self._read)), strict=True))
        changed = [path for path in now if now[path] != self._read[path]]
        if not changed:  # back to what it was before one that could not be used
            return
        try:
            index = self._compiled(changed)
        except (Refused, ListFault, OSError) as exc:
            if self._apart.stopped:
                return
            self._say(f"{exc}; the lists stay as they were until that is mended")
            return
        self.index, self._read = index, now
        names = ", ".join(clipped(path, 80) for path in changed[:_MOST_NAMED])
        self._say(f"{names}: changed and read again; {index.addresses:,} addresses are listed now")

    def _compiled(self, changed: Sequence[str]) -> Index:
        """Return the index of the lists as they are; what was left out at the start may stay so."""
        specs = self._specs
        while True:
            try:
                job = {"job": LISTS, "specs": [asdict(each) for each in specs], "to": str(self._to)}
                self._apart.run(job, self._say)
                return Index(self._to)
            except Refused as exc:
                left = [each for each in specs if each.path != exc.path or each.path in changed]
                if not self._skip_bad or len(left) == len(specs) or not left:
                    raise
                specs = left
            finally:
                self._to.unlink(missing_ok=True)
