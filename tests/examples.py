"""One valid record of every type, with every optional key, and helpers to vary them."""

import json

SENDER = "0x" + "1" * 40
LISTED = "0x" + "2" * 40
TX = "0x" + "a" * 64
PLACE = {"chain": "eip155:1", "block": 23000001, "time": 1760000012, "tx": TX, "n": 0}
PARTIES = {"from": SENDER, "to": LISTED}
UNLIMITED = str(2**256 - 1)

TRANSFER = {
    "type": "transfer",
    **PLACE,
    **PARTIES,
    "asset": "eip155:1/slip44:60",
    "symbol": "ETH",
    "value": "1250000000000000000",
    "amount": "1.25",
    "usd": 3975.0,
}
MATCH = {
    "list": "ofac-sdn",
    "list_date": "2026-11-01",
    "category": "sanctions",
    "label": "LAZARUS GROUP",
    "source": "https://www.treasury.gov/ofac",
    "listed": "2022-04-14",
    "delisted": "",
    "asset": "ETH",
}
ALERT = {
    "type": "alert",
    "id": "0123456789abcdef" * 2,
    "status": "open",
    "rev": 0,
    "rule": "listed",
    "category": "sanctions",
    "severity": "critical",
    "score": 95,
    **PLACE,
    "subject": LISTED,
    "role": "suspect",
    "title": "Pays an address on a sanctions list",
    "evidence": {"matches": [MATCH], "address": LISTED, "direction": "to"},
    "record": TRANSFER,
}
HEARTBEAT = {
    "type": "heartbeat",
    "chain": "eip155:1",
    "time": 1760000012,
    "status": "ok",
    "block": 23000001,
    "lag_s": 3,
    "records": 312,
    "bad": 0,
    "source": "txtail",
}
CALLDATA = {"method": "0xa9059cbb", "mentions": [LISTED], "follows": 1}
RECORDS = {
    "transfer": {**TRANSFER, **CALLDATA, "inputs": [SENDER], "sub": 0, "pending": True, "failed": False},
    "call": {"type": "call", **PLACE, **PARTIES, "value": "0", **CALLDATA, "pending": False, "failed": True},
    "approval": {
        "type": "approval",
        **PLACE,
        **PARTIES,
        "asset": f"eip155:1/erc20:{LISTED}",
        "value": UNLIMITED,
        "scope": "amount",
        "via": "permit",
        "symbol": "USDT",
        "amount": "1.5",
        "sub": 3,
        "pending": True,
    },
    "block": {
        "type": "block",
        "chain": "eip155:1",
        "block": 23000001,
        "time": 1760000012,
        "hash": TX,
        "parent": TX,
        "records": 312,
    },
    "reorg": {
        "type": "reorg",
        "chain": "eip155:1",
        "time": 1760000012,
        "block": 23000000,
        "depth": 2,
        "dropped": [TX],
        "hashes": [TX],
    },
    "heartbeat": HEARTBEAT,
    "alert": {**ALERT, "incident": "i1", "parts": [], "shadow": False},
    "label": {
        "type": "label",
        "chain": "eip155:1",
        "tx": TX,
        "n": 0,
        "scenario": "poisoning",
        "instance": 7,
        "role": "attack",
        "fraud": True,
    },
}


def line(record, /, **changes):
    """A record as a line with its newline; a change to None is null, to ... leaves the key out."""
    changed = {key: value for key, value in {**record, **changes}.items() if value is not ...}
    return json.dumps(changed, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
