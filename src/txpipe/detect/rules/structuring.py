"""structuring: a sum is split into amounts just below a reporting threshold.

Pattern: several amounts just below 10,000 USD (or 5,000, 3,000 or 1,000) within a day or a month, from one
account to a few receivers, or again and again from a few accounts to one, while the account hardly moves
anything of another size. Amounts further below count, too, if their senders held more than the threshold.

Why: payments from a threshold on are reported or checked (FinCEN's currency transaction report, the travel
rule), and who has something to hide stays just below; doing so is an offence of its own (31 U.S.C. 5324).

Reads: USD amounts, counterparties, and how many movements of any size came in between; what services pay out
is left alone, and what goes to one must be a longer series. Finds, for example, five payments of 9,200 to
9,900 USD to two accounts within a day and none of another size: severity medium, subject the sender.

Settings: see Settings. The share of amounts in the band is weighed against chance: amounts spread over all
sizes put at most a tenth in it, and ``chance`` bounds how likely the share seen would then be (Chernoff).

Known false positives: a merchant or fund with a price or a cap just below the threshold (equal amounts from
many: not counted; one payment each: low at most), payroll (many receivers: low at most; each always the same:
not counted), rent and savings plans (equal amounts on a schedule: not counted), order splitting at exchanges
(contracts: not counted), deposit addresses (what they forward is not counted). Blind spots: thresholds in
other currencies, amounts without a price, splitting over many accounts on both sides, and many small payments
in between that dilute the share.

Source: chain-scanner (3 just below 10,000 within 24 h; 5 raises) and Didit's preset (30 days), as quoted in
the reference of rules. Scenario: ``structuring``; it must stay silent on that scenario's benign twin.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from txpipe.detect.account import CONTRACT, SERVICE, Account, Facts
from txpipe.detect.finding import SCORES, Finding
from txpipe.detect.move import Move
from txpipe.detect.rules.amounts import (
    AMOUNT,
    MORE,
    NUMBER,
    PARTY,
    TIME,
    TX,
    UNITS,
    chance_of,
    of_all,
    within,
)
from txpipe.detect.settings import setting
from txpipe.detect.traits import BANDED, FORGEABLE, RETURN, SERVED
from txpipe.record import SEVERITIES, Severity

DAY_S = 86400
KEPT = 32
"""Amounts kept for each side and threshold."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What structuring compares with."""

    threshold_usd: float = setting(10_000.0, "USD", "FinCEN CTR, 31 CFR 1010.311")
    floor: float = setting(0.8, "share 0-1", "chain-scanner: 0.9 to 1; the careful stay further below")
    weaker_usd: tuple[float, ...] = setting(
        (5_000.0, 3_000.0, 1_000.0), "USD", "chain-scanner 4,900; travel rule: 31 CFR 1010.410 and FATF R.16"
    )
    weaker_floor: float = setting(0.9, "share 0-1", "chain-scanner: 0.9 to 1")
    wide_floor: float = setting(0.7, "share 0-1", "txpipe: who splits a sum that he was seen to hold")
    weaker_n: int = setting(
        5, "amounts within a day", "txpipe: such amounts are common; severity medium; of a sum seen, day_n"
    )
    low_n: int = setting(3, "amounts within a day", "chain-scanner: 3")
    day_n: int = setting(4, "amounts within a day", "chain-scanner: 3, raised at 5; severity medium")
    split_n: int = setting(5, "amounts within a week", "txpipe: of a sum seen to be split; severity medium")
    month_n: int = setting(
        8, "amounts within a month", "Didit: 20 within 30 days below 10,000; severity medium"
    )
    served_n: int = setting(6, "amounts to services", "txpipe: traders and bots send four or five in a row")
    day_s: int = setting(DAY_S, "seconds", "chain-scanner: 24 h")
    week_s: int = setting(7 * DAY_S, "seconds", "txpipe: a sum is split within days")
    month_s: int = setting(30 * DAY_S, "seconds", "Didit: 30 days")
    spread: float = setting(0.1, "share 0-1", "txpipe: of amounts of all sizes, what falls into the band")
    wide_spread: float = setting(0.15, "share 0-1", "txpipe: as spread, of the wide band")
    chance: float = setting(2e-4, "probability", "txpipe: of so many in the band by chance; four of four")
    low_chance: float = setting(2e-3, "probability", "txpipe: three of three; severity low")
    few: int = setting(3, "receivers", "txpipe: payroll has more, severity low")
    varied: float = setting(0.5, "share 0-1", "txpipe: distinct amounts; fewer are a price or a plan")
    series_s: int = setting(3600, "seconds", "txpipe: equal amounts at this pace to few are no plan")
    apart: int = setting(12, "movements", "txpipe: for the last three amounts; who mixes in more is not seen")
    split_share: float = setting(0.5, "share 0-1", "txpipe: of amounts whose sender held more than allowed")
    split_seen: int = setting(2, "amounts", "txpipe: of one sender; what else it held may not be known")
    once_n: int = setting(5, "amounts", "txpipe: so many who each send one part of what they hold")
    again: float = setting(1.5, "amounts for each sender", "txpipe: customers and friends pay once")
    all_share: float = setting(0.95, "share 0-1", "txpipe: who sends all it holds forwards, splits nothing")
    collects: int = setting(10, "payers", "txpipe: of who gets what deposit addresses forward")


SILENT = (
    "fewer than {thresholds.low_n} such amounts within {thresholds.month_s} (there were {amounts_usd:count})",
    "amounts of {threshold_usd} each, which are reported anyway",
    (
        "so many of other sizes in between that the odds of chance are more than {thresholds.low_chance} "
        "(these are {amounts_usd:count} of {movements_of_any_size} movements, odds {chance})"
    ),
    (
        "less than {thresholds.varied:share} of the amounts different, as with a price or a plan (unless "
        "all go to one account, at most {thresholds.series_s} apart)"
    ),
    "fewer than {thresholds.served_n} of them, if they go to services",
    "this account a service, or a contract on either side",
    "an alert as grave about this account within {thresholds.day_s} before",
)
"""What would have kept the rule silent."""


_NEVER = CONTRACT | SERVICE
"""Flags of accounts that are passed over."""


class _Band(NamedTuple):
    """Amounts below a threshold: from the wide floor on, from the tight one on; the notes' keys by side."""

    wide: float
    threshold: float
    tight: float
    names: tuple[str, str]


class Structuring:
    """The rule. It keeps, by side and threshold, up to KEPT amounts of the last month."""

    ID = "structuring"
    VERSION = 5
    SEVERITY: Severity = "medium"
    SENT = BANDED
    RECEIVED = BANDED
    UNLESS = FORGEABLE
    RECEIVED_UNLESS = SERVED

    def __init__(self, settings: Settings | None = None) -> None:
        self._is = limits = settings or Settings()
        weaker = [(limits.weaker_floor * each, each) for each in limits.weaker_usd]
        tight = ((limits.floor * limits.threshold_usd, limits.threshold_usd), *weaker)
        self._tight = {threshold: floor for floor, threshold in tight}
        bands = tuple(
            _Band(
                min(floor, limits.wide_floor * each),
                each,
                floor,
                (f"{self.ID} received-{each:.0f}", f"{self.ID} sent-{each:.0f}"),
            )
            for floor, each in tight
        )
        self.BANDS = tuple(band[:2] for band in bands)
        # What is between two edges lies in the first band that holds it, or in none.
        self._edges = sorted({edge for band in bands for edge in band[:2]})
        inside = (next((band for band in bands if band[0] <= edge < band[1]), None) for edge in self._edges)
        self._bands = (None, *inside)

    def sent(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:
        """Look for a sum that one account sends in pieces."""
        usd = move.usd or 0.0
        band = self._bands[bisect.bisect_right(self._edges, usd)]
        if band is None or me.flags & _NEVER or other.flags & CONTRACT:
            return ()
        held, limits = move.held, self._is
        is_all = limits.all_share * held <= usd <= held
        if is_all and (other.flags & SERVICE or other.fan_in >= limits.collects):
            return ()  # A deposit address hands on what it got: its payers are looked at.
        return self._seen(move, me, other, usd, band, me.n_out, is_sent=True)

    def received(self, move: Move, me: Account, other: Facts) -> Sequence[Finding]:
        """Look for a sum that one account collects in pieces."""
        usd = move.usd or 0.0
        band = self._bands[bisect.bisect_right(self._edges, usd)]
        if band is None or (me.flags | other.flags) & CONTRACT:
            return ()
        number = me.n_in - min(me.n_out, me.n_in // 2)
        return self._seen(move, me, other, usd, band, number, is_sent=False)

    def _seen(  # noqa: PLR0913, PLR0917 - what both sides found out first
        self, move: Move, me: Account, other: Facts, usd: float, band: _Band, number: int, *, is_sent: bool
    ) -> Sequence[Finding]:
        """Keep an amount in a band; judge the last ones if they are close enough to each other."""
        _, threshold, tight, names = band
        if usd < tight and move.traits & (RETURN | SERVED):
            return ()  # Who is paid back trades; to a service, only what is close to the threshold counts.
        amounts: list[tuple[Any, ...]] = me.note(names[is_sent], [])
        limits = self._is
        if len(amounts) >= KEPT:
            del amounts[0]
        units = (move.event.value, move.asset.name)
        more = -1 if usd > move.held else int(move.held >= threshold and not move.traits & RETURN)
        amounts.append((move.time, usd, units, other.address, number, more, move.tx))
        served = move.traits & SERVED != 0
        if len(amounts) < limits.low_n or (served and len(amounts) < limits.served_n):
            return ()
        if number - amounts[-limits.low_n][NUMBER] > limits.apart:
            return ()
        side = "sent" if is_sent else "received"
        severity, window = self._verdict(within(amounts, limits.month_s), side, threshold, served=served)
        if severity is None or not me.says(self.ID, move.time, SEVERITIES.index(severity), limits.day_s):
            return ()
        return (self._finding(me, severity, side, threshold, window),)

    def _verdict(
        self, amounts: Sequence[tuple[Any, ...]], side: str, threshold: float, *, served: bool
    ) -> tuple[Severity | None, Sequence[tuple[Any, ...]]]:
        """Return how suspicious the amounts are, and those that show it best."""
        limits = self._is
        if not served and len(amounts) >= limits.split_n:
            week = within(amounts, limits.week_s)
            if len(week) >= limits.split_n and self._is_split(week, side):
                return "medium", week
        floor = self._tight[threshold]
        if amounts[-1][AMOUNT] < floor:
            return None, ()
        tight = [each for each in amounts if each[AMOUNT] >= floor]
        if served and len(tight) < limits.served_n:
            return None, ()
        day = within(tight, limits.day_s)
        if threshold != limits.threshold_usd:
            is_seen = not served and sum(each[MORE] > 0 for each in day) >= limits.split_seen
            least = limits.day_n if is_seen else limits.weaker_n
            odd = len(day) >= least and self._is_odd(day, side, limits.chance)
            sure = self._is_few(day) if side == "sent" else self._is_again(day)
            if odd and sure:
                return "medium", day
            return ("low" if odd and self._is_close(day, side) else None), day
        for window, least in ((day, limits.day_n), (tight, limits.month_n)):
            if len(window) >= least and self._is_odd(window, side, limits.chance):
                sure = self._is_close(window, side) and (side == "sent" or self._is_again(window))
                return ("medium" if sure else "low"), window
        odd = len(day) >= limits.low_n and self._is_odd(day, side, limits.low_chance)
        return ("low" if odd and self._is_close(day, side) else None), day

    def _is_split(self, window: Sequence[tuple[Any, ...]], side: str) -> bool:
        """Whether amounts, if not close to the threshold, are parts of what their senders had at once.

        Of several senders, one that comes back says as much: customers pay their bill once.
        """
        limits = self._is
        if chance_of(window, limits.wide_spread) > limits.chance or not self._is_varied(window):
            return False
        could, not_seen = sum(each[MORE] > 0 for each in window), sum(each[MORE] < 0 for each in window)
        if side == "received":
            comes_back = 1 < len({each[PARTY] for each in window}) < len(window)
            is_odd = comes_back and could + not_seen >= limits.split_share * len(window)
            return bool(is_odd or could >= limits.once_n)
        if not_seen == len(window):
            return not_seen >= limits.month_n and self._is_few(window)
        is_could = could >= max(limits.split_seen, limits.split_share * (len(window) - not_seen))
        return is_could and self._is_few(window)

    def _is_odd(self, window: Sequence[tuple[Any, ...]], side: str, chance: float) -> bool:
        """Whether chance or a price list do not explain that so many amounts are in the band."""
        limits = self._is
        if chance_of(window, limits.spread) > chance:
            return False
        if self._is_varied(window):
            return True
        pace = (window[-1][TIME] - window[0][TIME]) / (len(window) - 1)
        return side == "sent" and pace <= limits.series_s and len({each[PARTY] for each in window}) == 1

    def _is_varied(self, window: Sequence[tuple[Any, ...]]) -> bool:
        least = self._is.varied * len(window)
        sums = {round(each[AMOUNT]) for each in window}
        if len({each[UNITS] for each in window}) < least or len(sums) < least:
            return False
        pairs = {(each[PARTY], round(each[AMOUNT])) for each in window}
        return len(sums) == len(window) or len(pairs) > len({each[PARTY] for each in window})

    def _is_close(self, window: Sequence[tuple[Any, ...]], side: str) -> bool:
        """Whether one account sends to a few, or several send to one."""
        if side == "sent":
            return self._is_few(window)
        parties = len({each[PARTY] for each in window})
        return parties > 2 or (parties > 1 and self._is_again(window))

    def _is_few(self, window: Sequence[tuple[Any, ...]]) -> bool:
        parties = len({each[PARTY] for each in window})
        return parties <= max(2, min(self._is.few, (len(window) + 1) // 2))

    def _is_again(self, window: Sequence[tuple[Any, ...]]) -> bool:
        """Whether the same senders pay again and again."""
        return len(window) >= self._is.again * len({each[PARTY] for each in window})

    def _finding(
        self, me: Account, severity: Severity, side: str, threshold: float, window: Sequence[tuple[Any, ...]]
    ) -> Finding:
        parties = sorted({each[PARTY] for each in window})
        is_tight = all(each[AMOUNT] >= self._tight[threshold] for each in window)
        chance = chance_of(window, self._is.spread if is_tight else self._is.wide_spread)
        span = of_all(window)
        return Finding(
            rule=self.ID,
            category="laundering",
            severity=severity,
            score=SCORES[severity],
            subject=me.address,
            title=f"{len(window)} amounts just below {threshold:,.0f} USD {side} by one account",
            evidence={
                "side": side,
                "threshold_usd": threshold,
                "amounts_usd": [round(each[AMOUNT], 2) for each in window],
                "sum_usd": round(sum(each[AMOUNT] for each in window), 2),
                "over_s": window[-1][TIME] - window[0][TIME],
                "counterparties": parties,
                "transactions": [each[TX] for each in window],
                "movements_of_any_size": span,
                "of_holdings_above": sum(each[MORE] > 0 for each in window),
                "chance": float(f"{chance:.2g}"),
                "thresholds": asdict(self._is),
            },
        )
