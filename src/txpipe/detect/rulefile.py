"""Rule files: the settings of all rules in one TOML file, read with every mistake named, and written."""

from __future__ import annotations

import dataclasses
import difflib
import sys
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from txpipe.detect.bounds import Bounds
from txpipe.detect.expressions import Expression, ExpressionRule
from txpipe.detect.finding import Rule
from txpipe.detect.ruleset import RuleSet, settings_of
from txpipe.detect.watch import ConductRule
from txpipe.errors import RuleFault
from txpipe.fields import NAMES, SEVERITIES

_OF_ANY_RULE = ("enabled", "severity")


class RuleFile:
    """What a rule file says, checked against the rules there are.

    Attributes:
        faults: what is wrong with it, one sentence each, file and key named.
    """

    def __init__(self, path: str, lists: Sequence[Rule], conduct: Sequence[type[ConductRule]]) -> None:
        self.faults: list[str] = []
        self._path = path
        self._list_ids = [rule.ID for rule in lists]
        self._conduct = {rule.ID: rule for rule in conduct}
        self._said = self._read()

    def disabled(self) -> set[str]:
        """Return the ids of the rules that it turns off.

        Raises:
            RuleFault: something is wrong with it; the first fault.
        """
        self._must_be_sound()
        rules = self._said.get("rules", {})
        return {name for name, table in rules.items() if table.get("enabled") is False}

    def expressions(self) -> list[str]:
        """Return the ids of its rules that are expressions."""
        return [rule.ID for rule in self._expressions]

    def rule_set(
        self, conduct: Sequence[type[ConductRule]], expressions: Collection[str] | None = None
    ) -> RuleSet:
        """Return its settings for some of the rules.

        Args:
            conduct: rules about conduct.
            expressions: ids of the expressions that run; None is all.

        Raises:
            RuleFault: something is wrong with it; the first fault.
        """
        self._must_be_sound()
        rules = self._said.get("rules", {})
        chains = self._said.get("chains", {})
        return RuleSet(
            conduct=conduct,
            severities={name: table["severity"] for name, table in rules.items() if "severity" in table},
            tracker=_plain(self._said.get("tracker", {})),
            rules={name: _plain(table) for name, table in rules.items()},
            chains={
                chain: {"tracker": _plain(own.get("tracker", {}))}
                | {name: _plain(table) for name, table in own.get("rules", {}).items()}
                for chain, own in chains.items()
            },
            more=[rule for rule in self._expressions if expressions is None or rule.ID in expressions],
        )

    def _must_be_sound(self) -> None:
        if self.faults:
            raise RuleFault(self.faults[0])

    def _compiled(self, said: Mapping[str, Any]) -> Iterator[ExpressionRule]:
        """Yield the rules that are expressions; what is wrong with the others is a fault."""
        ids = {*self._conduct, *self._list_ids}
        for name, table in self._tables(said, "expressions", ""):
            place = f"expressions.{name}"
            before = len(self.faults)
            self._check_keys(Expression, table, place, _OF_ANY_RULE)
            called = str(table.get("id", name))
            if called in ids:
                self._fault(place, "has the name of another rule")
            ids.add(called)
            if "when" not in table:
                self._fault(place, 'lacks "when"')
            if len(self.faults) == before and table.get("enabled", True):
                kept = {key: value for key, value in table.items() if key != "enabled"}
                try:
                    yield ExpressionRule(Expression(**{"id": name, **kept}))
                except RuleFault as fault:
                    self._fault(f"{place}.when", str(fault))

    def _read(self) -> dict[str, Any]:
        try:
            with Path(self._path).open("rb") as file:
                content = file.read(_LARGEST + 1)
            if len(content) > _LARGEST:
                raise RuleFault(f"{self._path}: is larger than {_LARGEST:,} bytes")
            said = tomllib.loads(content.decode())
        except OSError as exc:
            raise RuleFault(f"{self._path}: cannot be read: {exc.strerror}") from exc
        except (ValueError, RecursionError) as exc:  # of TOML, of UTF-8, of a number's length
            raise RuleFault(f"{self._path}: no TOML: {exc}") from exc
        self._check_sections(said, ("tracker", "rules", "expressions", "chains"), "")
        self._check_scope(said, "", whole=True)
        self._expressions = list(self._compiled(said))
        for chain, own in self._tables(said, "chains", ""):
            where = f'chains."{chain}".'
            if not NAMES["caip2"](chain):
                self._fault(f'chains."{chain}"', "is no CAIP-2 chain as in eip155:1")
            self._check_sections(own, ("tracker", "rules"), where)
            self._check_scope(own, where, whole=False)
        return said

    def _check_scope(self, said: Mapping[str, Any], where: str, *, whole: bool) -> None:
        tracker = said.get("tracker", {})
        if isinstance(tracker, dict):
            self._check_keys(Bounds, tracker, f"{where}tracker", ())
        for name, table in self._tables(said, "rules", where):
            place = f"{where}rules.{name}"
            if name in self._conduct:
                self._check_keys(
                    settings_of(self._conduct[name]) or _Nothing, table, place, _OF_ANY_RULE if whole else ()
                )
            elif name in self._list_ids:
                self._check_keys(_Nothing, table, place, _OF_ANY_RULE if whole else ())
            else:
                self._fault(place, f"no rule is called so{_meant(name, [*self._list_ids, *self._conduct])}")

    def _tables(self, said: Mapping[str, Any], key: str, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
        found = said.get(key, {})
        for name, table in found.items() if isinstance(found, dict) else ():
            if isinstance(table, dict):
                yield name, table
            else:
                self._fault(f"{where}{key}.{name}", "is no table")

    def _check_sections(self, said: Mapping[str, Any], known: Sequence[str], where: str) -> None:
        for key, value in said.items():
            if key not in known:
                self._fault(f"{where}{key}", f"is unknown{_meant(key, known)}")
            elif not isinstance(value, dict):
                self._fault(f"{where}{key}", "is no table")

    def _check_keys(
        self, settings: type[Any], table: Mapping[str, Any], place: str, more: Iterable[str]
    ) -> None:
        fields = {field.name: field for field in dataclasses.fields(settings)}
        for key, value in table.items():
            if key in more:
                wrong = _wrong_common(key, value)
            elif key in fields:
                wrong = _wrong(fields[key], value)
            else:
                wrong = f"is unknown{_meant(key, [*fields, *more])}"
            if wrong:
                self._fault(f"{place}.{key}", wrong)

    def _fault(self, place: str, wrong: str) -> None:
        self.faults.append(f"{self._path}: {place} {wrong}")


@dataclasses.dataclass(frozen=True)
class _Nothing:
    """The settings of a rule that has none."""


def _plain(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings proper, arrays as tuples and whole numbers as the default's type."""
    return {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in table.items()
        if key not in _OF_ANY_RULE
    }


def _wrong_common(key: str, value: Any) -> str:
    if key == "enabled":
        return "" if isinstance(value, bool) else "is neither true nor false"
    return "" if value in SEVERITIES else f"is none of {', '.join(SEVERITIES)}"


def _wrong(field: dataclasses.Field[Any], value: Any) -> str:
    """Say what is wrong with a setting's value; "" if nothing."""
    default = field.default
    unit = field.metadata.get("unit", "")
    if isinstance(default, tuple):
        return _wrong_array(default, unit, value)
    if isinstance(default, (bool, str)) or default is dataclasses.MISSING:
        default = "" if default is dataclasses.MISSING else default
        if type(value) is not type(default):
            return f"is no {_KINDS[type(default)]} as in {_toml(default)}"
        choices = field.metadata.get("choices")
        return f"is none of {', '.join(choices)}" if choices and value not in choices else ""
    if not _number(value):
        return f"is no number ({unit})" if unit else "is no number"
    if isinstance(default, int) and not isinstance(value, int):
        return "is no whole number"
    most = field.metadata.get("most")
    return f"is over {most:,}" if most is not None and value > most else _out_of_range(unit, value)


def _wrong_array(default: tuple[float, ...], unit: str, value: Any) -> str:
    """Say what is wrong with numbers; those of one unit come in the default's order, if it ascends."""
    if not isinstance(value, list) or not all(_number(item) for item in value):
        return "is no array of numbers"
    if len(value) != len(default):
        return f"has {len(value)} numbers, not {len(default)}"
    if list(default) == sorted(default) and "," not in unit and value != sorted(value):
        return "does not ascend"
    wrong = (_out_of_range("" if "," in unit or max(default) > 1 else unit, item) for item in value)
    return next(filter(None, wrong), "")


def _out_of_range(unit: str, value: float) -> str:
    if value < 0:
        return "is below 0"
    kind = unit.partition(" ")[0]
    return f"is over 1, and it is a {kind}" if kind in {"share", "probability"} and value > 1 else ""


_MOST = 1e90
_LARGEST = 1 << 20
_KINDS = {bool: "flag", str: "text"}


def _number(value: Any) -> bool:
    return type(value) in (int, float) and -_MOST < value < _MOST


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else f"; there are: {', '.join(known)}"


def written(lists: Sequence[Rule], conduct: Sequence[type[ConductRule]]) -> str:
    """Return the defaults of all rules as a rule file, each with its unit and its source."""
    parts = [_HEAD, "[tracker]", *_settings(Bounds)]
    for rule in lists:
        parts += ["", f"[rules.{rule.ID}]", "enabled = true"]
    for made in conduct:
        parts += ["", f"# {_first_line(made)}", f"[rules.{made.ID}]", "enabled = true"]
        parts += [f'# severity = "{made.SEVERITY}"  # for every finding of it; by default it grades each']
        parts += _settings(settings_of(made) or _Nothing)
    return "\n".join(parts) + "\n"


_HEAD = """\
# Rules of txdetect: `txdetect --rules FILE` takes a file like this, with only the keys that differ.
# A chain may have its own values: [chains."eip155:56".tracker], [chains."eip155:56".rules.dormant].
"""


def _settings(settings: type[Any]) -> Iterator[str]:
    for field in dataclasses.fields(settings):
        unit, source = field.metadata.get("unit", ""), field.metadata.get("source", "")
        note = "; ".join(part for part in (unit, source) if part)
        yield f"{field.name} = {_toml(field.default)}" + (f"  # {note}" if note else "")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value)


def _first_line(rule: type[ConductRule]) -> str:
    return cast("str", sys.modules[rule.__module__].__doc__).partition("\n")[0]
