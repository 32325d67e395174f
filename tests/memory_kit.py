"""The most memory that a command held."""

import sys

DRIVER = """
import pathlib, resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
pathlib.Path("peak").write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status)
"""


def measured(*command):
    """Return a command line that runs another and notes its peak, in KiB, in the file ``peak``.

    Linux counts what the parent held to a new process: of a child of ours it would be our size at least.
    """
    return [sys.executable, "-c", DRIVER, *command]
