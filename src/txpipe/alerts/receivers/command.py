"""Commands: one process a batch, fed NDJSON on its stdin; that it ends with 0 says that it has them all."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

from txpipe.alerts.receiver import SEND_S, NotTaken, Parcel, ReceiverFault, named, secret_names


class CommandReceiver:
    """Runs a command for every batch.

    Attributes:
        name: ``exec:``, the command's first word and a digest.
        batch: alerts that one process is fed.
        to_people: no.
    """

    batch = 500
    to_people = False

    def __init__(self, text: str, send_s: float = SEND_S) -> None:
        """Take a command and its arguments, as a shell has them; no shell runs it.

        Args:
            text: of what stands behind ``exec:``.
            send_s: seconds after which a process is killed, and its batch sent again.

        Raises:
            ReceiverFault: there is none.
        """
        try:
            self._words = shlex.split(text)
        except ValueError:
            raise ReceiverFault("exec: its quotes are not closed") from None
        if not self._words:
            raise ReceiverFault(
                "exec: names no command; write exec:COMMAND, or exec:sh -c 'COMMAND | COMMAND'"
            )
        # Ignored, as a parent may have left it, it would make a 0 of every status (subprocess).
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.name = named(f"exec:{self._words[0]}", text)
        self._send_s = send_s
        self._process: subprocess.Popen[bytes] | None = None

    def send(self, parcels: Sequence[Parcel]) -> None:
        """Run the command; it has the alerts once it ends with 0, however much of them it read.

        Raises:
            NotTaken: it cannot be started, ends with another status, or lasts too long.
        """
        environment = {key: value for key, value in os.environ.items() if key not in secret_names}
        said = sys.stderr.fileno() if sys.stderr is not None else subprocess.DEVNULL
        try:
            process = self._process = subprocess.Popen(  # noqa: S603 - it is the user's command
                self._words,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                env=environment,
                start_new_session=True,
            )
        except OSError as exc:
            raise NotTaken(f"cannot be started: {exc.strerror}") from exc
        with process:
            try:
                process.communicate(b"".join(parcel.sent + b"\n" for parcel in parcels), timeout=self._send_s)
            except subprocess.TimeoutExpired:
                self.close()
                raise NotTaken(f"did not end within {self._send_s:g} s") from None
        if process.returncode:
            raise NotTaken(f"ended with {_status(process.returncode)}")

    def close(self) -> None:
        """Kill the process that runs, and all that it started."""
        process = self._process
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _status(code: int) -> str:
    return f"status {code}" if code > 0 else f"signal {-code}"
