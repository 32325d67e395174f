"""How exposed an address is: what txdetect's state says of it, and the alerts that tell of it."""

from __future__ import annotations

from typing import Any

from txpipe.alerts.facts import chain, utc
from txpipe.dashboard.page.listing import MARKS
from txpipe.dashboard.page.tags import Tag, address, incident_path, transaction
from txpipe.dashboard.query import Page
from txpipe.dashboard.states import CLEAR, REPORTED, TAINTED, UNKNOWN

_WORDS = {
    TAINTED: "◆ holds funds that come from a listed wallet",
    REPORTED: "▲ rules spoke of it",
    CLEAR: "○ nothing known against it",
    UNKNOWN: "? unknown",
}
_KINDS = {TAINTED: "listed", CLEAR: "clean"}
_MOST_ALERTS = 10


def exposure(said: dict[str, Any], found: Page) -> None:
    """Make the box.

    Args:
        said: as ``State.exposure`` has it.
        found: alerts about funds that came to it from a listed wallet.
    """
    with Tag("section", "", "card", aria_label="Exposure"):
        Tag("h2", "Exposure")
        verdict = said["verdict"]
        reason = f": {said['reason']}" if said["reason"] else ""
        Tag("p", f"{_WORDS[verdict]}{reason}", f"verdict {_KINDS.get(verdict, '')}", id="exposure")
        for each in said["accounts"]:
            _account(each)
        if said["blocks"]:
            blocks = ", ".join(f"{chain(name)} block {block:,}" for name, block in said["blocks"].items())
            Tag("p", f"As txdetect's state has it, up to {blocks}.", "faint")
        _alerts(found)


def _account(facts: dict[str, Any]) -> None:
    with Tag("dl", "", "facts"):
        _fact("Chain", chain(facts["chain"]))
        if "tainted_usd" in facts:
            _fact("Tainted", f"{facts['tainted_usd']:,.2f} USD, {facts['share']:.1%} of what it holds")
            hops = ", ".join(f"{usd:,.2f}" for usd in facts["by_hop_usd"])
            _fact("Hops", f"{facts['hops']} from the nearest listed wallet (USD by hop: {hops})")
        if when := facts.get("time"):
            _fact("Last came", f"{utc(when) or when} UTC")
        if origin := facts.get("origin"):
            _origin(origin, facts)
        if "score" in facts:
            parts = ", ".join(f"{rule} {score}" for rule, score in facts["parts"].items())
            _fact("Score", f"{facts['score']} ({parts})")
        if incident := facts.get("incident"):
            Tag("dt", "Incident")
            with Tag("dd"):
                Tag("a", incident, "mono", href=incident_path(incident))


def _origin(origin: dict[str, str], facts: dict[str, Any]) -> None:
    """Say which listed wallet the funds come from, and over whom."""
    Tag("dt", "From")
    with Tag("dd"):
        address(origin["address"], facts["chain"])
        named = [origin[key] for key in ("list", "list_date", "category", "label") if key in origin]
        Tag("span", f" {' · '.join(named)}", "faint")
    if way := facts.get("path"):
        Tag("dt", "Way")
        with Tag("dd"), Tag("ol", "", "way"):
            for hop in way:
                with Tag("li"):
                    address(hop["address"], facts["chain"], short=True)
                    Tag("span", " by ", "faint")
                    transaction(hop["tx"], facts["chain"])


def _fact(name: str, text: str) -> None:
    Tag("dt", name)
    Tag("dd", text)


def _alerts(found: Page) -> None:
    told = [each.alert for each in found.alerts if each.alert["status"] != "retracted"]
    if not told:
        Tag("p", "No alert tells of funds that came to it from a listed wallet over others.", "faint")
    for alert in told[:_MOST_ALERTS]:
        severity = alert["severity"]
        with Tag("p"):
            Tag("span", f"{MARKS[severity]} {severity} ", f"sev-{severity}")
            Tag("a", alert["title"], href=f"/alerts/{alert['id']}")
