"""Where a follower goes on by what txdetect has done with the records: the position in its state."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import orjson

from txpipe.chains.cursor import MAX_FILE, Saved, height_of, places_of, text_of
from txpipe.chains.follow import Place
from txpipe.errors import UsageFault

SUFFIX = ".pos"
"""Of the file in which txdetect says its position, beside its state."""

_STATE = b"txpipe state 1\n"
_REMEDY = "name the FILE of txdetect --state FILE, with .pos behind it; or use --cursor"


class AckFault(UsageFault):
    """A position that cannot be believed or read."""


def load(path: Path) -> dict[str, Saved]:
    """Return what txdetect has done, by chain; empty if there is no such file yet.

    The state beside the position is read where there is one: of two files that are replaced one after the
    other, a kill in between leaves the first one ahead.

    Args:
        path: of the position, or of the state itself; a copy of the position has another ending.

    Raises:
        AckFault: it cannot be read, or is no position.
    """
    state = path.with_name(path.name.removesuffix(SUFFIX))
    text = _text(state)
    if text is None:
        text = _text(path)
        if text is not None and path.name.endswith(SUFFIX):
            raise AckFault(
                f"{path}: the state of which it tells, {state}, is gone; delete it, too, or copy it"
            )
    if text is None:
        return {}
    try:
        return _read(text)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as exc:
        raise AckFault(f"{path}: is no position of txdetect, or a damaged one; {_REMEDY}") from exc


def _text(path: Path) -> bytes | None:
    """Return a file, of a state the position only; None if there is none."""
    if path.exists() and not path.is_file():
        raise AckFault(f"{path}: cannot be read: it is no file")
    try:
        with path.open("rb") as file:
            first = file.readline(MAX_FILE)
            return file.readline(MAX_FILE) if first == _STATE else first + file.read(MAX_FILE)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise AckFault(f"{path}: cannot be read: {exc.strerror}") from exc


def _read(text: bytes) -> dict[str, Saved]:
    """Return what a position's JSON says; ValueError, KeyError, TypeError or the like if it is none."""
    found = orjson.loads(text)
    found = found["position"] if "fingerprint" in found else found
    return {text_of(chain): _saved(chain, one) for chain, one in found.items()}


def _saved(chain: str, found: Any) -> Saved:
    """Return where to go on: behind the last block if it is closed.

    Nobody knows of which block the records of an open one were, so that they are taken back.
    """
    height, recent = found["block"], places_of(found["held"])
    height = height_of(height) if height != -1 else height
    if any(one.height >= two.height for one, two in itertools.pairwise(recent)):
        raise ValueError("not in order")
    if found["closed"] is True:
        if recent and recent[-1].height > height:
            raise ValueError("beyond the last block")
        return Saved(chain, None, height + 1, _joined(recent, height), ())
    is_open = Place(height, "", tuple(map(text_of, found["txs"])))
    return Saved(chain, None, height, _joined(recent, height - 1), (is_open,))


def _joined(recent: tuple[Place, ...], last: int) -> tuple[Place, ...]:
    """Return the blocks up to the last one, as far as they follow each other without a gap."""
    kept: list[Place] = []
    for place in reversed(recent):
        if place.height != last - len(kept):
            break
        kept.append(place)
    return tuple(reversed(kept))
