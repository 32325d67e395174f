"""What is around the application: who sits there, and what goes on behind the screen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Outside:
    """What the application hears from outside. Any thread.

    Attributes:
        over: the input has ended; the screen stays.
        done: the application is to end: everything is stored, or nobody feeds it any more.
        said: the last message for people.
    """

    over: bool = False
    done: bool = False
    said: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the application runs.

    Attributes:
        who: name of the person, for the triage log.
        read_only: this person may not triage.
        pipes: what comes in goes on to somebody.
        url: where the page is; empty without one.
    """

    who: str
    read_only: bool = False
    pipes: bool = False
    url: str = ""
