"""How it is: health of the sources, counts, metrics, who asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from txpipe.dashboard import guard
from txpipe.dashboard.access import TooManyTries
from txpipe.dashboard.api import answers, shapes
from txpipe.dashboard.board import Board

router = APIRouter(prefix="/api/v1", tags=["state"])


@router.get("/health", response_model=shapes.Health)
def health(request: Request) -> Response:
    """Return the last heartbeat of every source, when they were not ok, and the store in numbers."""
    board = answers.board(request)
    sources = board.store.health()
    return answers.json(
        {
            "status": "ok" if all(each.status == "ok" for each in sources) else "degraded",
            "sources": [asdict(each) | {"block_time": each.block_time} for each in sources],
            "stalls": [asdict(each) for each in board.store.stalls()],
            "store": _store(board),
        }
    )


def _store(board: Board) -> dict[str, int]:
    store = board.store
    return {
        "alerts": sum(store.counts()["severity"].values()),
        "bytes": store.size(),
        "stored": store.stored,
        "repeated": store.repeated,
        "seq": store.live.last,
    }


@router.get("/live", include_in_schema=False)
def live() -> Response:
    """Say that it is alive; for a supervisor, who need not log in."""
    return answers.json({"status": "ok"})


@router.get("/counts", response_model=shapes.Counts)
def counts(request: Request) -> Response:
    """Return how many alerts there are of which kind, and the last minute second by second."""
    store = answers.board(request).store
    seconds = [
        {"at": each.at, "records": each.records, "alerts": dict(each.alerts)}
        for each in store.rates.seconds()
    ]
    return answers.json(store.counts() | {"seconds": seconds})


@router.get("/metrics", response_class=Response)
def metrics(request: Request) -> Response:
    """Return numbers in the text format of Prometheus."""
    text = "".join(f"{line}\n" for line in _metrics(answers.board(request)))
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _metrics(board: Board) -> Iterator[str]:
    # https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
    store = board.store
    numbers = _store(board)
    yield from _metric("records_total", "counter", "Lines that came in.", [("", store.rates.records)])
    alerts = [(_labels(severity=name), count) for name, count in sorted(store.rates.alerts.items())]
    yield from _metric("alerts_total", "counter", "Alerts that came in, by severity.", alerts)
    yield from _metric("stored_total", "counter", "Revisions stored.", [("", numbers["stored"])])
    yield from _metric("repeated_total", "counter", "Revisions known already.", [("", numbers["repeated"])])
    held = [(_labels(triage=name), count) for name, count in sorted(store.counts()["triage"].items())]
    yield from _metric("held_alerts", "gauge", "Alerts in the store, by triage.", held)
    yield from _metric("store_bytes", "gauge", "Size of the store.", [("", numbers["bytes"])])
    sources = store.health()
    live = [each for each in sources if each.clock == "live"]
    lags = [(_labels(chain=each.chain, source=each.source), each.lag_s) for each in live]
    yield from _metric("source_lag_seconds", "gauge", "How far a source that is no replay is behind.", lags)
    up = [(_labels(chain=each.chain, source=each.source), int(each.status == "ok")) for each in sources]
    yield from _metric("source_up", "gauge", "Whether a source is neither stalled nor blind.", up)


def _metric(name: str, kind: str, meaning: str, values: Sequence[tuple[str, float]]) -> Iterator[str]:
    yield f"# HELP txdash_{name} {meaning}"
    yield f"# TYPE txdash_{name} {kind}"
    for labels, value in values:
        yield f"txdash_{name}{labels} {value}"


def _labels(**values: str) -> str:
    escaped = {
        key: value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
        for key, value in values.items()
    }
    return "{" + ",".join(f'{key}="{value}"' for key, value in escaped.items()) + "}"


@router.get("/me", response_model=shapes.Who)
def who(request: Request) -> Response:
    """Say who is asking."""
    return answers.json(asdict(answers.person(request)))


@router.post("/login", response_model=shapes.Who)
def log_in(request: Request, who: shapes.LogIn | shapes.TokenLogIn) -> Response:
    """Log in with name and password, or with a token; the answer's cookie is good for twelve hours."""
    peer = request.client.host if request.client else ""
    access = answers.board(request).access
    try:
        if isinstance(who, shapes.TokenLogIn):
            found = access.log_in_by_token(who.token, peer)
        else:
            found = access.log_in(who.name, who.password, peer)
    except TooManyTries as exc:
        raise HTTPException(429, "too many tries; wait a minute", {"Retry-After": "60"}) from exc
    if found is None:
        wrong = "the token" if isinstance(who, shapes.TokenLogIn) else "name or password"
        raise HTTPException(401, f"{wrong} is wrong")
    person, session = found
    secure = "; Secure" if request.headers.get("x-forwarded-proto") == "https" else ""
    cookie = f"{guard.COOKIE}={session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200{secure}"
    return answers.json(asdict(person), headers={"set-cookie": cookie})


@router.post("/logout", response_model=shapes.Who)
def log_out(request: Request) -> Response:
    """Forget the session of the cookie."""
    person: dict[str, Any] = asdict(answers.person(request))
    answers.board(request).access.log_out(guard.cookie(request.headers.get("cookie", "")))
    gone = f"{guard.COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
    return answers.json(person, headers={"set-cookie": gone})
