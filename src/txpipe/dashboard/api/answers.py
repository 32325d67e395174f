"""Answers as bytes: alerts go out as they came in, without being parsed on the way."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from fastapi import HTTPException, Request
from fastapi.responses import Response

from txpipe.dashboard.access import Person
from txpipe.dashboard.board import Board
from txpipe.dashboard.query import Page, Stored
from txpipe.dashboard.store import Detail


def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a value as JSON."""
    return Response(orjson.dumps(value), status, headers, "application/json")


def board(request: Request) -> Board:
    """Return what the request stands on."""
    found: Board = request.app.state.board
    return found


def person(request: Request) -> Person:
    """Return who asks; the guard has let nobody else in."""
    found: Person | None = getattr(request.state, "person", None)
    if found is None:
        raise HTTPException(401, "who are you?")
    return found


def item(stored: Stored) -> dict[str, Any]:
    """Return an alert of a page."""
    return {
        "num": stored.num,
        "seq": stored.seq,
        "received": stored.received,
        "changed": stored.changed,
        "triage": {"state": stored.triage, "by": stored.triaged_by, "at": stored.triaged_at},
        "alert": orjson.Fragment(stored.line),
    }


def page(found: Page) -> dict[str, Any]:
    """Return a page of alerts."""
    return {
        "alerts": [item(each) for each in found.alerts],
        "next": None if found.next is None else str(found.next),
    }


def detail(found: Detail) -> dict[str, Any]:
    """Return all that is known of an alert."""
    return item(found.stored) | {
        "revisions": [
            {"seq": each.seq, "received": each.received, "alert": orjson.Fragment(each.line)}
            for each in found.revisions
        ],
        "log": [asdict(each) for each in found.log],
    }
