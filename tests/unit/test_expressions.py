"""Rules that users write: expressions in the rule file, classes in a Python file."""

import pytest

from detect_kit import CHAIN, HOUR, Story, address, findings, said
from txpipe.detect import plugin
from txpipe.detect.expressions import Expression, ExpressionRule
from txpipe.detect.rulefile import RuleFile
from txpipe.detect.rules import CONDUCT, RULES
from txpipe.errors import PluginFailed, RuleFault

pytest.importorskip("rule_engine", reason="the extra expressions is not installed")
NEW, OLD, SHOP = (address(name) for name in ("new", "old", "shop"))


def story():
    """Let an old account and a new one each pay a shop a lot."""
    told = Story().coin(OLD, SHOP, 50).wait(30 * HOUR).coin(SHOP, NEW, 20_000)
    return told.wait(60).coin(NEW, SHOP, 15_000).coin(OLD, SHOP, 15_000)


def rule(when, **more):
    return ExpressionRule(Expression("mine", when, **more))


def test_an_expression_finds_what_it_says():
    """The example of the documentation fires on the young account only, and shows the numbers it used."""
    ((record, finding),) = findings(story(), rule("usd > 10000 and sender.age_s < 86400", severity="high"))
    assert (finding.rule, finding.subject, finding.severity) == ("mine", NEW, "high")
    assert finding.evidence == {
        "when": "usd > 10000 and sender.age_s < 86400",
        "sender.age_s": 60.0,
        "usd": 15_000.0,
    }
    assert record["from"] == NEW


@pytest.mark.parametrize(
    ("when", "count"),
    [
        ("true", 4),
        ('symbol == "ETH" and receiver.payers >= 1 and not sender.service', 4),
        ('sender.address == "sender.age_s"', 0),
        ("hour >= 0 and hour < 24 and first_contact", 3),
        ("receiver.contract or sender.held_usd > 4999", 1),
    ],
)
def test_names(when, count):
    """All names are there, and a text that looks like a name stays a text."""
    assert len(said(story(), rule(when))) == count


@pytest.mark.parametrize(
    "when",
    [
        "usd >",
        "nonsense > 1",
        "sender.nonsense > 1",
        'usd > "a"',
        "__import__('os')",
        "",
    ],
)
def test_what_is_no_expression(when):
    """A mistake is found when the rule is made, not on the first record."""
    with pytest.raises(RuleFault, match="is no expression"):
        rule(when)


def test_what_cannot_be_evaluated_does_not_hold():
    """A division by zero on some movement is no finding, and no reason to stop."""
    assert said(story(), rule("usd / (usd - 50) > 1.01")) == []
    assert said(story(), rule("usd / units > 2000"))


def test_what_is_refused_is_named():
    """A costly operator, and a text too long, by what they are."""
    with pytest.raises(RuleFault, match="has =~: shifts, powers and regular expressions are not allowed"):
        rule('symbol =~ "U.*"')
    with pytest.raises(RuleFault, match="is longer than 1,000 characters"):
        rule("usd > 1" + "0" * 1000)


def test_an_unknown_price_is_not_shown_as_nothing():
    """It counts as 0 where it is compared, and is unknown in the evidence."""
    odd = f"{CHAIN}/erc20:{address('odd')}"
    told = Story().token(address("a"), address("b"), 5_000, odd, "ODD")
    [(_, found)] = findings(told, rule('usd < 5 and symbol == "ODD"'))
    assert found.evidence["usd"] is None


def test_in_a_rule_file(tmp_path):
    """A rule file takes expressions by name, and names what is wrong with them."""
    path = tmp_path / "rules.toml"
    path.write_text('[expressions.big]\nwhen = "usd > 10000"\nseverity = "low"\ntitle = "Big."\n')
    rules, _ = RuleFile(str(path), RULES, CONDUCT).rule_set([]).on("eip155:1")
    assert said(story(), *rules) == [("big", name, "suspect", "low") for name in (SHOP, NEW, OLD)]
    path.write_text('[expressions.big]\nwhen = "usd > 10000"\nid = "larger"\n')
    rules, _ = RuleFile(str(path), RULES, CONDUCT).rule_set([]).on("eip155:1")
    assert [each.ID for each in rules] == ["larger"]
    path.write_text("".join(f'[expressions.{name}]\nwhen = "true"\nid = "same"\n' for name in "ab"))
    (fault,) = RuleFile(str(path), RULES, CONDUCT).faults
    assert fault.endswith("expressions.b has the name of another rule")
    path.write_text(
        '[expressions.drain]\nwhen = "true"\n[expressions.a]\nwhen = "usd >"\n[expressions.b]\nseverity = 3\n'
    )
    faults = [fault.partition("toml: ")[2] for fault in RuleFile(str(path), RULES, CONDUCT).faults]
    assert faults == [
        "expressions.drain has the name of another rule",
        "expressions.a.when is no expression: syntax error at: EOF",
        "expressions.b.severity is none of info, low, medium, high, critical",
        'expressions.b lacks "when"',
    ]


PLUGIN = """
from txpipe.detect.finding import Finding
from txpipe.detect.traits import EVERY

class Mine:
    ID, VERSION, SEVERITY = "mine", 1, "low"
    SENT, RECEIVED, UNLESS = EVERY, 0, 0

    def sent(self, move, me, other):
        seen = me.note(self.ID, [0])
        seen[0] += 1
        if seen[0] == 2:
            yield Finding(self.ID, "policy", "low", 30, me.address, "Paid twice.")

    def received(self, move, me, other):
        return ()

RULES = (Mine,)
"""


def test_a_plugin(tmp_path):
    """A Python file's rules run like txpipe's own, with state on the account."""
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    rules, _ = plugin.load(str(path), {"drain"})
    assert said(story(), *(rule() for rule in rules)) == [("mine", OLD, "suspect", "low")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x = 1/0\n", ":1: ZeroDivisionError: division by zero"),
        ("def f(:\n", "SyntaxError"),
        ("RULES = ()\n", "names no rules"),
        ("RULES = (3,)\n", "3 is no class"),
        (PLUGIN.replace('"mine", 1', '"drain", 1'), 'Mine has the id "drain" of another rule'),
        (PLUGIN.replace('"mine", 1', '"mine", "1"'), "Mine has no VERSION of type int"),
        (PLUGIN.replace('1, "low"', '1, "bad"'), "Mine has a SEVERITY that is none of"),
        (PLUGIN.replace("def received", "def got"), "Mine has no method received"),
        (PLUGIN.replace("EVERY, 0, 0", "1 << 14, 0, 0"), "Mine asks for BANDED and has no BANDS that say"),
        (PLUGIN.replace("SENT,", "BANDS = ((9, 5),)\n    SENT,"), "Mine has BANDS that are no pairs of USD"),
        (
            PLUGIN.replace("SENT,", "RECEIVED_UNLESS = ()\n    SENT,"),
            "Mine has a RECEIVED_UNLESS that is no int",
        ),
    ],
)
def test_what_is_no_plugin(tmp_path, text, fault):
    """What is wrong with a plugin is said with its file."""
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(RuleFault) as caught:
        plugin.load(str(path), {"drain"})
    assert str(caught.value).startswith(str(path))
    assert fault in str(caught.value)


def test_a_plugin_without_self(tmp_path, monkeypatch):
    """Its methods may be static; a mistake has its line whether the path is absolute or not."""
    static = PLUGIN.replace("    def", "    @staticmethod\n    def").replace("(self, move", "(move")
    path = tmp_path / "mine.py"
    path.write_text(static.replace("self.ID", '"mine"'))
    rules, _ = plugin.load(str(path), ())
    assert said(story(), *(rule() for rule in rules)) == [("mine", OLD, "suspect", "low")]
    monkeypatch.chdir(tmp_path)
    path.write_text(PLUGIN.replace("seen[0] += 1", "seen += 1"))
    rules, _ = plugin.load("mine.py", ())
    with pytest.raises(PluginFailed, match=r"^mine\.py:11: mine\.sent: TypeError"):
        said(story(), *(rule() for rule in rules))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            PLUGIN.replace('"low", 30', '"grave", 30'),
            ": mine.sent gave a Finding of severity 'grave', none of",
        ),
        (PLUGIN.replace("yield Finding", "yield 7 # "), ": mine.sent gave int, no Finding"),
        (
            PLUGIN.replace("seen[0] += 1", "seen += 1"),
            ":11: mine.sent: TypeError: 'int' object is not iterable",
        ),
        (PLUGIN.replace("return ()", "return None"), ": mine.received: TypeError: 'NoneType' object is not"),
    ],
)
def test_mistakes_of_a_plugin(tmp_path, text, fault):
    """What it does wrong ends the run, with file, line, rule and transaction."""
    path = tmp_path / "mine.py"
    path.write_text(text.replace("EVERY, 0, 0", "EVERY, EVERY, 0"))
    rules, _ = plugin.load(str(path), {"drain"})
    with pytest.raises(PluginFailed) as caught:
        said(story(), *(rule() for rule in rules))
    assert str(caught.value).startswith(f"{path}{fault}")
    assert "at transaction 0x" in str(caught.value)
