"""Alerts by HTTP: pages of them, one, its incident, and what people make of it."""

from __future__ import annotations

import inspect
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import Response

from txpipe.dashboard.api import answers, shapes
from txpipe.dashboard.query import MOST, Filter
from txpipe.dashboard.triage import TriageFault
from txpipe.fields import SEVERITIES, Severity

router = APIRouter(prefix="/api/v1", tags=["alerts"])

AlertId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="32 hex digits")]
_Name = Annotated[str, Query(max_length=256)]
_Names = Annotated[list[Annotated[str, Query(max_length=256)]] | None, Query(max_length=50)]
_Time = Annotated[int | None, Query(ge=-(2**62), le=2**62, description="Unix seconds")]
_Cursor = Annotated[str, Query(pattern="^[0-9]{1,18}$|^$", description="the last page's next")]
_Limit = Annotated[int, Query(ge=1, le=MOST)]


def wanted(  # noqa: PLR0913, PLR0917 - one argument a parameter
    severity: Annotated[list[Severity] | None, Query()] = None,
    min_severity: Annotated[Severity | None, Query(description="this one and above")] = None,
    rule: _Names = None,
    chain: _Names = None,
    category: _Names = None,
    status: Annotated[list[Literal["open", "updated", "retracted"]] | None, Query()] = None,
    triage: Annotated[
        list[Literal["open", "acknowledged", "false_positive", "resolved"]] | None, Query()
    ] = None,
    subject: _Name = "",
    tx: _Name = "",
    address: Annotated[str, Query(max_length=256, description="anywhere in the alert")] = "",
    incident: _Name = "",
    q: Annotated[str, Query(max_length=256, description="words, each at least as a beginning")] = "",
    since: _Time = None,
    until: _Time = None,
    shadow: Annotated[bool | None, Query(description="of rules on trial")] = None,
) -> Filter:
    """Return the filter that a request asks for; a parameter that is repeated means any of its values."""
    severities = list(severity or ())
    if min_severity is not None:
        above = SEVERITIES[SEVERITIES.index(min_severity) :]
        severities = [each for each in above if not severities or each in severities]
    return Filter(
        severities=severities,
        rules=rule or (),
        chains=chain or (),
        categories=category or (),
        statuses=status or (),
        triage=triage or (),
        subject=subject,
        tx=tx,
        address=address,
        incident=incident,
        text=q,
        since=since,
        until=until,
        shadow=shadow,
    )


_Wanted = Annotated[Filter, Depends(wanted)]
_NAMES = (*inspect.signature(wanted).parameters, "cursor", "limit")


def known(request: Request) -> None:
    """Refuse parameters that are none: a filter that is misspelt must not mean all alerts."""
    odd = next((name for name in request.query_params if name not in _NAMES), None)
    if odd is not None:
        raise HTTPException(422, f"query.{odd[:40]}: is no parameter; there are {', '.join(_NAMES)}")


@router.get("/alerts", response_model=shapes.AlertPage, dependencies=[Depends(known)])
def alerts(request: Request, wanted: _Wanted, cursor: _Cursor = "", limit: _Limit = 50) -> Response:
    """Return alerts, newest arrival first; follow ``next`` for older ones."""
    found = answers.board(request).store.page(wanted, int(cursor) if cursor else None, limit)
    return answers.json(answers.page(found))


@router.get("/alerts/{alert_id}", response_model=shapes.AlertDetail)
def alert(request: Request, alert_id: AlertId) -> Response:
    """Return an alert with its revisions and its triage log."""
    found = answers.board(request).store.alert(alert_id)
    if found is None:
        raise HTTPException(404, "no alert has this id")
    return answers.json(answers.detail(found))


@router.get("/incidents/{incident}", response_model=shapes.AlertPage)
def incident(
    request: Request,
    incident: Annotated[str, Path(min_length=1, max_length=256)],
    cursor: _Cursor = "",
    limit: _Limit = 50,
) -> Response:
    """Return the alerts of an incident, newest arrival first."""
    found = answers.board(request).store.incident(incident, int(cursor) if cursor else None, limit)
    return answers.json(answers.page(found))


@router.post(
    "/alerts/{alert_id}/triage",
    response_model=shapes.LogEntry,
    status_code=201,
)
def triage(request: Request, alert_id: AlertId, said: shapes.Said) -> Response:
    """Say what to make of an alert; by whom and when is kept."""
    board, person = answers.board(request), answers.person(request)
    if board.read_only or not person.may_triage:
        raise HTTPException(403, "this dashboard is read-only" if board.read_only else "viewers only look")
    try:
        entry = board.store.triage(alert_id, said.action.value, person.name, said.note, said.undoes)
    except TriageFault as exc:
        raise HTTPException(409, str(exc)) from exc
    if entry is None:
        raise HTTPException(404, "no alert has this id")
    return answers.json(asdict(entry), 201)
