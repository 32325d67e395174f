"""What the API gives and takes, for its OpenAPI description."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from txpipe.address import canonical
from txpipe.dashboard.triage import ACTIONS, NOTE_CHARS

MOST_ADDRESSES = 1_000
"""Addresses of one batch."""
Address = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


Action = StrEnum("Action", {each: each for each in ACTIONS})  # type: ignore[misc]
"""What can be said of an alert."""


class Judged(_Shape):
    """What people made of an alert."""

    state: str = Field(description="open, acknowledged, false_positive or resolved")
    by: str = Field(description="who said so; empty while open")
    at: float | None = Field(description="Unix seconds")


class AlertItem(_Shape):
    """An alert as the store has it."""

    num: int = Field(description="order of first arrival")
    seq: int = Field(description="order of arrival of its last revision, the id of live events")
    received: float = Field(description="Unix seconds of its first arrival")
    changed: float = Field(description="Unix seconds of its last revision")
    triage: Judged
    alert: dict[str, Any] = Field(description="the alert itself, as it came")


class AlertPage(_Shape):
    """Some alerts, newest arrival first; few or none where they are rare among those looked at so far."""

    alerts: list[AlertItem]
    next: str | None = Field(description="cursor of the page that follows; null on the last one")


class RevisionItem(_Shape):
    """One revision of an alert."""

    seq: int
    received: float
    alert: dict[str, Any]


class LogEntry(_Shape):
    """One line of an alert's triage log."""

    entry: int
    action: str
    note: str
    who: str
    at: float
    undoes: int | None
    undone: bool


class AlertDetail(AlertItem):
    """All that is known of an alert; of its revisions the last thousand."""

    revisions: list[RevisionItem]
    log: list[LogEntry]


class Said(_Shape):
    """Something that is said of an alert."""

    action: Action
    note: str = Field(default="", max_length=NOTE_CHARS)
    undoes: int | None = Field(default=None, ge=1, le=2**62, description="for undo: the entry to take back")


class Identification(_Shape):
    """Why an address is listed, in the shape of Chainalysis' free sanctions API."""

    category: str
    name: str
    description: str
    url: str


class Exposed(BaseModel):
    """What a txdetect state has against an address on one chain; numbers are of funds seen there."""

    chain: str
    tainted_usd: float | None = Field(default=None, description="USD it holds that come from listed wallets")
    held_usd: float | None = Field(default=None, description="USD it was seen to receive and not to send")
    share: float | None = Field(default=None, description="tainted of held, 0-1")
    hops: int | None = Field(default=None, description="from the nearest listed wallet; 1: straight")
    by_hop_usd: list[float] | None = None
    time: int | None = Field(default=None, description="Unix seconds of the last tainted payment to it")
    origin: dict[str, str] | None = Field(default=None, description="the listed wallet, and its list entry")
    path: list[dict[str, str]] | None = Field(default=None, description="address and tx of each hop")
    score: int | None = Field(default=None, description="of the rules that spoke of it, combined")
    parts: dict[str, int] | None = Field(default=None, description="score by rule")
    incident: str | None = None
    first: int | None = Field(default=None, description="Unix seconds of the first movement seen")
    last: int | None = None


class Exposure(BaseModel):
    """How an address stands in the --state of txdetect."""

    verdict: str = Field(description="tainted, reported, nothing known or unknown")
    reason: str | None = Field(default=None, description="why it is unknown")
    blocks: dict[str, int] = Field(description="the last block that was taken, by chain")
    accounts: list[Exposed]


class Checked(BaseModel):
    """A list that was looked into."""

    list: str
    list_date: str
    entries: int


class Screening(BaseModel):
    """What is said of an address. Only ``identifications`` is in the well-known shape."""

    identifications: list[Identification]
    address: str
    verdict: str = Field(description="listed, not listed or unchecked: no answer is not a clean one")
    reason: str | None = Field(default=None, description="why it is unchecked")
    allowed: bool = Field(description="an allow-list silences it in txdetect")
    lists: list[dict[str, Any]] = Field(description="every entry found, with the list's own date")
    checked: list[Checked] = Field(description="the lists that were looked into, as they are now")
    exposure: Exposure


class Addresses(_Shape):
    """Addresses to be screened at once."""

    addresses: Annotated[list[Address], Field(min_length=1, max_length=MOST_ADDRESSES)]


class Screenings(_Shape):
    """What the lists say of them, in their order."""

    results: list[Screening]


class SourceItem(_Shape):
    """The last heartbeat of a source."""

    chain: str
    source: str
    status: str = Field(description="ok, stalled or blind")
    since: float
    seen: float
    block: int | None
    time: int
    lag_s: float = Field(description="behind the world's clock; of a replay that says nothing")
    records: int
    bad: int
    clock: str = Field(description="live, or replay: recorded or simulated blocks with a clock of their own")
    block_time: int | None = Field(description="Unix seconds of the last block: that clock")


class StallItem(_Shape):
    """A time in which a source was not ok."""

    chain: str
    source: str
    status: str = Field(description="stalled, blind, or silent: no heartbeat for a minute or more")
    since: float = Field(description="Unix seconds")
    until: float | None = Field(description="Unix seconds; null while it lasts")


class StoreItem(_Shape):
    """The store, in numbers."""

    alerts: int
    bytes: int
    stored: int = Field(description="revisions stored since the start")
    repeated: int = Field(description="revisions since the start that were there already")
    seq: int = Field(description="the last live event's id")


class Health(_Shape):
    """How the sources and the store are."""

    status: str = Field(description="ok, or degraded: a source is stalled or blind")
    sources: list[SourceItem]
    stalls: list[StallItem] = Field(description="the last 20 of each source, newest first; 200 at most")
    store: StoreItem


class Counts(_Shape):
    """How many alerts the store holds, and what came in second by second."""

    severity: dict[str, int]
    rule: dict[str, int]
    chain: dict[str, int]
    status: dict[str, int]
    triage: dict[str, int]
    seconds: list[dict[str, Any]] = Field(description="of the last minute: at, records, alerts by severity")


class LogIn(_Shape):
    """Name and password."""

    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=1024)


class TokenLogIn(_Shape):
    """A token, as programs send it."""

    token: str = Field(min_length=1, max_length=1024)


class Who(_Shape):
    """Who is asking."""

    name: str
    role: str


class Problem(_Shape):
    """What is wrong, and what to do."""

    error: str


def identifications(verdict: dict[str, Any]) -> list[dict[str, str]]:
    """Return a verdict's active entries in the shape of Chainalysis' free sanctions API.

    https://public.chainalysis.com/docs/: {"identifications": [{"category", "name", "description", "url"}]}
    """
    return [
        {
            "category": entry["category"],
            "name": entry.get("label") or entry["list"],
            "description": _description(entry),
            "url": source if (source := entry.get("source", "")).startswith(("https://", "http://")) else "",
        }
        for entry in verdict["entries"]
        if entry["active"]
    ]


def _description(entry: dict[str, Any]) -> str:
    said = [f"On list {entry['list']} ({entry['list_date']})"]
    if "listed" in entry:
        said.append(f"listed {entry['listed']}")
    if "asset" in entry:
        said.append(f"as {entry['asset']}")
    return ", ".join(said)


def screening(verdict: dict[str, Any]) -> dict[str, Any]:
    """Return a verdict as the API gives it."""
    return {
        "identifications": identifications(verdict),
        "address": canonical(verdict["address"]),
        "verdict": verdict["verdict"],
        "reason": verdict.get("reason"),
        "allowed": verdict["allowed"],
        "lists": verdict["entries"],
        "checked": verdict["checked"],
        "exposure": verdict["exposure"],
    }
