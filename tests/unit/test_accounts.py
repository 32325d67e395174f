"""Accounts within a budget: who moved least lately is forgotten; state goes out and comes back whole."""

import gc
import weakref

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detect_kit import CHAIN, HOUR, NOW, Story, address
from txpipe.chains.tokens import Tokens
from txpipe.detect.account import Account, look_alike_key
from txpipe.detect.accounts import Accounts
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import CHAINS_KEPT, Conduct
from txpipe.detect.rules.dormant import Dormant
from txpipe.detect.tracker import Tracker
from txpipe.prices import Prices


def nobody(*_):
    return False


def test_forgets_the_least_recently_active():
    """With room for four, who moved again stays and who was silent goes."""
    accounts = Accounts(4, nobody)
    a, b, c, d, e = (address(name) for name in "abcde")
    for name in (a, b, c, d):
        accounts.meet(name, NOW)
    met = accounts.meet(a, NOW)
    accounts.meet(e, NOW)
    assert [account.address for account in accounts] == [c, d, a, e]
    assert accounts.find(b) is None
    assert accounts.find(a) is met
    assert accounts.forgotten == 1


@given(st.lists(st.integers(0, 30), max_size=300), st.integers(1, 20))
def test_never_more_than_the_budget(visits, budget):
    """Whatever the order of visits, the budget holds and nobody is lost uncounted."""
    accounts = Accounts(budget, nobody)
    met = 0
    for visit in visits:
        name = address(str(visit))
        known = accounts.find(name)
        account = accounts.young.get(name) or accounts.meet(name, NOW)
        assert known is None or account is known
        met += known is None
        assert len(accounts) <= max(2, budget + 1)
    assert met == len(accounts) + accounts.forgotten


def test_spellings_are_one_account():
    """Upper-case hex and a CAIP-10 prefix name the same account."""
    accounts = Accounts(None, nobody)
    one = accounts.meet("0x" + "ab" * 20, NOW)
    assert accounts.meet("0x" + "AB" * 20, NOW) is one
    assert accounts.meet("eip155:1:0x" + "aB" * 20, NOW) is one


@pytest.mark.parametrize(
    ("spelled", "key"),
    [
        ("0x7e4d7afab755066008897f1eb143b22a63a7f223", "7e4f223"),
        ("bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh", "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh"),
        ("0x12", "0x12"),
    ],
)
def test_keys(spelled, key):
    """Look-alikes share three leading and four trailing hex digits; other families have no look-alikes."""
    assert look_alike_key(spelled) == key


def test_state_comes_back_whole():
    """Every attribute of an account that lived survives saving."""
    tracker = Tracker(CHAIN, Bounds(), Tokens.shipped(), Prices(), nobody)
    a, b, c = (address(name) for name in "abc")
    story = Story().coin(a, b, 5_000).wait(HOUR).coin(b, c, 4_900).token(c, a, 17).coin(c, a, 3)
    lines = [orjson.dumps(record) for record in story.records]
    list(tracker.moves(lines, 0, len(lines)))
    assert tracker.taken == len(lines)
    for account in tracker.accounts:
        account.note("rule", {"x": [1, (2, 3)]})
        back = Account.restored(account.saved(), lambda text: text)
        names = [name for name in Account.__slots__ if name != "stamp"]
        assert [getattr(back, name) for name in names] == [getattr(account, name) for name in names]


def test_chains_that_are_let_go_are_freed():
    """Without looking for garbage, which txdetect does not."""
    conduct = Conduct(lambda _: ([Dormant()], Bounds()), nobody)
    trackers = [weakref.ref(conduct.watch(f"test:{number}").tracker) for number in range(CHAINS_KEPT + 5)]
    gc.disable()
    try:
        assert [tracker() is None for tracker in trackers] == [True] * 5 + [False] * CHAINS_KEPT
    finally:
        gc.enable()
