"""What takes long, in a process of its own: ``python -m txpipe.dashboard.apart``; the page goes on meanwhile.

It gets a job on stdin, says what it has to say line by line on stdout, and leaves a file.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from txpipe.errors import ListFault, TxpipeError

_NICE = 10
LISTS = "lists"
STATE = "state"


class Refused(TxpipeError):
    """A job that could not be done; the message is for people.

    Attributes:
        path: the list that is at fault; empty if none is.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.path = path


class Apart:
    """Does one job at a time in another process. Any thread may stop it.

    Attributes:
        stopped: nothing is begun any more, and what was going on has ended as it could.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self.stopped = False

    def run(self, job: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
        """Do a job and return what it came to.

        Args:
            job: JSON data; ``job`` is LISTS or STATE, ``to`` a file that is made.
            say: takes messages for people.

        Raises:
            Refused: the job could not be done.
        """
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "txpipe.dashboard.apart"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        ) as child:
            self._child = child
            if self.stopped or child.stdin is None or child.stdout is None:
                child.kill()
                raise Refused("is not read any more")
            child.stdin.write(orjson.dumps(job))
            child.stdin.close()
            for line in child.stdout:
                if not line.endswith(b"\n"):  # it died while it said so
                    break
                told = orjson.loads(line)
                if "say" in told:
                    say(told["say"])
                elif "fault" in told:
                    raise Refused(told["fault"], told["path"])
                else:
                    return dict(told["done"])
        raise Refused(f"{job.get('path') or 'lists'}: reading ended with status {child.returncode}")

    def stop(self) -> None:
        """End what is going on, and begin nothing any more."""
        self.stopped = True
        if self._child is not None and self._child.poll() is None:
            self._child.kill()


def _compile(job: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    from txpipe.lists.cache import compile_lists  # noqa: PLC0415 - a job needs one of the two
    from txpipe.lists.reading import ListSpec  # noqa: PLC0415

    index = compile_lists([ListSpec(**each) for each in job["specs"]], Path(job["to"]), say=say)
    return {"addresses": index.addresses}


def _digest(job: dict[str, Any], _say: Callable[[str], None]) -> dict[str, Any]:
    from txpipe.dashboard.digest import write  # noqa: PLC0415 - see above

    return write(Path(job["path"]), Path(job["to"]))


def main() -> int:
    """Do the job that stdin says."""
    os.nice(_NICE)

    def tell(what: dict[str, Any]) -> None:
        try:
            os.write(1, orjson.dumps(what) + b"\n")
        except BrokenPipeError:  # nobody is there any more
            os._exit(1)

    job = orjson.loads(sys.stdin.buffer.read())
    work = {LISTS: _compile, STATE: _digest}[job["job"]]
    try:
        tell({"done": work(job, lambda message: tell({"say": message}))})
    except TxpipeError as exc:
        tell({"fault": str(exc), "path": exc.path if isinstance(exc, ListFault) else ""})
    except (MemoryError, OSError, sqlite3.Error) as exc:
        tell({"fault": f"{job.get('path') or 'lists'}: cannot be read: {exc!r}", "path": ""})
    return 0


if __name__ == "__main__":
    sys.exit(main())
