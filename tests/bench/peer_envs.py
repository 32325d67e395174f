"""Environments of their own for what is measured beside txpipe: made once, under build/, pinned."""

import shutil
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "build" / "peers"

WEB3 = (["web3==8.0.0"],)
"""pip's arguments, a list a step."""

ETHEREUM_ETL = (
    ["setuptools<81", "ethereum-etl==2.4.2", "regex"],
    ["--no-deps", "parsimonious==0.10.0"],  # the one that eth-abi asks for cannot be imported from 3.11 on
)


def python(name, steps, test):
    """The interpreter of an environment; None, after a word on stderr, if it cannot be made.

    Args:
        name: Of its folder.
        steps: Arguments of pip.
        test: A command that must work in it, the interpreter's arguments.
    """
    folder = BUILD / name
    found = folder / "bin" / "python"
    if not (folder / "made").exists():
        print(f"bench: setting up {name} in {folder} (once) ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            run([sys.executable, "-m", "venv", folder])
            for step in steps:
                run([found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *step])
            run([found, *test])
        except (OSError, subprocess.SubprocessError) as exc:
            said = getattr(exc, "stderr", None) or str(exc).encode()
            print(f"bench: no {name} to compare with: {said.decode()[-500:].strip()}", file=sys.stderr)
            return None
        (folder / "made").touch()
    return found


def run(command):
    subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=600)
