"""The ids of all rules that ship, for commands that only name them: to import the rules takes long."""

from __future__ import annotations

import difflib

SHIPPED = (
    "listed",
    "mention",
    "dormant",
    "drain",
    "outlier",
    "structuring",
    "velocity",
    "poisoning",
    "poisoned-payment",
    "counterfeit-token",
    "approval-phishing",
    "exposure",
    "mixer",
    "pass-through",
    "peel-chain",
    "scatter-gather",
    "cycle",
    "wash-trading",
)
"""In the order of ``RULES`` and ``CONDUCT`` of ``detect.rules``; a test holds them together."""

OF_TXALERT = ("deadman", "held-back")
"""What txalert itself says in alerts of its own."""


def unknown(name: str) -> str | None:
    """Say that no rule is called so that ships, and which one may be meant; None if one is."""
    if name in SHIPPED or name in OF_TXALERT:
        return None
    close = difflib.get_close_matches(name, SHIPPED, 3)
    meant = f"did you mean {' or '.join(close)}?" if close else "txdetect --print-rules names all"
    return f'no rule that ships is called "{name}"; unless it is your own: {meant}'
