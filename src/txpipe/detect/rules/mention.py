"""mention: a listed address stands in a transaction's calldata and nowhere else.

Pattern: an address that a list names is an argument of a contract call (the recipient of a swap, the target
of a permit, a router's path) while no movement or approval record of the transaction names it.

Why: joined with 175,000 real transactions, 42 of 191 true list matches were visible only in calldata or
logs; a check of ``from`` and ``to`` misses them.

Reads: ``mentions`` of calls and transfers; the lists. Where ``follows`` announces further records of the
transaction, the engine waits for them and drops what a movement says better. Finds, for example, a call to
a router that names a phishing wallet: severity medium, subject the wallet.

Settings: one step below what ``listed`` gives for value going to the same category; failed transactions and
mentions from before the listing weigh a step less.

Known false positives: calldata words that are no addresses but look like one (a list must hold exactly that
number for a hit); contracts everyone touches, which the allow-list covers.

Source: MetaMask and Forta scan arguments of approvals and transfers alike; measured here as said above.
Scenario: ``listed-payment`` (its calldata variant); it must stay silent on the benign twin.
"""

from __future__ import annotations

from typing import Any

from txpipe.address import canonical
from txpipe.detect.finding import Finding
from txpipe.detect.rules.listed import SILENT as LISTED
from txpipe.detect.rules.listed import finding, matches, parties
from txpipe.detect.screener import Screener
from txpipe.record import Severity

MENTION = "mention"

SILENT = (
    *LISTED,
    "a record of the same transaction that names {address} as a party: then rule listed speaks",
)
"""What would have kept the rule silent."""


class Mention:
    """The rule; it has no state."""

    ID = "mention"
    VERSION = 1
    SEVERITY: Severity = "high"

    def find(self, record: dict[str, Any], screener: Screener) -> list[Finding]:
        """Return one finding for each distinct listed address in calldata that is no party."""
        if record["type"] == "approval" or not record.get("mentions"):
            return []
        known = {canonical(address) for address, _ in parties(record)}
        named = ((each, MENTION) for each in record["mentions"] if canonical(each) not in known)
        return [
            finding(self.ID, record, match, "Calldata names a listed address", ("calldata-only",))
            for match in matches(named, record, screener)
        ]
