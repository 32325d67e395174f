"""Rules that users write as expressions in the rule file; the rule-engine library evaluates them, not Python.

A movement's names: ``usd`` (0 where unknown), ``units``, ``symbol``, ``asset``, ``chain``, ``time``,
``hour`` (0-23, UTC), ``first_contact``; of ``sender`` and ``receiver``, as in ``sender.age_s``: ``address``,
``age_s``, ``sent`` and ``received`` (movements), ``signed`` (transactions), ``payees`` and ``payers``
(contacts), ``held_usd``, ``service``, ``contract``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from txpipe.detect.account import CONTRACT, Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.traits import APPROVAL, EVERY, FIRST_CONTACT, FORGEABLE
from txpipe.errors import RuleFault, UsageFault
from txpipe.record import Severity

if TYPE_CHECKING:
    import rule_engine

_LONGEST = 1000
_COSTLY = ("<<", "**", "!~", "=~", "=~~")
"""Operators whose cost has no bound: shifts, powers, regular expressions."""

_MEMBER = re.compile(r"""("[^"]*"|'[^']*')|\b(sender|receiver)\.(\w+)""")
"""A text, or a member of a side. Members are looked up as plain names: the library takes ten times as long
for attributes."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression of a rule file.

    Attributes:
        id: the rule's id.
        when: the expression.
        severity: of every finding.
        category: of every finding.
        title: one sentence.
    """

    id: str
    when: str
    severity: Severity = "medium"
    category: str = "policy"
    title: str = ""


class ExpressionRule:
    """A rule that is an expression; it keeps nothing."""

    VERSION = 1
    SENT = EVERY
    RECEIVED = 0
    UNLESS = FORGEABLE | APPROVAL

    def __init__(self, expression: Expression) -> None:
        """Compile the expression.

        Raises:
            RuleFault: it is none, or names what there is not.
            UsageFault: the library is not installed.
        """
        self.ID = expression.id
        self.SEVERITY: Severity = expression.severity
        self._said = expression
        self._rule = _compiled(expression.when)
        with suppress(ArithmeticError):  # the example's numbers are 0: a ratio has no value for it
            self._evaluated(_EXAMPLE)

    def sent(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Evaluate the expression on a movement."""
        names = _names(move, me, other)
        if self._matches(names):
            used = {
                name.replace("__", "."): names[name] for name in sorted(_used(self._said.when) & set(names))
            }
            if "usd" in used:
                used["usd"] = move.usd
            yield Finding(
                rule=self.ID,
                category=self._said.category,
                severity=self.SEVERITY,
                score=SCORES[self.SEVERITY],
                subject=me.address,
                title=self._said.title or f"Rule {self.ID} of the rule file holds",
                evidence={"when": self._said.when, **used},
            )

    def received(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:  # noqa: ARG002
        """Nothing: the expression is evaluated once a movement."""
        yield from ()

    def _matches(self, names: Mapping[str, Any]) -> bool:
        """Say whether it holds; what cannot be evaluated (a division by zero) does not."""
        try:
            return self._evaluated(names)
        except (RuleFault, ArithmeticError):
            return False

    def _evaluated(self, names: Mapping[str, Any]) -> bool:
        import rule_engine  # noqa: PLC0415 - an extra

        try:
            return bool(self._rule.matches(names))
        except rule_engine.errors.ArithmeticError as exc:
            raise ArithmeticError(exc.message) from exc
        except rule_engine.errors.EngineError as exc:
            raise RuleFault(f"is no expression: {exc.message}") from exc


def _compiled(when: str) -> rule_engine.Rule:
    try:
        import rule_engine  # noqa: PLC0415 - an extra
    except ImportError as exc:
        raise UsageFault("expressions need an extra: pip install 'txpipe[expressions]'") from exc
    types = {
        name: rule_engine.DataType.STRING
        if isinstance(value, str)
        else rule_engine.DataType.BOOLEAN
        if isinstance(value, bool)
        else rule_engine.DataType.FLOAT
        for name, value in _EXAMPLE.items()
    }
    if len(when) > _LONGEST:
        raise RuleFault(f"is longer than {_LONGEST:,} characters")
    if costly := [sign for sign in _COSTLY if sign in when]:
        raise RuleFault(f"has {costly[-1]}: shifts, powers and regular expressions are not allowed")
    context = rule_engine.Context(
        resolver=rule_engine.resolve_item,
        type_resolver=rule_engine.type_resolver_from_dict(types),
    )
    try:
        return rule_engine.Rule(_flat(when), context=context)
    except rule_engine.errors.EngineError as exc:
        raise RuleFault(f"is no expression: {exc.message.replace('__', '.')}") from exc
    except RecursionError as exc:
        raise RuleFault("is no expression: nested too deep") from exc


def _flat(when: str) -> str:
    return _MEMBER.sub(lambda match: match[1] or f"{match[2]}__{match[3]}", when)


def _used(when: str) -> set[str]:
    return set(re.findall(r"\w+", _flat(when)))


def _names(move: Move, me: Account, other: Facts) -> dict[str, Any]:
    return {
        "usd": move.usd or 0.0,
        "units": move.units,
        "symbol": move.asset.symbol,
        "asset": move.asset.name,
        "chain": move.chain,
        "time": float(move.time),
        "hour": float(move.time // 3600 % 24),
        "first_contact": bool(move.traits & FIRST_CONTACT),
        **_side("sender", me, move.time),
        **_side("receiver", other, move.time),
    }


def _side(side: str, account: Facts, time: int) -> dict[str, Any]:
    return {
        f"{side}__address": account.address,
        f"{side}__age_s": float(max(0, time - account.first)),
        f"{side}__sent": float(account.n_out),
        f"{side}__received": float(account.n_in),
        f"{side}__signed": float(account.signed),
        f"{side}__payees": float(account.fan_out),
        f"{side}__payers": float(account.fan_in),
        f"{side}__held_usd": account.held,
        f"{side}__service": account.is_service,
        f"{side}__contract": bool(account.flags & CONTRACT),
    }


_NOBODY = Account("0x" + "0" * 40, 0)
_EXAMPLE: dict[str, Any] = {
    **dict.fromkeys(("usd", "units", "time", "hour"), 0.0),
    **dict.fromkeys(("symbol", "asset", "chain"), ""),
    "first_contact": False,
    **_side("sender", _NOBODY, 0),
    **_side("receiver", _NOBODY, 0),
}
"""Every name with a value of its type: what an expression may use."""
