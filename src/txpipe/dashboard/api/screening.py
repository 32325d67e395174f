"""Addresses against the lists by HTTP: one in the well-known shape, many at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from txpipe.dashboard.api import answers, shapes

router = APIRouter(prefix="/api/v1", tags=["screening"])


@router.get("/address/{address}", response_model=shapes.Screening)
def address(request: Request, address: Annotated[str, Path(min_length=1, max_length=256)]) -> Response:
    """Say what the lists have on an address.

    ``identifications`` is what Chainalysis' free sanctions API answers; mind ``verdict`` where it is empty.
    """
    return answers.json(shapes.screening(answers.board(request).screen(address)))


@router.post("/address", response_model=shapes.Screenings)
def batch(request: Request, wanted: shapes.Addresses) -> Response:
    """Say what the lists have on many addresses, in their order."""
    board = answers.board(request)
    return answers.json({"results": [shapes.screening(board.screen(each)) for each in wanted.addresses]})
