"""counterfeit-token: a token that bears a major token's symbol, or one that reads like it, is passed on.

Pattern: a contract that is not the official one calls its token USDT, or USDT with a Cyrillic letter, an
invisible mark, a digit for a letter; it is airdropped, written into histories, or used to pay.

Why: it costs nothing to make, wallets show the symbol, and shops and people take it for money.

Reads: COUNTERFEIT, the symbol, whether somebody looks like somebody else, and whether the receiver takes
payments from many. Finds, for example, a contract whose "USDT" is spread to a thousand accounts: severity
medium, once, subject the contract; high when it pays a merchant or comes with a look-alike address.

Settings: see Settings. MAJORS below names the symbols that count.

Known false positives: second issues under the same symbol that the shipped table lacks. Other symbols of the
table are shared by honest tokens (UNI, APE, OP, wstETH): there, only foreign letters and invisible marks
count, which nobody types by chance; a major's name with an added emoji or a digit (ETH with a rocket) is low.
Not seen: symbols that the record does not show, and tokens that are official on another chain only.

Source: Unicode Technical Standard 39 (skeletons); Forta's address-poisoning-py lists the same letters;
counterfeit_tokens.csv of Tsuchiya et al. is a test. Scenario: ``poisoning`` (fake tokens); silent on bridged
and derived tokens (USDC.e, axlUSDC, aUSDC, stETH).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from txpipe.detect.account import Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.settings import setting
from txpipe.detect.symbols import resemblance
from txpipe.detect.traits import COUNTERFEIT, FORGEABLE, LIKE_RECEIVED, LIKE_SENT
from txpipe.record import SEVERITIES, Severity
from txpipe.visible import clipped

DAY_S = 86400
MOST = 8
"""Contracts remembered on one sender; the oldest is forgotten first."""

MAJORS = frozenset(
    {"USDT", "USDC", "DAI", "BUSD", "FDUSD", "PYUSD", "USDe"}
    | {"BTC", "WBTC", "BTCB", "ETH", "WETH", "BNB", "WBNB", "POL", "WPOL", "AVAX"}
)
"""Stablecoins, native coins and what stands for them: the symbols of data/tokens.csv that people are paid in,
and that no second honest token of the same chain has."""

_COIN_CONTRACTS = frozenset(
    {"0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000", "0x471ece3750da237f93b8e339c536989b8978a438"}
)
_RESERVED = "0x" + "0" * 32
"""Addresses of system contracts begin so. Those, Optimism's OVM_ETH and Celo's GoldToken write logs in the
native coin's name."""

TITLES = {"seen": "", "look-alike": ", with a look-alike address", "payment": ", as payment"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What counterfeit-token compares with."""

    merchant_payers: int = setting(10, "accounts", "txpipe: an account that as many paid takes payments")
    payments: int = setting(3, "movements", "txpipe: who sends it more often airdrops it, whoever gets it")
    silence_s: int = setting(7 * DAY_S, "seconds", "txpipe: a flood by one sender is said once a week")


SILENT = (
    "another symbol: one that neither is nor reads like {imitates} (it is {symbol}: {resemblance})",
    "a USD price for it, in its records or from --prices: what has one counts as genuine",
    "the contract in txpipe's table of tokens, as the one of {imitates} on this chain",
    "an alert as grave about the same contract and sender within {thresholds.silence_s} before",
)
"""What would have kept the rule silent."""


class CounterfeitToken:
    """The rule. On the sender it keeps (times seen, rank said, when) of the last MOST contracts."""

    ID = "counterfeit-token"
    VERSION = 1
    SEVERITY: Severity = "high"
    SENT = COUNTERFEIT
    RECEIVED = 0
    UNLESS = 0

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()

    def sent(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:
        """Say a counterfeit that the account spreads, or that is spread in its name."""
        contract = move.asset.name.rpartition(":")[2]
        known = move.asset.imitates or ""
        looks = resemblance(move.asset.symbol, known)
        if contract.startswith(_RESERVED) or contract in _COIN_CONTRACTS:
            return
        if known not in MAJORS and looks != "disguised":
            return
        kept: dict[str, list[int]] = me.note(self.ID, {})
        if contract not in kept:
            if len(kept) >= MOST:
                del kept[next(iter(kept))]
            kept[contract] = [0, -1, 0]
        seen = kept[contract]
        seen[0] += 1
        severity, use = self._graded(move, other, looks, seen[0])
        rank = SEVERITIES.index(severity)
        if rank > seen[1] or not 0 <= move.time - seen[2] < self._is.silence_s:
            seen[1:] = [rank, move.time]
            evidence = {"resemblance": looks, "use": use, "times": seen[0]}
            yield self._finding(move, other, contract, severity, evidence)

    def received(self, move: Move, me: Account, other: Facts) -> Iterator[Finding]:  # noqa: ARG002
        """Nothing more is to be seen from this side."""
        yield from ()

    def _graded(self, move: Move, other: Facts, looks: str, times: int) -> tuple[Severity, str]:
        if looks == "altered":
            return "low", "seen"
        if move.traits & (LIKE_SENT | LIKE_RECEIVED):
            return "high", "look-alike"
        merchant = other.is_service or other.fan_in >= self._is.merchant_payers
        if merchant and not move.traits & FORGEABLE and times <= self._is.payments:
            return "high", "payment"
        return "medium", "seen"

    def _finding(
        self, move: Move, other: Facts, contract: str, severity: Severity, evidence: dict[str, Any]
    ) -> Finding:
        use: str = evidence["use"]
        return Finding(
            rule=self.ID,
            category="scam",
            severity=severity,
            score=SCORES[severity],
            subject=contract,
            title=f"Token that passes itself off as {move.asset.imitates}{TITLES[use]}",
            evidence={
                "symbol": clipped(move.asset.symbol, 64),
                "imitates": move.asset.imitates,
                "sender": move.sender.address,
                "receiver": other.address,
                "receiver_payers": other.fan_in,
            }
            | evidence
            | {"thresholds": asdict(self._is)},
        )
