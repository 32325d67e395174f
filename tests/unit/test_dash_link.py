"""The dashboard's process, where there can be none."""

import errno
import os
import signal
import subprocess

import pytest

from txpipe.dashboard.buffer import Buffer
from txpipe.dashboard.link import Link
from txpipe.errors import SinkFailed


def test_no_process_left(monkeypatch):
    """Where the system gives no process, that is said at once."""

    def refused(*_, **__):
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(subprocess, "Popen", refused)
    with pytest.raises(SinkFailed, match="could not be started: Resource temporarily unavailable"):
        Link({"inherit": []}, Buffer(0), print, None).start()


def test_stopped_while_it_is_started_again(tmp_path):
    """A dashboard that begins after it was told to stop does not stay."""
    config = {"inherit": [], "db": str(tmp_path / "dash.db"), "folder": str(tmp_path), "screen": None}
    link = Link(config | {"age_s": None, "size": None}, Buffer(0), print, None)
    link._stopping = True  # as ``stop`` leaves it, which found nothing to kill
    link.start()
    assert link.wait(10)
    assert link._child.poll() == -signal.SIGKILL
