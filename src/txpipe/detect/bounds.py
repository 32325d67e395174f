"""From where on a movement is remarkable, whatever rule asks."""

from __future__ import annotations

from dataclasses import dataclass

from txpipe.detect.account import PEERS_KEPT
from txpipe.detect.settings import setting


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where on a movement is remarkable: the least of what the rules' settings ask for."""

    hub_contacts: int = setting(
        50,
        "counterparties in each direction",
        "txpipe: a service; exchanges have them within hours, busy people in a season; 0: none is",
        most=PEERS_KEPT,  # of more nobody is remembered
    )
    dust_usd: float = setting(
        1.0, "USD", "below, a movement is dust; aMWerLogic uses 0.01, real dust goes to 1"
    )
    emptied_share: float = setting(
        0.3, "share 0-1", "of what was held; more is worth a look: wallets are emptied in pieces, too"
    )
    dormant_s: int = setting(90 * 86400, "seconds", "without a movement; a quarter of Didit's 12 months")
    waking_share: float = setting(
        0.02, "share 0-1", "of its holdings; what is worth less does not wake who gets it: dust, a gas top-up"
    )
    burst_n: int = setting(3, "movements", "sent in a row; a published range of bursts begins at 4")
    burst_gap_s: int = setting(3600, "seconds", "between two of a row: who hurries does not pause for long")
    larger_times: float = setting(5.0, "times", "what the sender usually sends")
    larger_usd: float = setting(50.0, "USD", "txpipe: below, a record is nobody's loss")
    larger_after_n: int = setting(5, "movements", "sent before that make a history")
    lot_usd: float = setting(100.0, "USD", "amounts below start no lot and leave no trail")
    lot_s: int = setting(7 * 86400, "seconds", "for which a lot is followed; rules about haste ask for less")
    part_share: float = setting(
        0.2, "share of a lot", "txpipe: of a payment that takes the trail along; splits are in two or three"
    )
    passing_share: tuple[float, float] = setting(
        (0.7, 1.5),
        "share of the lot",
        "that has gone, at least and at most, when it counts as passed on; who sends more pays from savings",
    )
    part_usd: tuple[float, float] = setting(
        (750.0, 10_000.0), "USD", "txpipe: of the first of several payments that only together stand out"
    )
