"""The dashboard's process, where there can be none."""

import errno
import os
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
