"""txlist as a process: verdicts at a terminal and in a pipe."""

import os
import pty
import subprocess

from conftest import script

A = "0x" + "a1" * 20


def test_verdicts_are_for_whoever_reads_them(tmp_path):
    """At a terminal a line for people, in a pipe NDJSON."""
    path = tmp_path / "some.csv"
    path.write_text(f"address,category\n{A},theft\n")
    command = [script("txlist"), "check", "--list", str(path), A]
    ours, theirs = pty.openpty()
    done = subprocess.run(command, stdout=theirs, timeout=30, check=False)
    os.close(theirs)
    assert os.read(ours, 4096).decode() == f"LISTED      {A}  some (undated): theft\r\n"
    os.close(ours)
    piped = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert (done.returncode, piped.returncode) == (0, 0)
    assert piped.stdout.startswith(b'{"type":"verdict","address":"0xa1a1')
