"""Before the main part: sparse blocks of the past year, in which old wallets are seen and fall silent."""

from __future__ import annotations

import random
from collections import defaultdict

from txpipe.simulate import conduct
from txpipe.simulate.conduct import Draft
from txpipe.simulate.world import Elder, World

BLOCKS = 250
SPAN_S = 400 * 86400
"""How far the past reaches back."""

_ELDERS = 320
_BORN = 150
_SILENT = 175
"""Elders are first seen before the first of these blocks and last seen before the second: at least 120 days
of silence follow."""


def times(start: int, slot_s: int, rng: random.Random) -> list[int]:
    """Draw the times of the blocks, each a whole number of slots before the start; none before 1970."""
    slots = max(min(start, SPAN_S), 0) // BLOCKS // slot_s
    if not slots:
        return []
    early = [BLOCKS * slots - place * slots - rng.getrandbits(32) % slots for place in range(BLOCKS)]
    return [start - slots_before * slot_s for slots_before in early]


def elders(world: World, rng: random.Random) -> dict[int, list[Draft]]:
    """Fill ``world.elders`` and return what they did, by place of the block."""
    past: defaultdict[int, list[Draft]] = defaultdict(list)
    bits = rng.getrandbits
    for address in (world.fresh() for _ in range(_ELDERS)):
        who = world.person(bits)
        deposit = world.deposit(who, bits)
        contact = world.people[world.contact(who, bits)]
        units = world.payment(who, world.coin, bits) * 4 + 10**17
        token = world.known[("USDT", "USDC", "LINK", "WBTC")[bits(2)]] if bits(1) else None
        held = world.payment(who, token, bits) * 4 if token else 0
        born = bits(32) % _BORN
        last = born + bits(32) % (_SILENT - born)
        past[born].append(conduct.native(deposit.exchange.pays_from(bits), address, units))
        if token:
            past[born].append(conduct.token(token, deposit.exchange.pays_from(bits), address, held))
        spent = units * (1 + bits(3)) // 32
        past[last].append(conduct.native(address, contact, spent))
        left = units - spent - conduct.fee(bits, conduct.SEND_GAS)
        if bits(1):
            banked = left >> 2 + bits(1)
            past[last].append(conduct.native(address, deposit.address, banked))
            hot = deposit.exchange.pays_from(bits)
            past[last + 1].append(
                conduct.native(deposit.address, hot, banked - conduct.fee(bits, conduct.SEND_GAS))
            )
            left -= banked + conduct.fee(bits, conduct.SEND_GAS)
        world.elders.append(Elder(address, who, left, token, held, contact, deposit))
    return past
