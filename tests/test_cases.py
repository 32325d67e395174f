"""Directory cases: tests/cases/<command>/<case>/ holds cmd, and what must come of it.

``cmd`` is a shell command line, run in the case's folder with the commands on PATH. ``in.ndjson`` (if
there) is its stdin; ``out.ndjson``, ``err`` and ``status`` are compared byte for byte (``err`` and
``status`` default to nothing and 0). ``make cases-update`` rewrites the three.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "cases"


def _cases():
    return sorted(path.parent for path in CASES.glob("*/*/cmd"))


@pytest.mark.parametrize("case", _cases(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_case(case, request, tmp_path):
    """The command writes what the case says, byte for byte."""
    env = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "LANG": "C.UTF-8",
        "TMPDIR": str(tmp_path),
        "CHECKOUT": str(CASES.parent.parent),
    }
    stdin = case / "in.ndjson"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", (case / "cmd").read_text()],
        cwd=case,
        env=env,
        input=stdin.read_bytes() if stdin.exists() else b"",
        capture_output=True,
        timeout=60,
        check=False,
    )
    actual = {"out.ndjson": done.stdout, "err": done.stderr, "status": b"%d\n" % done.returncode}
    default = {"out.ndjson": b"", "err": b"", "status": b"0\n"}
    if request.config.getoption("--update-cases"):
        for name, content in actual.items():
            if content == default[name]:
                (case / name).unlink(missing_ok=True)
            else:
                (case / name).write_bytes(content)
        return
    expected = {
        name: (case / name).read_bytes() if (case / name).exists() else default[name] for name in default
    }
    assert expected == actual
