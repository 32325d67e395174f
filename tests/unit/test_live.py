"""Opening a chain without the extra."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys
sys.modules["{missing}"] = None
from txpipe.commands.txtail import main
main()
"""


@pytest.mark.parametrize(
    ("missing", "url"),
    [
        ("urllib3", "https://127.0.0.1:1"),
        ("urllib3", "http://user:password@127.0.0.1:1"),
        ("websockets", "ws://127.0.0.1:1"),
    ],
)
def test_what_the_extra_is_for(missing, url):
    """It is named with the command that installs it, also for a node that is only the second."""
    told = told_without(missing, "http://127.0.0.1:1", url)
    assert told.returncode == 2
    assert told.stderr.startswith(f"txtail: {missing}")
    assert told.stderr.endswith("is missing: pip install 'txpipe[live]'\n")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "/nowhere/geth.ipc"])
def test_what_needs_no_extra(url):
    """Plain HTTP and IPC."""
    told = told_without("urllib3", url)
    assert told.returncode == 1
    assert "no connection" in told.stderr or "no such socket" in told.stderr


def told_without(missing, *urls):
    rpc = [text for url in urls for text in ("--rpc", url)]
    command = [sys.executable, "-c", WITHOUT.format(missing=missing), *rpc, "--no-follow"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
