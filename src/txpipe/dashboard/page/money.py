"""The way of the money in an alert's evidence: who paid whom, by which transaction, in layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from txpipe.alerts.facts import matches, text

_MOST_STEPS = 40


@dataclass(frozen=True, slots=True)
class Payment:
    """An edge.

    Attributes:
        source: who pays.
        to: who is paid.
        tx: the transaction; empty where the evidence does not tell.
        usd: worth; None where it does not tell.
    """

    source: str
    to: str
    tx: str = ""
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """A graph.

    Attributes:
        payments: its edges, in the order of the money.
        layers: its nodes, those that the money passes first in front.
        roles: what the evidence calls an address.
        listed: addresses that a list names.
    """

    payments: list[Payment]
    layers: list[list[str]]
    roles: dict[str, str] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()


def money(alert: dict[str, Any]) -> Money:
    """Return what an alert's evidence, else its record, tells of who paid whom."""
    evidence, record = alert["evidence"], alert["record"]
    payments = [each for each in _payments(alert, evidence, record) if each.source and each.to]
    if not payments and text(record.get("from")) and text(record.get("to")):
        payments = [Payment(text(record["from"]), text(record["to"]), alert["tx"], _usd(record.get("usd")))]
    roles = {alert["subject"]: alert["role"]} | {
        evidence[key]: key
        for key in ("source", "receiver", "victim", "imitates", "mixer", "sent_by")
        if isinstance(evidence.get(key), str) and evidence[key] != alert["subject"]
    }
    origin = evidence.get("origin")
    listed = {text(origin.get("address"))} if isinstance(origin, dict) else set()
    if matches(alert):
        listed.add(text(evidence.get("address")))
    if isinstance(evidence.get("match"), dict):
        listed.add(text(evidence.get("mixer")))
    return Money(payments, _layers(payments), roles, frozenset(listed - {""}))


def _payments(alert: dict[str, Any], evidence: dict[str, Any], record: dict[str, Any]) -> Iterator[Payment]:
    path = _steps(evidence.get("path"))
    if path and isinstance(evidence.get("origin"), dict):  # exposure: a step has the transaction that paid it
        before = text(evidence["origin"].get("address"))
        for step in path:
            yield Payment(before, step["address"], text(step.get("tx")))
            before = step["address"]
    elif path:  # of conduct: a step has the transaction by which it paid the next
        first = text(evidence.get("source")) or alert["subject"]
        got = _usd(evidence.get("first_got_usd", evidence.get("left_usd")))
        yield Payment(first, path[0]["address"], "", got)
        last = text(evidence.get("receiver")) or text(record.get("to")) or alert["subject"]
        for step, after in zip(path, [*(each["address"] for each in path[1:]), last], strict=True):
            yield Payment(step["address"], after, text(step.get("tx")), _usd(step.get("usd")))
    elif payers := _names(evidence.get("payers")):
        by = _names(evidence.get("transactions"), each=True)
        for place, payer in enumerate(payers):
            if source := text(evidence.get("source")):
                yield Payment(source, payer)
            yield Payment(payer, alert["subject"], by[place] if len(by) == len(payers) else "")
    elif others := _names(evidence.get("counterparties")) or _names(evidence.get("receivers")):
        for other in others:
            ends = (
                (other, alert["subject"]) if evidence.get("side") == "received" else (alert["subject"], other)
            )
            yield Payment(*ends)


def _steps(value: Any) -> list[dict[str, Any]]:
    found = value[:_MOST_STEPS] if isinstance(value, list) else []
    return [each for each in found if isinstance(each, dict) and isinstance(each.get("address"), str)]


def _names(value: Any, *, each: bool = False) -> list[str]:
    found = [one for one in value[:_MOST_STEPS] if isinstance(one, str)] if isinstance(value, list) else []
    return found if each else list(dict.fromkeys(found))


def _usd(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _layers(payments: list[Payment]) -> list[list[str]]:
    """Return the addresses by their distance from where the money begins; a way back changes nothing."""
    depth: dict[str, int] = {}
    for each in payments:
        if each.source not in depth:
            depth[each.source] = 0
        depth.setdefault(each.to, depth[each.source] + 1)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for address, place in depth.items():
        layers[place].append(address)
    return layers
