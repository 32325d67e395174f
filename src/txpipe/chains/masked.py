"""The command line as other users of the machine see it: URLs without what they keep secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_ARG_START, _ARG_END = 48, 49
"""Fields of /proc/PID/stat, from 1 on: where the process keeps its arguments (Linux, proc(5))."""


def mask(shown: Mapping[str, str]) -> None:
    """Overwrite arguments of this process where they stand, as far as the system lets one (Linux).

    Args:
        shown: for each text that may be part of an argument, the shorter one that is seen instead; stars fill
            the rest.
    """
    with suppress(OSError, ValueError, IndexError):
        after_name = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
        fields = after_name.split()
        start, end = (int(fields[number - 3]) for number in (_ARG_START, _ARG_END))
        with Path("/proc/self/mem").open("r+b", buffering=0) as memory:
            memory.seek(start)
            arguments = memory.read(end - start)
            for text, instead in shown.items():
                whole, seen = os.fsencode(text), os.fsencode(instead)
                arguments = arguments.replace(whole, seen[: len(whole)].ljust(len(whole), b"*"))
            memory.seek(start)
            memory.write(arguments)
