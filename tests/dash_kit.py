"""Alerts for the dashboard's tests: as many as one likes, different, the same every time."""

import random

from examples import ALERT

SEVERITIES = ("info", "low", "medium", "high", "critical")


def numbered(number):
    """The alert of a number: its own id, transaction, subject and time."""
    tx = f"0x{number:064x}"
    return ALERT | {
        "id": f"{number:032x}",
        "tx": tx,
        "time": 1_760_000_000 + number,
        "subject": f"0x{number:040x}",
        "title": f"Pays wallet number {number}",
        "record": ALERT["record"] | {"tx": tx, "from": f"0x{number:040x}"},
    }


def alerts_like(count, seed=7):
    """Alerts that differ in everything that one filters by."""
    rng = random.Random(seed)
    for number in range(count):
        made = numbered(number) | {
            "severity": rng.choice(SEVERITIES),
            "rule": rng.choice(["listed", "velocity", "drain", "mixer"]),
            "category": rng.choice(["scam", "theft", "sanctions"]),
            "status": rng.choice(["open", "updated", "retracted"]),
            "chain": rng.choice(["eip155:1", "eip155:137"]),
            "subject": f"0x{number % 13:040x}",
            "incident": f"{number % 11:032x}",
        }
        yield made | {"shadow": True} if number % 17 == 0 else made
