"""The commands: one module each, declaration and wiring only."""

from __future__ import annotations

import os
import sys

from txpipe import interrupt


def _is_command(path: str) -> bool:
    """Say whether a program is one of the commands, not somebody who imports them."""
    name = path.rpartition("/")[2].partition(".")[0]
    return os.access(f"{__path__[0]}/{name}.py", os.F_OK)


if _is_command(sys.argv[0]):
    interrupt.leave_at_once()  # before the command's imports, which take most of its start
