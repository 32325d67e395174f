"""``txdetect --explain``: alerts in plain words, whatever an alert holds."""

import re
import sys

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import txpipe
from detect_kit import DAY, Story, address
from txpipe.detect import asked
from txpipe.detect.explain import explained
from txpipe.detect.plain import filled, plain
from txpipe.detect.rules import CONDUCT, RULES
from txpipe.errors import RecordFault
from txpipe.simulate.simulator import Settings, blocks
from txpipe.sink import open_sink

BAD = "0xb0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
MULE = "0x52b6e833d533e18815fd546adbe15d1acb88b393"
RECORDS = 60_000
LIST = "blocklists/demo.csv"
MODULES = {rule.ID: sys.modules[type(rule).__module__] for rule in RULES} | {
    rule.ID: sys.modules[rule.__module__] for rule in CONDUCT
}
HEAD = "It would have stayed silent with any of these:\n"


def alert(**keys):
    """Make an alert of rule ``listed``, with other keys if given."""
    evidence = {"address": BAD, "direction": "to", "matches": [
        {"list": "ofac", "list_date": "2025-09-30", "category": "sanctions", "label": "Example Group"},
        {"list": "own", "list_date": "2025-10-01", "category": "theft"},
    ]}  # fmt: skip
    made = {
        "type": "alert", "id": "0" * 32, "status": "open", "rev": 0, "rule": "listed",
        "category": "sanctions", "severity": "critical", "score": 96, "chain": "eip155:1",
        "block": 23_000_001, "time": 1_760_000_012, "tx": "0x01", "n": 0, "subject": BAD, "role": "suspect",
        "title": "Transfer of 1.25 ETH to a listed address: Example Group, sanctions on list ofac",
        "evidence": evidence, "record": {}, "incident": "1" * 32,
    }  # fmt: skip
    return made | keys


def silences(text):
    """Return the lines that say what would have kept a rule silent."""
    _, _, rest = text.partition(HEAD)
    return [" ".join(line.split()) for line in re.findall(r"^  - (.+(?:\n    .+)*)", rest, re.MULTILINE)]


def test_listed():
    """Who, where, what for, and what would have to be otherwise."""
    assert (
        explained(alert())
        == f"""\
CRITICAL listed, score 96
Transfer of 1.25 ETH to a listed address: Example Group, sanctions on list ofac
  suspect: {BAD}
  transaction: 0x01 on eip155:1, block 23000001, 2025-10-09 08:53:32 UTC
  incident: 11111111111111111111111111111111
What it looks for:
  A sender, recipient, token recipient, approved spender, operator, UTXO input or UTXO output is
  an address that a list names.
What it saw:
  address: {BAD}
  direction: to
  matches:
    list ofac, list_date 2025-09-30, category sanctions, label Example Group
    list own, list_date 2025-10-01, category theft
{HEAD}\
  - no entry for this address on any list (it is on ofac, own, of 2025-09-30, 2025-10-01)
  - a date in the column delisted of every such entry, not later than the day of the transaction
  - an allow-list that names it; sanctions yield only to --allow-sanctions (it is listed for
    sanctions, theft)
Honest conduct that looks like it:
  Lists that name contracts which everyone touches (an allow-list ships and is on by default);
  addresses reused by a new owner after delisting (delisted dates are respected).

"""
    )


def test_structuring():
    """Numbers beside their thresholds, and honest conduct that looks alike."""
    said = explained(
        alert(
            rule="structuring", severity="medium", score=63, parts={"structuring": 55, "velocity": 30},
            title="4 amounts just below 10,000 USD sent by one account", subject=MULE, block=None,
            status="updated",
            evidence={
                "side": "sent", "threshold_usd": 10_000.0, "amounts_usd": [9_100.0, 9_750.5, 9_400.0, 9_900],
                "sum_usd": 38_150.5, "over_s": 19_800, "counterparties": [BAD], "movements_of_any_size": 4,
                "of_holdings_above": 4, "chance": 0.0001,
                "thresholds": {
                    "threshold_usd": 10_000.0, "low_n": 3, "low_chance": 0.002, "varied": 0.5,
                    "day_s": 86_400, "month_s": 2_592_000, "series_s": 3_600,
                },
            },
        )
    )  # fmt: skip
    assert (
        said
        == f"""\
MEDIUM structuring, score 63, updated
4 amounts just below 10,000 USD sent by one account
  suspect: {MULE}
  transaction: 0x01 on eip155:1, 2025-10-09 08:53:32 UTC
  score: 63, of this account's findings together: structuring 55, velocity 30
  incident: 11111111111111111111111111111111
What it looks for:
  Several amounts just below 10,000 USD (or 5,000, 3,000 or 1,000) within a day or a month, from
  one account to a few receivers, or again and again from a few accounts to one, while the
  account hardly moves anything of another size. Amounts further below count, too, if their
  senders held more than the threshold.
What it saw:
  side: sent
  threshold_usd: 10,000 USD
  amounts_usd: 9,100 USD, 9,750.50 USD, 9,400 USD, 9,900 USD
  sum_usd: 38,150.50 USD
  over_s: 5 h 30 min
  counterparties: {BAD}
  movements_of_any_size: 4
  of_holdings_above: 4
  chance: 0.0001
What it compared that with:
  low_n: 3 amounts within a day
  low_chance: 0.002 probability
  varied: 50 %
  day_s: 1 day
  month_s: 30 days
  series_s: 1 h
  and 1 more of this rule; txdetect --print-rules has all, with their sources
{HEAD}\
  - fewer than 3 such amounts within 30 days (there were 4)
  - amounts of 10,000 USD each, which are reported anyway
  - so many of other sizes in between that the odds of chance are more than 0.002 (these are 4
    of 4 movements, odds 0.0001)
  - less than 50 % of the amounts different, as with a price or a plan (unless all go to one
    account, at most 1 h apart)
  - this account a service, or a contract on either side
  - an alert as grave about this account within 1 day before
Honest conduct that looks like it:
  A merchant or fund with a price or a cap just below the threshold (equal amounts from many:
  not counted; one payment each: low at most), payroll (many receivers: low at most; each always
  the same: not counted), rent and savings plans (equal amounts on a schedule: not counted),
  order splitting at exchanges (contracts: not counted), deposit addresses (what they forward is
  not counted). Blind spots: thresholds in other currencies, amounts without a price, splitting
  over many accounts on both sides, and many small payments in between that dilute the share.

"""
    )


@pytest.fixture(scope="module")
def records():
    """Return a stream with much fraud in it."""
    lines = []
    for block in blocks(Settings(seed=11, fraud_rate=0.2, tps=0.5)):
        lines += block.data.splitlines()
        if len(lines) >= RECORDS:
            return lines
    raise AssertionError


@pytest.fixture(scope="module")
def simulated(records):
    """Return what the detector says of it, and of one more loss."""
    return [*txpipe.Detector(lists=[LIST]).alerts(records), *robbed(), *deceived()]


def deceived():
    """Return what the detector says of savings that leave a wallet of small habits and are passed on."""
    wallet, thief = address("saver"), address("thief")
    story = Story().coin(address("employer"), wallet, 30_000)
    for week in range(8):
        story.wait(7 * DAY).coin(wallet, address(f"shop {week % 3}"), 200 + week)
    story.coin(wallet, thief, 18_000).wait(600).coin(thief, address("next"), 17_990)
    return txpipe.Detector().alerts(story.records)


def robbed():
    """Return what the detector says of four wallets emptied into one account: the last is a victim's."""
    story, wallets = Story(), [address(f"wallet {number}") for number in range(4)]
    for wallet in wallets:
        story.coin(address(f"employer of {wallet}"), wallet, 1_000).wait(60)
        for shop in range(3):
            story.coin(wallet, address(f"shop {shop} of {wallet}"), 10).wait(60)
    story.wait(20 * DAY)
    for wallet in wallets:
        story.coin(wallet, MULE, 960).wait(600)
    return txpipe.Detector().alerts(story.records)


def test_every_rule(simulated):
    """Whatever fires is explained, and says at least twice what would have kept it silent."""
    assert {said["rule"] for said in simulated} == set(MODULES)
    for said in simulated:
        text = explained(said)
        said_silent = silences(text)
        assert len(said_silent) >= 2, text
        assert not [line for line in said_silent if re.search(r"[{}]|unknown", line)], text
        assert "What it looks for:" in text
        assert max(map(len, text.splitlines())) <= 200, text


def test_every_sentence(simulated):
    """Each sentence of a rule is said of some alert: none names a key that the evidence never has."""
    idle = []
    for rule, module in MODULES.items():
        seen = [
            {"subject": said["subject"], **said["evidence"]} for said in simulated if said["rule"] == rule
        ]
        idle += [(rule, each) for each in module.SILENT if not any(filled(each, values) for values in seen)]
    assert idle == []


def test_thresholds_hold(records, tmp_path):
    """What "less than … USD" says is so: above every sum in the stream, the rules are silent."""
    above = 1e9
    rules = ("exposure", "pass-through", "peel-chain", "scatter-gather", "cycle", "dormant", "outlier")
    text = "".join(f"[rules.{rule}]\nleast_usd = {above}\n" for rule in rules)
    text = text.replace("[rules.cycle]\n", "[rules.cycle]\nthin = 0\n")
    text += f"[rules.drain]\nlow_usd = {above}\nleast_usd = {above}\npieces_usd = {above}\n"
    path = tmp_path / "rules.toml"
    path.write_text(text)
    fired = {said["rule"] for said in txpipe.Detector(lists=[LIST], rules=path).alerts(records)}
    assert fired == set(MODULES) - {*rules, "drain"}


def test_allow_lists_hold(simulated, records, tmp_path):
    """Whom an allow-list names is no suspect of the rules that say so, and sanctions do not yield to it."""
    suspects = {said["subject"] for said in simulated if said["role"] == "suspect"}
    path = tmp_path / "allowed.txt"
    path.write_text("\n".join(sorted(suspects)))
    left = [
        (said["rule"], said["category"])
        for said in txpipe.Detector(lists=[LIST], allow=[path]).alerts(records)
        if said["subject"] in suspects
    ]
    assert set(left) <= {
        ("listed", "sanctions"), ("mention", "sanctions"), ("dormant", "theft"),
    }  # fmt: skip


HOSTILE = "\x1b[31m\u202eevil\n\r\t\x00\x85\u2028 {0.__class__} {thresholds}"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
    | st.sampled_from([HOSTILE, "", "x" * 5_000]) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["usd", "share", "seconds", "kept_s", "time", "path", "matches", "list", HOSTILE]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
KEYS = sorted(
    {
        "thresholds",
        "matches",
        "path",
        "usd",
        "share",
        "seconds",
        "payers",
        "from",
        "with",
        "poisoned",
        HOSTILE,
    }
)


def is_plain(text):
    """Whether nothing but printable characters and line ends are in a text."""
    return all(line.isprintable() for line in text.split("\n"))


@given(
    rule=st.sampled_from([*MODULES, "unheard-of", HOSTILE]),
    evidence=st.dictionaries(st.sampled_from(KEYS), JSON),
    words=st.sampled_from([HOSTILE, "x" * 100_000, ""]),
    time=st.sampled_from([0, -1, 10**18, -(10**18)]),
    parts=JSON.filter(lambda value: isinstance(value, (dict, list))),
)
def test_hostile_alerts(rule, evidence, words, time, parts):
    """Whatever valid JSON an alert holds, the text is made, short, and safe for a terminal."""
    said = explained(
        alert(
            rule=rule,
            evidence=evidence,
            title=words,
            subject=words,
            tx=(words or "-")[:256],
            time=time,
            parts=parts,
        )
    )
    assert is_plain(said)
    assert len(said) < 40_000
    assert said.endswith("\n\n")


@pytest.mark.parametrize(
    "evidence",
    [
        {"thresholds": [1, 2]},
        {"thresholds": "none"},
        {"matches": "none"},
        {"matches": [{}]},
        {"path": [], "accounts": None},
        {f"key {number}": number for number in range(10_000)},
        {"thresholds": {f"key {number}": number for number in range(10_000)}},
        {"huge": ["0x" + "f" * 64] * 100_000},
        {"deep": orjson.loads(b"[" * 1000 + b"]" * 1000)},
        {"usd": 1e308, "seconds": 1e308, "share": -1e308, "time": 2**63},
    ],
)
@pytest.mark.parametrize("rule", MODULES)
def test_odd_evidence(rule, evidence):
    """Evidence of another version, or forged: what cannot be said is left out."""
    said = explained(alert(rule=rule, evidence=evidence))
    assert is_plain(said)
    assert len(said) < 40_000
    assert "{" not in said


def test_unknown_rule():
    """A rule of a plugin that is not at hand, or of another version, is explained by its evidence."""
    said = explained(alert(rule="own-rule", evidence={"usd": 1234.5, "thresholds": {"least_usd": 1000}}))
    assert said.split("\n")[5:] == [
        "What it saw:",
        "  usd: 1,234.50 USD",
        "What it compared that with:",
        "  least_usd: 1,000 USD",
        "It would have stayed silent:",
        "  as its author decided: no rule that ships is called own-rule, so it is your own (--plugin",
        "  FILE.py, to be named with --explain, too) and has no SILENT lines, or it is another version's",
        "",
        "",
    ]


def test_expression():
    """An expression says itself, and where it stands."""
    said = explained(alert(rule="big", evidence={"when": "usd > 10000", "usd": 12_000.0}))
    assert said.split("\n")[5:] == [
        "What it saw:",
        "  when: usd > 10000",
        "  usd: 12,000 USD",
        "It would have stayed silent:",
        "  where this does not hold, as it stands in the rule file (--rules) under",
        "    [expressions.big]",
        "    when = usd > 10000",
        "",
        "",
    ]


PLUGIN = '''
"""own-rule: large payments.

Pattern: a payment that our own book-keeping did not expect.
"""
SILENT = ("a payment of less than {thresholds.least_usd} (it was {usd})", "one to {nobody}")

class Own:
    ID, VERSION, SEVERITY = "own-rule", 1, "low"
    SENT, RECEIVED, UNLESS = 1, 0, 0

    def sent(self, move, me, other):
        return ()

    received = sent

RULES = (Own,)
'''


def test_plugin(tmp_path):
    """A rule of a Python file that is at hand is explained by its own words, and by its SILENT lines."""
    path, alerts, out = tmp_path / "own.py", tmp_path / "alerts", tmp_path / "out"
    path.write_text(PLUGIN)
    evidence = {"usd": 1234.5, "thresholds": {"least_usd": 1000}}
    alerts.write_bytes(orjson.dumps(alert(rule="own-rule", evidence=evidence)) + b"\n")
    sink = open_sink(str(out))
    assert asked.explain(str(alerts), pytest.fail, sink, [str(path)]) == 0
    sink.close()
    assert out.read_text().split("\n")[5:] == [
        "What it looks for:",
        "  A payment that our own book-keeping did not expect.",
        "What it saw:",
        "  usd: 1,234.50 USD",
        "What it compared that with:",
        "  least_usd: 1,000 USD",
        "It would have stayed silent with any of these:",
        "  - a payment of less than 1,000 USD (it was 1,234.50 USD)",
        "",
        "",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"type": "transfer"},
        {"type": "elsewhere"},
        alert(evidence=[]),
        alert(title=None),
        alert(score="high"),
        alert(time=1.5),
        {key: value for key, value in alert().items() if key != "rule"},
    ],
)
def test_no_alert(bad):
    """What is no valid alert is a bad line."""
    with pytest.raises(RecordFault):
        explained(bad)


def test_values():
    """Durations, dollars, shares and dates are shown as such."""
    assert [plain(value, "s") for value in (0, 84, 5084, 21_600, 2_592_000, -5)] == [
        "0 s", "1 min 24 s", "1 h 24 min", "6 h", "30 days", "-5 s",
    ]  # fmt: skip
    assert [plain(value, "usd") for value in (0, 0.0004, 1000, 1234.5)] == [
        "0 USD", "0.0004 USD", "1,000 USD", "1,234.50 USD",
    ]  # fmt: skip
    assert [plain(value, "share") for value in (0.784, 1, 0.00012, 1e9)] == [
        "78.4 %", "100 %", "0.012 %", "1,000,000,000 times",
    ]  # fmt: skip
    assert plain(1_760_000_012, "time") == "2025-10-09 08:53:32 UTC"
    assert plain([True, None, 12345, {"usd": 1, "kept_s": 60}]) == "yes, unknown, 12,345, 1 USD, kept_s 1 min"


def test_sentences():
    """A sentence is said when all that it names is there, and holds where it says so."""
    values = {"path": [{"usd": 1}, {"usd": 2}], "gone": 0.5, "none": None, "yes": True, "no": False}
    assert filled("{path.-1.usd} of {path.usd} in {path:count}: {gone:share}", values) == (
        "2 USD of 1 USD, 2 USD in 2: 50 %"
    )
    assert filled("{yes:if}{no:unless}{none:unless}said", values) == "said"
    for lacking in ("{lost}", "{none}", "{gone.x}", "{path.5.usd}", "{path.x}", "{no:if}", "{yes:unless}"):
        assert filled(f"a {lacking}", values) == ""
