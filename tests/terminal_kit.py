"""A real terminal for tests: tmux, whose screen can be read and whose keys can be pressed."""

import os
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

TMUX = shutil.which("tmux")


class Terminal:
    """A terminal of the test's own with a shell in it; use it in a ``with``.

    Attributes:
        folder: where the shell is.
    """

    def __init__(self, folder, width=80, height=24, env=None):
        self.folder = Path(folder)
        self._size = ("-x", str(width), "-y", str(height))
        self._env = {**os.environ, "PS1": "$ ", "LC_ALL": "C.UTF-8", **(env or {})}
        self._env["PATH"] = f"{Path(sys.executable).parent}:{self._env['PATH']}"
        self._env.pop("TMUX", None)

    def __enter__(self):
        shell = ("bash", "--norc", "--noprofile")
        self._tmux("-f", os.devnull, "new-session", "-d", *self._size, "-c", str(self.folder), *shell)
        return self

    def __exit__(self, *_):
        self._tmux("kill-server")

    def _tmux(self, *args):
        done = subprocess.run(
            [TMUX, "-S", str(self.folder / "tmux"), *args],
            env=self._env,
            capture_output=True,
            timeout=30,
            check=True,
        )
        return done.stdout.decode()

    def run(self, command):
        """Type a command line, and after it what says that it is over."""
        self._tmux("send-keys", "-l", f"{command}; echo ended ${{PIPESTATUS[@]}}.")
        self.press("Enter")

    def press(self, *keys):
        """Press keys, by tmux's names."""
        self._tmux("send-keys", *keys)

    def type(self, text):
        """Type text as it is."""
        self._tmux("send-keys", "-l", text)

    def resize(self, width, height):
        """Give the window another size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def screen(self, *, escapes=False):
        """What is seen, line by line."""
        return self._tmux("capture-pane", "-p", *(("-e",) if escapes else ()))

    def until(self, pattern, seconds=40):
        """Wait until the screen shows something; return the match."""
        deadline = time.monotonic() + seconds
        while True:
            seen = self.screen()
            if match := re.search(pattern, seen, re.MULTILINE):
                return match
            assert time.monotonic() < deadline, f"nothing like {pattern} on\n{seen}"
            select.select([], [], [], 0.05)

    def settings(self):
        """The terminal's settings, as ``stty -a`` has them, of the pane itself."""
        tty = self._tmux("display-message", "-p", "#{pane_tty}").strip()
        with open(tty) as terminal:  # noqa: PTH123 - as a descriptor
            return subprocess.run(["stty", "-a"], stdin=terminal, capture_output=True, check=True).stdout
