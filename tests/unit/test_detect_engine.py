"""What listed and mention say of records, and how often."""

import orjson
import pytest

from txpipe.detect import setup
from txpipe.detect.bounds import Bounds
from txpipe.detect.conduct import Conduct
from txpipe.detect.engine import MOST_WAITED, Engine
from txpipe.detect.finding import Finding
from txpipe.detect.rules import RULES
from txpipe.detect.rules.dormant import Dormant
from txpipe.detect.screener import Screener, day_of
from txpipe.detect.traits import EVERY
from txpipe.errors import RecordFault
from txpipe.lists.build import build
from txpipe.lists.entry import Entry
from txpipe.lists.index import Index
from txpipe.record import check

BAD, DELISTED, THIEF, TOKEN, OLD = ("0x" + two * 20 for two in ("b0", "de", "7f", "70", "0d"))
ALICE, BOB = "0x" + "a1" * 20, "0x" + "b2" * 20
NOW = 1_760_000_000  # 2025-10-09


@pytest.fixture
def screener(tmp_path):
    build(
        [
            Entry(BAD, "ofac", "2025-11-19", "sanctions", "Lazarus", "https://example.org", "2022-04-14"),
            Entry(BAD, "second", "undated", "theft"),
            Entry(DELISTED, "ofac", "2024-09-27", "sanctions", listed="2022-08-08", delisted="2025-03-21"),
            Entry(THIEF, "mine", "undated", "phishing"),
            Entry(TOKEN, "noisy", "undated", "scam"),
            Entry(OLD, "mine", "undated", "theft", listed="2026-01-01"),
        ],
        tmp_path / "block.idx",
    )
    build([Entry(TOKEN, "allow"), Entry(BAD, "allow")], tmp_path / "allow.idx")
    return Screener(Index(tmp_path / "block.idx"), Index(tmp_path / "allow.idx"))


def transfer(**changes):
    return {
        "type": "transfer",
        "chain": "eip155:1",
        "block": 1,
        "time": NOW,
        "tx": "0x01",
        "n": 0,
        "from": ALICE,
        "to": BOB,
        "asset": "eip155:1/slip44:60",
        "symbol": "ETH",
        "value": "1250000000000000000",
        "amount": "1.25",
    } | changes


def call(**changes):
    kept = {key: value for key, value in transfer().items() if key not in ("asset", "symbol", "amount")}
    return kept | {"type": "call", "value": "0"} | changes


def run(screener, *records):
    engine = Engine(RULES, screener)
    lines = [alert for record in records for alert in engine.feed(orjson.dumps(record))]
    alerts = [orjson.loads(alert) for alert in [*lines, *engine.end()]]
    for alert in alerts:
        check(alert)
    return alerts


def said(alerts):
    return [(alert["rule"], alert["subject"], alert["severity"]) for alert in alerts]


def test_payment_to_a_sanctioned_wallet(screener):
    """It is critical, names the list, and carries the record as it came in."""
    (alert,) = run(screener, transfer(to=BAD, extra=123))
    assert said([alert]) == [("listed", BAD, "critical")]
    assert alert["category"] == "sanctions"
    assert alert["record"]["extra"] == 123
    assert alert["title"] == (
        "Transfer of 1.25 ETH to a listed address: Lazarus, sanctions on list ofac (2025-11-19)"
    )
    assert alert["evidence"] == {
        "address": BAD,
        "direction": "to",
        "matches": [
            {
                "list": "ofac",
                "list_date": "2025-11-19",
                "category": "sanctions",
                "label": "Lazarus",
                "source": "https://example.org",
                "listed": "2022-04-14",
            }
        ],
    }


def test_numbers_too_large_for_floats_survive(screener):
    engine = Engine(RULES, screener)
    line = orjson.dumps(transfer(to=THIEF))[:-1] + b',"wei":%d}' % (2**256 - 1)
    (alert,) = engine.feed(line)
    assert line in alert


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"to": THIEF}, "high"),
        ({"from": THIEF}, "medium"),
        ({"to": THIEF, "n": 4, "value": "0"}, "medium"),
        ({"to": OLD}, "medium"),
        ({"to": OLD, "time": NOW + 200 * 86400}, "high"),
    ],
)
def test_severity_by_direction_and_circumstance(screener, changes, severity):
    assert [alert["severity"] for alert in run(screener, transfer(**changes))] == [severity]


def test_a_failed_call_weighs_less(screener):
    assert said(run(screener, call(to=THIEF, failed=True))) == [("listed", THIEF, "medium")]


def test_approval_names_the_spender(screener):
    record = transfer(type="approval", to=THIEF, scope="all", via="setApprovalForAll")
    (alert,) = run(screener, record)
    assert alert["evidence"]["direction"] == "spender"


def test_delisted_counts_until_its_day(screener):
    """A payment before the delisting alerts, one on the day does not."""
    day = 1_742_515_200  # 2025-03-21
    assert day_of(day) == "2025-03-21"
    assert len(run(screener, transfer(to=DELISTED, time=day - 1))) == 1
    assert run(screener, transfer(to=DELISTED, time=day)) == []


def test_allow_list_wins_but_not_over_sanctions(screener):
    assert run(screener, transfer(to=TOKEN)) == []
    (alert,) = run(screener, transfer(to=BAD))
    assert [match["category"] for match in alert["evidence"]["matches"]] == ["sanctions"]
    allowing = Screener(screener.block, screener.allow, allow_sanctions=True)
    assert run(allowing, transfer(to=BAD)) == []


def test_checksummed_and_repeated_addresses(screener):
    """Spelling does not matter, and one transaction says one thing once however many movements say it."""
    spelled = "0x" + "B0" * 20
    alerts = run(screener, transfer(to=spelled), transfer(to=BAD, n=3), transfer(to=BAD, n=4))
    assert said(alerts) == [("listed", BAD, "critical")]


def test_all_utxo_inputs_are_screened(screener):
    alerts = run(screener, transfer(inputs=[ALICE, THIEF], n=1))
    assert [alert["evidence"]["direction"] for alert in alerts] == ["input"]


def test_all_keys_of_a_multisig_output_are_parties(screener):
    """On a UTXO chain there is no calldata: who is mentioned shares the output."""
    record = transfer(chain="bip122:000000000019d6689c085ae165831e93", mentions=[THIEF])
    assert said(run(screener, record)) == [("listed", THIEF, "high")]


def test_mention_without_more_speaks_at_once(screener):
    engine = Engine(RULES, screener)
    (line,) = engine.feed(orjson.dumps(call(mentions=[THIEF], method="0x12345678")))
    alert = orjson.loads(line)
    assert said([alert]) == [("mention", THIEF, "medium")]
    assert alert["evidence"]["lowered_by"] == ["calldata-only"]


def test_mention_waits_for_the_movements_that_follow(screener):
    """What a movement says, calldata does not say again; what none says comes when the last has come."""
    first = call(mentions=[THIEF, BAD], follows=1)
    assert said(run(screener, first, transfer(n=3, to=THIEF))) == [
        ("mention", BAD, "high"),
        ("listed", THIEF, "high"),
    ]
    engine = Engine(RULES, screener)
    assert list(engine.feed(orjson.dumps(first))) == []
    assert engine.waiting
    assert len(list(engine.feed(orjson.dumps(transfer(n=3))))) == 2
    assert not engine.waiting


def test_the_record_that_tells_most_stands_in_the_alert(screener):
    """Of a call and its movement the movement, which has the amount; of two movements the graver one."""
    first = call(**{"from": THIEF}, follows=2)
    worthless = transfer(**{"from": THIEF}, n=3, value="0", amount="0")
    (alert,) = run(screener, first, worthless, transfer(**{"from": THIEF}, n=4))
    assert alert["record"]["n"] == 4
    assert alert["severity"] == "medium"
    (alert,) = run(screener, first, worthless)
    assert alert["record"]["type"] == "call"


def test_mention_is_released_by_another_transaction(screener):
    alerts = run(screener, call(mentions=[THIEF], follows=5), transfer(tx="0x02"))
    assert said(alerts) == [("mention", THIEF, "medium")]


def test_chains_that_share_a_stream_do_not_disturb_each_other(screener):
    """A record of another chain or a heartbeat does not end a transaction; a block of its chain does."""
    first, second = call(mentions=[THIEF], follows=1), transfer(n=3, to=THIEF)
    other = transfer(chain="eip155:137", tx="0x02")
    beat = {
        "type": "heartbeat",
        "chain": "eip155:1",
        "time": NOW,
        "status": "ok",
        "block": 1,
        "lag_s": 1,
        "records": 1,
        "bad": 0,
        "source": "txtail",
    }
    assert said(run(screener, first, other, beat, second)) == [("listed", THIEF, "high")]
    block = {
        "type": "block",
        "chain": "eip155:1",
        "block": 1,
        "time": NOW,
        "hash": "",
        "parent": "",
        "records": 1,
    }
    assert [rule for rule, _, _ in said(run(screener, first, block, second))] == ["mention", "listed"]


def test_a_transaction_is_not_waited_for_without_end(screener):
    engine = Engine(RULES, screener)
    assert list(engine.feed(orjson.dumps(call(mentions=[THIEF], follows=10**9)))) == []
    other = orjson.dumps(transfer(chain="eip155:137"))
    for _ in range(MOST_WAITED):
        assert list(engine.feed(other)) == []
    assert len(list(engine.feed(other))) == 1


def test_the_worst_entry_decides_and_before_its_listing_it_weighs_less(tmp_path):
    """An undated list beside it does not restore the severity of a listing that came later."""
    build(
        [
            Entry(OLD, "ofac", category="sanctions", listed="2026-01-01"),
            Entry(OLD, "undated", category="scam"),
        ],
        tmp_path / "two.idx",
    )
    two = Screener(Index(tmp_path / "two.idx"))
    (alert,) = run(two, transfer(to=OLD))
    assert (alert["severity"], alert["category"]) == ("high", "sanctions")
    assert alert["evidence"]["lowered_by"] == ["before-listing"]
    (alert,) = run(two, transfer(to=OLD, time=NOW + 200 * 86400))
    assert alert["severity"] == "critical"


def test_what_allow_lists_silence_is_counted(screener):
    engine = Engine(RULES, screener)
    assert list(engine.feed(orjson.dumps(transfer(to=TOKEN)))) == []
    assert engine.silenced == 1


def test_a_worthless_movement_does_not_hide_the_real_one(screener):
    """Anyone can put a zero-value movement in front; the graver one is said as an update."""
    worthless = transfer(**{"from": BAD, "to": ALICE}, n=1, value="0")
    alerts = run(screener, call(follows=2), worthless, transfer(to=BAD, n=2))
    assert [(alert["severity"], alert["status"], alert["rev"]) for alert in alerts] == [
        ("high", "open", 0),
        ("critical", "updated", 1),
    ]


def test_a_created_contract_that_is_listed(screener):
    (alert,) = run(screener, call(to=None, created=THIEF))
    assert alert["evidence"]["direction"] == "created"


def test_a_record_nested_to_the_limit_still_gives_a_readable_alert(screener):
    engine = Engine(RULES, screener)
    bomb = orjson.dumps(transfer(to=BAD))[:-1] + b',"x":' + b"[" * 1000 + b"]" * 1000 + b"}"
    (line,) = engine.feed(bomb)
    alert = orjson.loads(line)
    assert alert["record"]["to"] == BAD
    assert "x" not in alert["record"]


def test_allow_entries_hold_on_their_days_only(tmp_path):
    build([Entry(THIEF, "mine")], tmp_path / "block.idx")
    build([Entry(THIEF, "allow", listed="2025-01-01", delisted="2025-06-01")], tmp_path / "allow.idx")
    dated = Screener(Index(tmp_path / "block.idx"), Index(tmp_path / "allow.idx"))
    assert run(dated, transfer(to=THIEF, time=1_740_000_000)) == []  # 2025-02-19
    assert len(run(dated, transfer(to=THIEF))) == 1


def test_pending_then_mined_is_an_update(screener):
    """The same alert, next revision; once mined it is not said again."""
    pending = transfer(to=THIEF, block=None, pending=True)
    alerts = run(screener, pending, pending, transfer(to=THIEF), transfer(to=THIEF))
    assert [(alert["status"], alert["rev"]) for alert in alerts] == [("open", 0), ("updated", 1)]
    assert len({alert["id"] for alert in alerts}) == 1


def test_a_bad_record_has_no_effect(screener):
    engine = Engine(RULES, screener)
    with pytest.raises(RecordFault, match='"value"'):
        list(engine.feed(orjson.dumps(transfer(to=BAD, value="1.5"))))


def test_days_outside_the_calendar():
    assert day_of(-(10**15)) == "0001-01-01"
    assert day_of(10**15) == "9999-12-31"


@pytest.mark.parametrize("value", ["9" * 101, "9" * 5000, "\u0663\u0664", "\uff10", "", "1e5", "-"])
def test_a_value_that_is_none_is_named_with_every_rule_on(value):
    """A line with an impossible value is refused wherever it stands, and the next one is judged."""
    engine = detector()
    good = transfer() | {"usd": 5.0}
    assert watched(engine, orjson.dumps(good)) == []
    bad = {key: kept for key, kept in good.items() if key != "usd"} | {"value": value, "tx": "0x02"}
    with pytest.raises(RecordFault, match='"value" of a transfer'):
        watched(engine, orjson.dumps(bad))
    assert watched(engine, orjson.dumps(good | {"tx": "0x03"})) == []


@pytest.mark.parametrize(
    "odd",
    [
        *({"usd": None}, {"usd": "5"}, {"symbol": None}, {"symbol": 5}, {"method": None}, {"amount": 5}),
        *({"block": -1}, {"time": 1.5}, {"time": "1"}, {"from": ""}, {"to": 7}, {"tx": "x" * 257}),
    ],
)
def test_what_rules_read_is_checked_on_every_way(odd):
    """The quick way refuses what the other does, with the same words."""
    engine = detector()
    assert watched(engine, orjson.dumps(transfer())) == []
    line = orjson.dumps(transfer(tx="0x02") | odd)
    with pytest.raises(RecordFault) as quick:
        watched(engine, line)
    with pytest.raises(RecordFault) as whole:
        list(engine.feed(line))
    assert str(quick.value) == str(whole.value)


def test_a_height_beyond_all_heights():
    """It is refused before it is anybody's position."""
    engine = detector()
    assert watched(engine, orjson.dumps(transfer())) == []
    line = orjson.dumps(transfer(tx="0x02")).replace(b'"block":', b'"block":9' + b"9" * 20)
    with pytest.raises(RecordFault, match='"block" of a transfer'):
        watched(engine, line)


@pytest.mark.parametrize(
    "extra",
    [{"mentions": 1.5}, {"mentions": [1]}, {"inputs": 5}, {"inputs": [{}]}, {"follows": "x"}, {"created": 5}],
)
def test_keys_that_an_approval_does_not_have(screener, extra):
    """They are unknown keys of an approval: kept, never read."""
    approval = {key: kept for key, kept in transfer(to=THIEF).items() if key not in ("amount", "symbol")}
    approval |= {"type": "approval", "scope": "amount", "via": "approve"} | extra
    assert said(run(screener, approval)) == [("listed", THIEF, "high")]


def test_a_rule_that_raises_ends_the_run():
    """Whatever it raises, it is a bug, never taken for "nothing found"."""

    class Broken(Dormant):
        ID, SENT = "broken", EVERY

        def sent(self, move, me, other):  # noqa: ARG002
            raise KeyError("broken")

    conduct = Conduct(lambda _: ([Broken()], Bounds()), lambda *_: False)
    engine = Engine((), Screener(None), conduct)
    with pytest.raises(KeyError, match="broken"):
        list(engine.feed(orjson.dumps(transfer())))
    with pytest.raises(KeyError, match="broken"):
        watched(engine, orjson.dumps(transfer(tx="0x02")))


def watched(engine, line):
    """Take a line as a stream does: by ``run``, and what that leaves by ``feed``."""
    alerts = list(engine.run([line], 0, 1))
    return alerts if engine.taken else alerts + list(engine.feed(line))


def detector():
    options = setup.Options()
    return options.detector(options.rules(), Screener(None), pytest.fail)


def test_doubt_ends_on_a_chain_that_falls_silent():
    """What the rest of a transaction may make void is said when nothing more of it comes."""
    engine = Engine((), Screener(None), Conduct(lambda _: ((Doubting(),), Bounds()), lambda _, __: False))
    assert list(engine.feed(orjson.dumps(transfer(chain="eip155:56")))) == []
    assert engine.waiting
    other = orjson.dumps(call(chain="eip155:137"))
    for _ in range(MOST_WAITED):
        assert list(engine.feed(other)) == []
    assert [orjson.loads(line)["rule"] for line in engine.feed(other)] == ["doubting"]
    assert not engine.waiting


class Doubting:
    """Says everything, unless the payer gets something in the same transaction."""

    ID, VERSION, SEVERITY = "doubting", 1, "low"
    SENT, RECEIVED, UNLESS = EVERY, 0, 0

    def sent(self, move, me, other):  # noqa: ARG002
        return (Finding(self.ID, "theft", "low", 30, me.address, "Said.", unless_paid=me.address),)
