"""A message to people about one alert or several: a title and a body, in plain text without lures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from txpipe.alerts.digest import body_of_many, gravest, latest, title_of_many
from txpipe.alerts.intake import reread
from txpipe.alerts.receiver import Parcel
from txpipe.alerts.words import defanged
from txpipe.record import Severity

Writer = Callable[[dict[str, Any]], str]
"""Writes the title or the body of a message about an alert."""


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told.

    Attributes:
        title: one line.
        body: lines.
        severity: of the gravest alert that stands.
        alerts: that it is about, one or more, each as its last revision has it.
    """

    title: str
    body: str
    severity: Severity
    alerts: Sequence[dict[str, Any]]


def composed(parcels: Sequence[Parcel], title_of: Writer, body_of: Writer) -> Message:
    """Return the message on one alert, or one on several; why it comes stands before its title.

    What was revised or retracted while it waited is told as it is now.

    Args:
        parcels: one or more.
        title_of: writes the title on a single alert.
        body_of: likewise the body.
    """
    alerts = latest([reread(parcel.line) for parcel in parcels])
    several = len(alerts) > 1
    title = title_of_many(alerts) if several else title_of(alerts[0])
    notes = dict.fromkeys(parcel.note for parcel in parcels if parcel.note)
    return Message(
        defanged(": ".join([*notes, title])),
        defanged(body_of_many(alerts) if several else body_of(alerts[0])),
        gravest(alerts)[0]["severity"],
        alerts,
    )
