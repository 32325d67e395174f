"""Rules of a user's own, from a Python file: the same interface as the rules of ``detect.rules``.

The file names its rules in ``RULES``, a tuple of classes; it runs with the rights of whoever starts txdetect.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from txpipe.detect.account import Account, Facts
from txpipe.detect.finding import Finding
from txpipe.detect.move import Move
from txpipe.detect.names import SHIPPED
from txpipe.detect.traits import BANDED
from txpipe.detect.watch import ConductRule
from txpipe.errors import PluginFailed, RuleFault
from txpipe.fields import SEVERITIES

_NEEDS: dict[str, tuple[type, ...]] = {
    "ID": (str,),
    "VERSION": (int,),
    "SEVERITY": (str,),
    "SENT": (int, tuple),
    "RECEIVED": (int, tuple),
    "UNLESS": (int,),
}


def own_rules(paths: Sequence[str]) -> tuple[list[type[ConductRule]], list[str]]:
    """Load the rules of several Python files; returns them all, and a digest of each file.

    Raises:
        RuleFault: a file cannot be used, or a rule has the id of another.
    """
    rules: list[type[ConductRule]] = []
    digests = []
    for path in paths:
        loaded, digest = load(path, {*SHIPPED, *(rule.ID for rule in rules)})
        rules += loaded
        digests.append(digest)
    return rules, digests


def load(path: str, taken: Collection[str]) -> tuple[Sequence[type[ConductRule]], str]:
    """Load the rules of a Python file.

    Args:
        path: the file.
        taken: ids that other rules have.

    Returns:
        The rules, and a digest of the file.

    Raises:
        RuleFault: it cannot be read or run, or its rules lack something.
    """
    module, digest = _module(path)
    rules = getattr(module, "RULES", None)
    if not isinstance(rules, (tuple, list)) or not rules:
        raise RuleFault(f"{path}: names no rules; a tuple RULES of classes is expected")
    ids = set(taken)
    for rule in rules:
        if wrong := _wrong(rule, ids):
            raise RuleFault(f"{path}: {getattr(rule, '__name__', rule)} {wrong}")
        ids.add(rule.ID)
    return [_watched(rule, path) for rule in rules], digest


def _watched(rule: type[ConductRule], path: str) -> type[ConductRule]:
    """Return a rule whose mistakes end the run in a sentence that names file, line, rule and transaction."""

    def sent(self: ConductRule, move: Move, me: Account, other: Facts) -> list[Finding]:
        own: Any = super(watched, self)
        return _heard(path, f"{rule.ID}.sent", own.sent, move, me, other)

    def received(self: ConductRule, move: Move, me: Account, other: Facts) -> list[Finding]:
        own: Any = super(watched, self)
        return _heard(path, f"{rule.ID}.received", own.received, move, me, other)

    methods = {"sent": sent, "received": received, "__module__": rule.__module__, "__doc__": rule.__doc__}
    watched: type[ConductRule] = type(rule.__name__, (rule,), methods)
    return watched


def _heard(  # noqa: PLR0913, PLR0917 - a call and where it is from
    path: str,
    called: str,
    method: Callable[..., Iterable[Finding]],
    move: Move,
    me: Account,
    other: Facts,
) -> list[Finding]:
    """Return what a rule of a user's own says, if it is findings.

    Raises:
        PluginFailed: it raised, or returned something else.
    """
    at = f"at transaction {move.tx} of {move.chain}"
    try:
        found = list(method(move, me, other))
    except Exception as exc:
        raise PluginFailed(f"{path}{_line(path, exc)}: {called}: {type(exc).__name__}: {exc}; {at}") from exc
    for each in found:
        if not isinstance(each, Finding):
            raise PluginFailed(f"{path}: {called} gave {type(each).__name__}, no Finding; {at}")
        if each.severity not in SEVERITIES:
            told = f"severity {each.severity!r}, none of {', '.join(SEVERITIES)}"
            raise PluginFailed(f"{path}: {called} gave a Finding of {told}; {at}")
    return found


def _module(path: str) -> tuple[ModuleType, str]:
    try:
        digest = hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
    except OSError as exc:
        raise RuleFault(f"{path}: cannot be read: {exc.strerror}") from exc
    name = f"txpipe_plugin_{digest}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RuleFault(f"{path}: is no Python file (.py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as exc:
        raise RuleFault(f"{path}{_line(path, exc)}: {type(exc).__name__}: {exc}") from exc
    return module, digest


def _line(path: str, exc: BaseException) -> str:
    """Return ":41" where an error passed a line of the file; "" if it did not."""
    files = {path, str(Path(path).absolute())}
    lines = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if frame.filename in files]
    return f":{lines[-1]}" if lines else ""


def _wrong_optional(rule: Any) -> str:
    """Say what is wrong with what a rule may have; "" if nothing."""
    if type(getattr(rule, "WIDE", False)) is not bool:
        return "has a WIDE that is neither True nor False"
    if type(getattr(rule, "RECEIVED_UNLESS", 0)) is not int:
        return "has a RECEIVED_UNLESS that is no int"
    bands = getattr(rule, "BANDS", ())
    if not isinstance(bands, (tuple, list)) or not all(map(_is_band, bands)):
        return "has BANDS that are no pairs of USD, the smaller first"
    asked = [
        mask
        for wanted in (rule.SENT, rule.RECEIVED)
        for mask in (wanted if type(wanted) is tuple else [wanted])
    ]
    if not bands and any(mask & BANDED for mask in asked):
        return "asks for BANDED and has no BANDS that say which amounts those are"
    return ""


def _is_band(pair: Any) -> bool:
    numbers = isinstance(pair, (tuple, list)) and [type(one) in {int, float} for one in pair] == [True, True]
    return numbers and 0 <= pair[0] < pair[1]


def _wrong(rule: Any, taken: Collection[str]) -> str:
    if not isinstance(rule, type):
        return "is no class"
    for name, kinds in _NEEDS.items():
        value = getattr(rule, name, None)
        if type(value) not in kinds:
            return f"has no {name} of type {' or '.join(kind.__name__ for kind in kinds)}"
        if isinstance(value, tuple) and not all(type(one) is int for one in value):
            return f"has a {name} that is no tuple of int"
    if wrong := _wrong_optional(rule):
        return wrong
    if rule.ID in taken:  # type: ignore[attr-defined]
        return f'has the id "{rule.ID}" of another rule'  # type: ignore[attr-defined]
    if rule.SEVERITY not in SEVERITIES:  # type: ignore[attr-defined]
        return f"has a SEVERITY that is none of {', '.join(SEVERITIES)}"
    for name in ("sent", "received"):
        if not callable(getattr(rule, name, None)):
            return f"has no method {name}(move, me, other)"
    return ""
