"""Records for tests of rules about conduct, and a short way from records to findings."""

from __future__ import annotations

import hashlib
import itertools

from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.watch import NOBODY
from txpipe.record import check

CHAIN = "eip155:1"
NOW = 1_760_000_000
DAY = 86_400
HOUR = 3_600
USDT = f"{CHAIN}/erc20:0xdac17f958d2ee523a2206206994597c13d831ec7"
COIN = f"{CHAIN}/slip44:60"
BITCOIN = "bip122:000000000019d6689c085ae165831e93"


def address(name: str) -> str:
    """Make an address of a name: the same for the same name, unlike any other's."""
    return "0x" + hashlib.sha256(name.encode()).hexdigest()[:40]


class Story:
    """Writes records one after the other; every act is a transaction of its own unless ``tx`` is given."""

    def __init__(self, start: int = NOW) -> None:
        self.time = start
        self.records: list[dict] = []
        self._numbers = itertools.count(1)

    def wait(self, seconds: int) -> Story:
        self.time += seconds
        return self

    def tx(self) -> str:
        return f"0x{next(self._numbers):064x}"

    def _put(self, kind, tx, n, sender, to, **keys):
        record = {"type": kind, "chain": CHAIN, "block": 23_000_000 + (self.time - NOW) // 12}
        record |= {"time": self.time, "tx": tx, "n": n, "from": sender, "to": to} | keys
        self.records.append(check(record))

    def coin(self, sender, to, usd):
        """Pay in ETH at 3,000 USD."""
        units = usd / 3000
        value = str(int(units * 10**18))
        self._put(
            "transfer", self.tx(), 0, sender, to, asset=COIN, symbol="ETH", value=value,
            amount=f"{units:.8f}", usd=float(usd),
        )  # fmt: skip
        return self

    def call(self, sender, to, method="0xa9059cbb", tx=None, follows=1):
        """Call a contract."""
        self._put("call", tx or self.tx(), 0, sender, to, value="0", method=method, follows=follows)
        return self

    def moved(self, tx, n, sender, to, amount, asset=USDT, symbol="USDT", usd=None):
        """Let a log say that a token moved; ``usd`` defaults to the amount for USDT, to none otherwise."""
        keys = {} if usd is None and asset != USDT else {"usd": float(amount if usd is None else usd)}
        self._put(
            "transfer", tx, n, sender, to, asset=asset, symbol=symbol, value=str(int(amount * 10**6)),
            amount=f"{amount:.6f}", **keys,
        )  # fmt: skip
        return self

    def token(self, sender, to, amount, asset=USDT, symbol="USDT", usd=None, initiator=None):
        """Send a token by its own ``transfer``, or let somebody else move it (``initiator``)."""
        tx = self.tx()
        self.call(initiator or sender, asset.rpartition(":")[2], tx=tx)
        return self.moved(tx, 1, sender, to, amount, asset, symbol, usd)

    def approve(
        self, owner, spender, asset=USDT, via="approve", scope="amount", value=2**256 - 1, initiator=None
    ):
        """Let an owner approve a spender (a permit is sent in by ``initiator``)."""
        tx = self.tx()
        self.call(initiator or owner, asset.rpartition(":")[2], method="0x095ea7b3", tx=tx)
        self._put("approval", tx, 1, owner, spender, asset=asset, value=str(value), scope=scope, via=via)
        return self

    def nft(self, sender, to, collection, item, initiator=None):
        """Send an ERC-721 item."""
        tx = self.tx()
        self.call(initiator or sender, collection, method="0x42842e0e", tx=tx)
        self._put("transfer", tx, 1, sender, to, asset=f"{CHAIN}/erc721:{collection}/{item}", value="1")
        return self

    def spend(self, sender, *outputs, inputs=()):
        """Spend a bitcoin output: (address, USD at 90,000) pairs are the new outputs."""
        tx = self.tx()
        for n, (to, usd) in enumerate(outputs):
            units = usd / 90_000
            keys = {"inputs": [sender, *inputs]} if inputs and not n else {}
            record = {"type": "transfer", "chain": BITCOIN, "block": 900_000 + (self.time - NOW) // 600}
            record |= {"time": self.time, "tx": tx, "n": n, "from": sender, "to": to}
            record |= {"asset": f"{BITCOIN}/slip44:0", "symbol": "BTC", "value": str(round(units * 10**8))}
            self.records.append(check(record | {"amount": f"{units:.8f}", "usd": float(usd)} | keys))
        return self

    def swap(self, trader, router, pool, amount, out, usd):
        """Swap USDT for a token at a pool by a call to a router."""
        tx = self.tx()
        self.call(trader, router, method="0x38ed1739", tx=tx, follows=2)
        self.moved(tx, 1, trader, pool, amount)
        return self.moved(tx, 2, pool, trader, usd, asset=out, symbol="DAI", usd=usd)


def findings(story, *rules, listed=NOBODY, allowed=(), bounds=None):
    """Return [(record, finding), …] of rules over a story's records."""
    conduct = Conduct(lambda _: (rules, bounds or Bounds()), lambda address, _: address in allowed)
    found = []
    for record in story.records:
        parties = {record.get("from"), record.get("to")}
        named = {name: entries for name, entries in listed.items() if name in parties}
        found += [(record, finding) for finding in conduct.take(record, named)]
    return found


def said(story, *rules, **context):
    """Return [(rule, subject, role, severity), …] of rules over a story."""
    return [(one.rule, one.subject, one.role, one.severity) for _, one in findings(story, *rules, **context)]


def look_alike(real, front=3, back=4, seed="thief"):
    """Make an address that shares exactly so many leading and trailing digits with another."""
    middle = address(seed + real)[2 : 42 - front - back]
    first, last = ("1" if digit == "0" else "0" for digit in (real[2 + front], real[-1 - back]))
    return real[: 2 + front] + first + middle[1:-1] + last + real[-back:]
