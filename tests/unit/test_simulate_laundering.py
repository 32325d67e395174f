"""The laundering scenarios keep what their docstrings promise; their twins lack the essence of the fraud."""

import functools
import itertools
import random
from collections import Counter, defaultdict
from typing import NamedTuple

import orjson
import pytest

from txpipe import record
from txpipe.simulate import listed
from txpipe.simulate.ledger import ZERO, Ledger
from txpipe.simulate.scenarios import (
    cycle,
    exposure,
    mixer,
    pass_through,
    peel_chain,
    scatter_gather,
    structuring,
    wash_trading,
)
from txpipe.simulate.scenarios.money import DAY_S, Plot
from txpipe.simulate.world import PEOPLE, World

MODULES = (
    mixer,
    exposure,
    structuring,
    pass_through,
    peel_chain,
    scatter_gather,
    cycle,
    wash_trading,
)
SCENARIOS = {module.SCENARIO.name: module.SCENARIO for module in MODULES}
FRAUDS = ("attack", "adaptive")
COUNT = 50
BLOCK_S = 12
CHEAPEST = 21_000 * 3 * 10**9
LISTED = {wallet.address: wallet.category for wallet in listed.wallets()}


class Flow(NamedTuple):
    """One movement of an asset."""

    at: int
    role: str | None
    asset: str
    giver: str
    taker: str
    units: int
    usd: float | None


class Story(NamedTuple):
    """One instance: steps, their records, what moved, and addresses nobody had used before."""

    steps: list
    records: list
    flows: list
    fresh: set

    def of(self, *roles):
        return [flow for flow in self.flows if flow.role in roles]


class SpiedWorld(World):
    """Notes which addresses are new."""

    def __init__(self, seed):
        self.made = set()
        super().__init__("eip155:1", random.Random(seed))

    def fresh(self):
        address = super().fresh()
        self.made.add(address)
        return address


def written(world, steps):
    """Every step's records."""
    ledger = Ledger(world.chain, world.coin, world.known["WETH"])
    found = []
    for number, step in enumerate(steps):
        ledger.open(1, step.after_s, [f"{number:064x}"])
        write, args = step.draft
        write(ledger, *args)
        text, _ = ledger.close("0" * 64, "0" * 64)
        found.append([orjson.loads(line) for line in text.splitlines()[:-1]])
    return found


def told(world, plan, seed):
    world.made.clear()
    steps = plan(world, random.Random(seed))
    records = written(world, steps)
    flows = [
        Flow(step.after_s, step.role, one["asset"], one["from"], one["to"], int(one["value"]), one.get("usd"))
        for step, parts in zip(steps, records, strict=True)
        for one in parts
        if one["type"] == "transfer"
    ]
    return Story(steps, records, flows, set(world.made))


@functools.cache
def stories(name, kind):
    world = SpiedWorld(f"{name} {kind}")
    plan = getattr(SCENARIOS[name], kind)
    return [told(world, plan, f"{name} {kind} {seed}") for seed in range(COUNT)]


def every(*kinds):
    return pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in SCENARIOS for kind in kinds])


def received(flows, who):
    return sum(flow.units for flow in flows if flow.taker == who)


def sent(flows, who):
    return sum(flow.units for flow in flows if flow.giver == who)


# --- what holds for all -----------------------------------------------------------------------------------


@every("attack", "adaptive", "twin")
def test_steps_are_in_order_and_valid(name, kind):
    """A story begins at 0, its steps come in order, and what they write are valid records."""
    for story in stories(name, kind):
        times = [step.after_s for step in story.steps]
        assert times[0] == 0
        assert times == sorted(times)
        for one in (one for parts in story.records for one in parts):
            record.check(one)


@every("attack", "adaptive", "twin")
def test_roles_fit(name, kind):
    """Fraud has an attack in it; a twin's roles are all the look-alike's."""
    for story in stories(name, kind):
        roles = {step.role for step in story.steps} - {None}
        if kind == "twin":
            assert roles == {"benign-lookalike"}
        else:
            assert "attack" in roles
            assert roles <= {"attack", "setup", "payoff"}


def balance_changes(story, coin):
    """(time, order, address, asset, change): spending is at once, what arrives counts two blocks later."""
    for step, parts in zip(story.steps, story.records, strict=True):
        yield step.after_s, 1, parts[0]["from"], coin, -CHEAPEST
        for one in parts:
            if one["type"] == "transfer" and "erc721" not in one["asset"]:
                yield step.after_s, 1, one["from"], one["asset"], -int(one["value"])
                yield step.after_s + 2 * BLOCK_S, 0, one["to"], one["asset"], int(one["value"])
        if step.draft[0] is Ledger.swap_back:  # pays coin, which leaves no log
            yield step.after_s + 2 * BLOCK_S, 0, parts[0]["from"], coin, step.draft[1][4]


@every("attack", "adaptive", "twin")
def test_fresh_accounts_spend_what_they_got(name, kind):
    """No new account that acts spends more than it was paid, fees included, or before it was paid."""
    coin = "eip155:1/slip44:60"
    for story in stories(name, kind):
        acting = {parts[0]["from"] for parts in story.records} & story.fresh
        held = defaultdict(int)
        for _, _, who, asset, units in sorted(balance_changes(story, coin)):
            held[who, asset] += units
            assert who not in acting or held[who, asset] >= 0


@every("attack", "adaptive", "twin")
def test_payments_move_something(name, kind):
    assert all(flow.units > 0 for story in stories(name, kind) for flow in story.flows)


@every("attack", "adaptive", "twin")
def test_stories_vary(name, kind):
    """Length, duration and sums differ from instance to instance; sums by more than a factor of ten."""
    found = stories(name, kind)
    assert len({len(story.steps) for story in found}) > 4
    assert len({story.steps[-1].after_s for story in found}) > COUNT * 3 // 4
    largest = sorted(max((flow.usd or 0 for flow in story.flows if flow.role), default=0) for story in found)
    valued = [usd for usd in largest if usd]
    assert len(valued) > COUNT // 2
    assert valued[-1] > (3 if name == "structuring" else 10) * valued[len(valued) // 10]


@every("attack", "adaptive")
def test_coin_and_tokens_are_used(name, kind):
    assets = {flow.asset for story in stories(name, kind) for flow in story.of("attack")}
    assert "eip155:1/slip44:60" in assets
    assert len(assets) > 2


@pytest.mark.parametrize("name", SCENARIOS)
def test_adaptive_is_slower(name):
    """Half of the careful instances take longer than nine in ten of the others."""
    plain, careful = (sorted(story.steps[-1].after_s for story in stories(name, kind)) for kind in FRAUDS)
    assert careful[COUNT // 2] > plain[COUNT * 9 // 10]


@pytest.mark.parametrize("name", SCENARIOS)
def test_same_seed_same_story(name):
    for kind in ("attack", "adaptive", "twin"):
        plan = getattr(SCENARIOS[name], kind)
        one, other = (told(SpiedWorld(1), plan, "x").records for _ in range(2))
        assert one == other


@every("attack", "adaptive", "twin")
def test_listed_wallets_occur_in_mixer_and_exposure_only(name, kind):
    """No labelled record of an honest story names a listed wallet; the dust does, and has no label."""
    for story in stories(name, kind):
        for step, parts in zip(story.steps, story.records, strict=True):
            named = {one[end] for one in parts for end in ("from", "to")} & LISTED.keys()
            if named:
                assert name in {"mixer", "exposure"}
                assert (step.role is None) == (kind == "twin")


@every("attack", "adaptive", "twin")
def test_deposits_are_swept(name, kind):
    """What a fresh account got and passed on with a hot wallet's gas, or as coin, ends at a hot wallet."""
    hot = {address for exchange in SpiedWorld(f"{name} {kind}").exchanges for address in exchange.hot}
    for story in stories(name, kind):
        for step, parts in zip(story.steps, story.records, strict=True):
            if step.role is None and parts[0]["from"] in story.fresh and parts[-1]["to"] in hot:
                who = parts[0]["from"]
                assert received(story.flows, who) >= sent(story.flows, who)


# --- mixer ------------------------------------------------------------------------------------------------

POOLS = {address for address, category in LISTED.items() if category == "mixer"}


@pytest.mark.parametrize("kind", FRAUDS)
def test_mixer_takes_denominations(kind):
    """Every instance pays in or out at wallets of one mixer; what goes in is a power of ten."""
    for story in stories("mixer", kind):
        touched = [flow for flow in story.of("attack") if {flow.giver, flow.taker} & POOLS]
        assert touched
        for flow in touched:
            if flow.taker in POOLS:
                assert str(flow.units).strip("0") == "1"
            else:
                assert flow.taker in story.fresh
                assert flow.taker in {parts[0]["from"] for parts in story.records}


def test_mixer_totals_are_running_totals():
    """Deposits of an instance come to thousands up to hundreds of thousands of dollars."""
    totals = sorted(
        sum(flow.usd for flow in story.flows if flow.taker in POOLS) for story in stories("mixer", "attack")
    )
    assert totals[COUNT // 2] > 4000
    assert totals[-1] > 100_000


# --- exposure ---------------------------------------------------------------------------------------------


def tainted(story):
    """Who holds something that was a listed wallet's, in order of time."""
    reached = set(LISTED)
    for flow in story.flows:
        if flow.giver in reached:
            reached.add(flow.taker)
    return reached


@pytest.mark.parametrize("kind", FRAUDS)
def test_exposure_leads_from_a_listed_wallet_to_a_sale(kind):
    for story in stories("exposure", kind):
        first = story.flows[0]
        assert LISTED[first.giver] in exposure.CATEGORIES
        assert first.taker in story.fresh
        sales = story.of("payoff")
        assert sales
        assert {flow.giver for flow in sales} & tainted(story)


def test_careful_exposure_is_thinned():
    """Clean money is between half and five times the tainted, at the account that takes both."""
    for story in stories("exposure", "adaptive"):
        first = story.flows[0]
        clean = sum(
            flow.units
            for flow in story.of("setup")
            if flow.taker == first.taker and flow.asset == first.asset and flow.units * 2 > first.units
        )
        assert 0.99 * first.units <= clean <= 4.1 * first.units


def test_dust_is_dust():
    for story in stories("exposure", "twin"):
        for flow in story.flows:
            if flow.giver in LISTED:
                assert flow.role is None
                assert flow.usd < 1


# --- structuring ------------------------------------------------------------------------------------------


def limit_of(usd, lowest):
    """The limit that a sum is just below, if any."""
    return next((limit for limit in (1000, 3000, 5000, 10_000) if lowest * limit <= usd < limit), None)


@pytest.mark.parametrize(("kind", "lowest"), [("attack", 0.9), ("adaptive", 0.7)])
def test_structuring_stays_below_one_limit(kind, lowest):
    """All payments are just below the same limit, go to at most four receivers, and exceed it together."""
    for story in stories("structuring", kind):
        paid = [flow for flow in story.of("attack") if flow.usd]
        limits = {limit_of(flow.usd, lowest * 0.99) for flow in paid}
        assert len(limits) == 1
        assert len(paid) >= 5
        assert len({flow.taker for flow in paid}) <= 4
        assert sum(flow.usd for flow in paid) > 2.5 * limits.pop()


def test_structuring_twin_pays_many_or_always_the_same():
    """Nobody sends five different sums just below a limit to one receiver."""
    for story in stories("structuring", "twin"):
        sums = defaultdict(set)
        for step, parts in zip(story.steps, story.records, strict=True):
            paid = next((one for one in parts if one["type"] == "transfer"), None)
            if step.role and paid:
                sums[parts[0]["from"], paid["to"]].add(paid["value"])
        assert max(map(len, sums.values())) < 5


# --- pass-through and peel chain --------------------------------------------------------------------------


def forwarders(story, least):
    """Fresh accounts that pay at least such a part of what they got on to one other fresh account."""
    found = set()
    acting = {parts[0]["from"] for parts in story.records} & story.fresh
    for who in acting:
        got = defaultdict(int)
        for flow in story.flows:
            if flow.taker == who:
                got[flow.asset] += flow.units
        gave = defaultdict(int)
        for flow in story.flows:
            if flow.giver == who and flow.taker in acting:
                gave[flow.asset, flow.taker] += flow.units
        if any(units >= least * got[asset] > 0 for (asset, _), units in gave.items()):
            found.add(who)
    return found


@pytest.mark.parametrize(("kind", "least", "hops"), [("attack", 0.88, 2), ("adaptive", 0.4, 1)])
def test_pass_through_forwards_nearly_all(kind, least, hops):
    """All but the last of three or more fresh accounts forward nearly all (careful ones: most)."""
    for story in stories("pass-through", kind):
        assert len(forwarders(story, least)) >= hops
        assert story.of("payoff")


def test_pass_through_dwells_shortly():
    """In a standard chain funds leave an account within minutes to hours."""
    waits = []
    for story in stories("pass-through", "attack"):
        hops = story.of("attack")
        waits += [after.at - before.at for before, after in itertools.pairwise(hops)]
    waits.sort()
    assert waits[len(waits) // 2] < 1800
    assert waits[-1] < 6 * 3600


@pytest.mark.parametrize(("kind", "least"), [("attack", 0.7), ("adaptive", 0.35)])
def test_peel_chain_keeps_most(kind, least):
    """Five or more accounts pass on most of what they have and peel small parts off to others."""
    for story in stories("peel-chain", kind):
        assert len(forwarders(story, least)) >= 4
        holders = {flow.giver: flow.units for flow in story.of("attack")}
        peels = [flow for flow in story.of("payoff") if flow.giver in holders]
        assert len(peels) >= 3
        assert all(flow.units < 0.7 * holders[flow.giver] for flow in peels)


def test_twins_are_no_long_chains():
    """Honest stories have a few accounts at most that forward all they have to the next new one."""
    assert all(len(forwarders(story, 0.7)) <= 3 for story in stories("pass-through", "twin"))
    assert all(len(forwarders(story, 0.7)) <= 4 for story in stories("peel-chain", "twin"))


# --- scatter-gather ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "least"), [("attack", 0.86), ("adaptive", 0.78)])
def test_what_is_scattered_is_gathered(kind, least):
    """Five or more accounts get parts of one sum from one source; most of it ends at one gatherer."""
    for story in stories("scatter-gather", kind):
        acts = story.of("attack")
        source = acts[0].giver
        scattered = [flow for flow in acts if flow.giver == source]
        gatherer, parts = Counter(flow.taker for flow in acts).most_common(1)[0]
        assert len(scattered) == parts >= 5
        total = sum(flow.units for flow in scattered)
        assert least * total <= received(acts, gatherer) <= total
        assert story.of("payoff")
        assert sent(story.flows, gatherer) > 0


def test_honest_gatherers_keep_what_they_get():
    for story in stories("scatter-gather", "twin"):
        payers = defaultdict(set)
        for flow in story.of("benign-lookalike"):
            payers[flow.taker].add(flow.giver)
        acting = {parts[0]["from"] for parts in story.records} & story.fresh
        assert all(len(payers[who]) < 5 for who in acting)


# --- cycle ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FRAUDS)
def test_cycle_returns_to_its_start(kind):
    """At least four fifths of what leaves comes back, through two or more other accounts."""
    for story in stories("cycle", kind):
        acts = story.of("attack")
        transfers = [flow for flow in acts if "slip44" in flow.asset or flow.asset == acts[0].asset]
        start = transfers[0].giver
        assert received(transfers, start) >= 0.8 * sent(transfers, start)
        between = {flow.taker for flow in transfers} - {start}
        assert between <= story.fresh
        assert len(between) >= 2


def test_honest_cycles_are_short():
    """No new account passes money on but to the one it came from, an exchange or its owner."""
    for story in stories("cycle", "twin"):
        assert len(forwarders(story, 0.8)) == 0


# --- wash trading -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "accounts", "within"), [("attack", 5, 0.02), ("adaptive", 8, 0.11)])
def test_wash_trades_repeat(kind, accounts, within):
    """The same NFT changes hands again and again among few, or the same volume goes to and fro."""
    seen = Counter()
    for story in stories("wash-trading", kind):
        acts = story.of("attack")
        nfts = [flow for flow in acts if "erc721" in flow.asset]
        traders = {flow.giver for flow in acts} & story.fresh
        assert len(traders) <= accounts + 6  # pools of tokens that met for the first time
        if nfts:
            seen["nft"] += 1
            assert len({flow.asset for flow in nfts}) == 1
            assert len(nfts) >= 4
            assert len({flow.giver for flow in nfts} | {flow.taker for flow in nfts}) <= accounts
            continue
        seen["token"] += 1
        volumes = defaultdict(list)
        for flow in acts:
            volumes[flow.asset].append(flow.units)
        units = max(volumes.values(), key=len)
        assert len(units) >= 5
        assert max(units) <= (1 + within) * min(units)
    assert min(seen["nft"], seen["token"]) > 5


def test_honest_nfts_move_on():
    """Strangers flip an NFT a few times, and nobody owns it twice."""
    flips = 0
    for story in stories("wash-trading", "twin"):
        moved = [flow for flow in story.flows if "erc721" in flow.asset]
        flips += bool(moved)
        owners = [flow.taker for flow in moved]
        assert len(owners) == len(set(owners)) <= 4
        assert all(flow.giver == ZERO for flow in moved[:1])
    assert flips > 5


# --- money ------------------------------------------------------------------------------------------------


def test_draws_stay_in_their_ranges():
    plot = Plot(SpiedWorld(1), random.Random(1))
    for _ in range(2000):
        assert 60 <= plot.gap(60, 5) <= 60 * 32
        assert 20_000 <= plot.worth(200, 8) <= 200 * 256 * 100
        assert 900 <= plot.part(1000, 900, 1000) <= 1000
        assert PEOPLE > plot.old(plot.world.coin).rank >= 0
    assert sum(plot.parts(10**20 + 7, 9, 300)) == 10**20 + 7


def test_an_empty_purse_pays_nothing():
    plot = Plot(SpiedWorld(1), random.Random(1))
    purse = plot.fresh(plot.world.known["USDT"])
    assert plot.pay(0, "attack", purse, plot.fresh(purse.asset), 5) == 0
    plot.deposit(0, "attack", purse, 5, plot.desk())
    assert plot._steps == []


def test_days_are_days():
    """Careful instances last days, not weeks."""
    lasts = [story.steps[-1].after_s for name in SCENARIOS for story in stories(name, "adaptive")]
    assert sum(DAY_S / 2 < last < 14 * DAY_S for last in lasts) > 0.95 * len(lasts)
