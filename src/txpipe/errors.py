"""What a user can mend, as a tree; anything else that is raised is a bug and keeps its traceback."""

from __future__ import annotations


class TxpipeError(Exception):
    """A failure that its reader can mend.

    Attributes:
        status: exit status of a command that ends with this error (README, "Statuses").
    """

    status = 1


class UsageFault(TxpipeError):
    """The command line or a file named on it makes no sense; nothing was processed."""

    status = 2


class InputFailed(TxpipeError):
    """An input cannot be opened or read (any more)."""


class SinkFailed(TxpipeError):
    """An output cannot be opened or written (any more)."""


class BadLine(TxpipeError):
    """A line that is no record, under --strict.

    Attributes:
        place: input and line, as in ``<stdin>:41``.
        reason: what is wrong with the line.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        self.reason = reason


class RecordFault(TxpipeError):
    """One value that is no record; the caller knows the place and adds it."""


class RuleFault(UsageFault):
    """A rule file that cannot be read or says what no rule understands."""


class PluginFailed(TxpipeError):
    """A rule of a user's own that raised, or returned what is no finding: nothing is sure any more."""


class StateFault(UsageFault):
    """A state file that cannot be believed, read or written.

    Attributes:
        path: the file.
        reason: what is wrong and what to do.
    """

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class ListFault(UsageFault):
    """A list that yields nothing usable, or a compiled index that cannot be trusted.

    Attributes:
        path: the file.
        reason: what is wrong and what to do.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class ReaderGone(Exception):
    """The reader of stdout closed the pipe; the command ends silently with 141."""
