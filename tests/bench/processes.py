"""Starting commands and reading what they cost."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # commands that are installed have their bytecode


def script(name):
    return str(BIN / name)


def timed(command, *, cores=None, timeout=900):
    """Run a command line to its end; return (wall seconds, CPU seconds)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    pin = (lambda: os.sched_setaffinity(0, range(cores))) if cores else None
    done = subprocess.run(
        command,
        shell=isinstance(command, str),
        check=False,
        preexec_fn=pin,
        timeout=timeout,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    wall = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{command}: status {done.returncode}: {done.stderr.decode()[-500:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def best(command, *, times=3, **options):
    """Return the shortest wall time of several runs."""
    return min(timed(command, **options)[0] for _ in range(times))


def in_turns(ours, theirs, times, *, cores=None):
    """Return the shortest wall times of ours, on one core, and of a peer, run in turns on a noisy machine."""
    rounds = [(timed(ours, cores=1)[0], timed(theirs, cores=cores)[0]) for _ in range(times)]
    return tuple(map(min, zip(*rounds, strict=True)))


def spent(command, out, *, until=None):
    """Run a command, its stdout into a file; return wall and CPU seconds, children included.

    Args:
        until: For one that never ends by itself: it is stopped once this says so, and may end as it likes.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=out, stderr=said, stdin=subprocess.DEVNULL)
        while until is not None and not until():
            if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                until = None  # too early
            time.sleep(0.02)
        if until is not None:
            process.terminate()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode and until is None:
            said.seek(0)
            raise RuntimeError(f"{command}: status {process.returncode}: {said.read().decode()[-500:]}")
    return wall, usage.ru_utime + usage.ru_stime


def peak_bytes(command):
    """Run a command line to its end; return the most memory that it had resident."""
    process = subprocess.Popen(f"exec {command}", shell=True)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command}: status {process.returncode}")
    return usage.ru_maxrss * 1024


def installed(command):
    return shutil.which(command.split()[0]) is not None
