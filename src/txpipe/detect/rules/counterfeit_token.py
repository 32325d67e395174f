"""counterfeit-token: a token that bears a major token's symbol, or one that reads like it, is passed on.

Pattern: a contract that is not the official one calls its token USDT, or USDT with a Cyrillic letter, an
invisible mark, a digit for a letter; it is airdropped, written into histories, or used to pay.

Why: it costs nothing to make, wallets show the symbol, and shops and people take it for money.

Reads: COUNTERFEIT, the symbol, whether somebody looks like somebody else, whether the receiver takes payments
from many, and who sends the token on. Finds, for example, a contract whose "USDT" is spread to a thousand
accounts: severity medium, once, subject the contract; high when it pays a merchant or comes with a look-alike
address. Of one contract only the first few senders in a week are named.

A token that people use as money is low, once a week, but for look-alikes: many who sent on, by their own
signature, what they got by the signature of several others, on several days. That takes an impostor as many
funded accounts and as many days; takers of an airdrop who sell what they got from one are no such users.

Settings: see Settings. MAJORS below names the symbols that count.

Known false positives: second issues under the same symbol that the shipped table lacks, in their first days.
Other symbols of the table are shared by honest tokens (UNI, APE, OP, wstETH): there, only foreign letters and
invisible marks count, which nobody types by chance; a major's name with an added emoji or a digit (ETH with a
rocket) is low. Not seen: symbols that the record does not show, and tokens that are official on another chain
only. An allow-list that names the contract silences it.

Source: Unicode Technical Standard 39 (skeletons); Forta's address-poisoning-py lists the same letters;
counterfeit_tokens.csv of Tsuchiya et al. is a test. Scenario: ``poisoning`` (fake tokens); silent on bridged
and derived tokens (USDC.e, axlUSDC, aUSDC, stETH).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from txpipe.address import canonical
from txpipe.detect.account import Account, Facts
from txpipe.detect.assets import ROUGH_USD
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.settings import setting
from txpipe.detect.symbols import resemblance
from txpipe.detect.traits import COUNTERFEIT, FORGEABLE, LIKE_RECEIVED, LIKE_SENT
from txpipe.detect.use import Use
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
_LIKE = LIKE_SENT | LIKE_RECEIVED
_LOW = SEVERITIES.index("low")


@dataclass(frozen=True, slots=True)
class Settings:
    """What counterfeit-token compares with."""

    merchant_payers: int = setting(10, "accounts", "txpipe: an account that as many paid takes payments")
    payments: int = setting(3, "movements", "txpipe: who sends it more often airdrops it, whoever gets it")
    silence_s: int = setting(7 * DAY_S, "seconds", "txpipe: a flood by one sender is said once a week")
    senders: int = setting(10, "accounts", "txpipe: so many senders of one contract are named in silence_s")
    wide_users: int = setting(25, "accounts", "txpipe: at most 64; as many who sent on what others sent them")
    wide_sources: int = setting(8, "accounts", "txpipe: those others; an airdrop comes from one, or a few")
    wide_days: int = setting(3, "days", "txpipe: on which they began; an impostor is gone by then")
    worth_usd: float = setting(10.0, "USD", "txpipe: if it were genuine; less is no use as money")
    grown_s: int = setting(
        DAY_S, "seconds", "txpipe: a younger account is no user; wallets are made by script"
    )


SILENT = (
    "another symbol: one that neither is nor reads like {imitates} (it is {symbol}: {resemblance})",
    "a USD price for it, in its records or from --prices: what has one counts as genuine",
    "the contract in txpipe's table of tokens, as the one of {imitates} on this chain, or on an allow-list",
    "an alert as grave about the same contract and sender within {thresholds.silence_s} before",
    (
        "alerts as grave about {thresholds.senders} other senders of it in the same {thresholds.silence_s}, "
        "or about one once it is in wide use: sent on by {thresholds.wide_users} accounts that got it from "
        "{thresholds.wide_sources} others, on {thresholds.wide_days} days (they are {users}, {sources} and "
        "{days})"
    ),
)
"""What would have kept the rule silent."""


class CounterfeitToken:
    """The rule. On the sender it keeps (times seen, rank said, when) of the last MOST contracts.

    What it knows of a contract is kept with the assets (``use.Use``), as a contract is neither side of a
    movement.

    Attributes:
        allows: whether an allow-list names an address at a time; None if there are no lists.
    """

    ID = "counterfeit-token"
    VERSION = 2
    SEVERITY: Severity = "high"
    SENT = COUNTERFEIT
    RECEIVED = 0
    UNLESS = 0
    WIDE = True

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = settings or Settings()
        self._least = (self._is.wide_users, self._is.wide_sources, self._is.wide_days)
        self.allows: Callable[[str, int], bool] | None = None

    def sent(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:
        """Say a counterfeit that the account spreads, or that is spread in its name."""
        known = move.asset.imitates or ""
        looks = resemblance(move.asset.symbol, known)
        if known not in MAJORS and looks != "disguised":
            return ()
        contract = canonical(move.asset.name.rpartition(":")[2])
        if contract.startswith(_RESERVED) or contract in _COIN_CONTRACTS:
            return ()
        use = move.asset.uses.of(contract)
        window = move.time // max(1, self._is.silence_s)
        if use.wide is None:
            self._watch(use, move, me, other, known)
        if use.wide and not move.traits & _LIKE and not use.names(me.address, _LOW, window, 1):
            return ()
        seen = _seen(me.note(self.ID, {}), contract)
        severity, how = self._graded(move, other, looks, seen[0], wide=use.wide is not None)
        rank = SEVERITIES.index(severity)
        if rank <= seen[1] and 0 <= move.time - seen[2] < self._is.silence_s:
            return ()
        if how not in {"look-alike", "wide"} and not use.names(me.address, rank, window, self._is.senders):
            return ()
        if self.allows is not None and self.allows(contract, move.time):
            return ()
        seen[1:] = [rank, move.time]
        evidence = {"resemblance": looks, "use": how, "times": seen[0]}
        evidence |= zip(("users", "sources", "days"), use.counts(), strict=True)
        return (self._finding(move, other, contract, severity, evidence),)

    def received(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:  # noqa: ARG002
        """Nothing more is to be seen from this side."""
        return ()

    def _watch(self, use: Use, move: Move, me: Account, other: Facts, known: str) -> None:
        """Note a payment that looks like use as money."""
        if move.initiator != me.address or move.units * ROUGH_USD.get(known, 1.0) < self._is.worth_usd:
            return
        grown = move.time - me.first >= self._is.grown_s
        if use.pay(me.address, other.address, move.time, grown=grown):
            use.settle(self._least)

    def _graded(
        self, move: Move, other: Facts, looks: str, times: int, *, wide: bool
    ) -> tuple[Severity, str]:
        if looks == "altered":
            return "low", "seen"
        if move.traits & _LIKE:
            return "high", "look-alike"
        if wide:
            return "low", "wide"
        merchant = other.is_service or other.fan_in >= self._is.merchant_payers
        if merchant and not move.traits & FORGEABLE and times <= self._is.payments:
            return "high", "payment"
        return "medium", "seen"

    def _finding(
        self, move: Move, other: Facts, contract: str, severity: Severity, evidence: dict[str, Any]
    ) -> Finding:
        how: str = evidence["use"]
        return Finding(
            rule=self.ID,
            category="scam",
            severity=severity,
            score=SCORES[severity],
            subject=contract,
            title=f"Token in wide use that bears the name of {move.asset.imitates}"
            if how == "wide"
            else f"Token that passes itself off as {move.asset.imitates}{TITLES[how]}",
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


def _seen(kept: dict[str, list[int]], contract: str) -> list[int]:
    """Return what is kept of a sender and a contract, with this time counted."""
    if contract not in kept:
        if len(kept) >= MOST:
            del kept[next(iter(kept))]
        kept[contract] = [0, -1, 0]
    seen = kept[contract]
    seen[0] += 1
    return seen
