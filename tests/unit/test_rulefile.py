"""Rule files: what is printed can be read back, every mistake is named, a chain may differ."""

import tomllib

import pytest

from txpipe.detect.bounds import Bounds
from txpipe.detect.rulefile import RuleFile, written
from txpipe.detect.rules import CONDUCT, RULES
from txpipe.detect.rules.dormant import Dormant, Settings
from txpipe.errors import RuleFault


@pytest.fixture
def read(tmp_path):
    """Return what reads a text as a rule file."""

    def reads(text):
        path = tmp_path / "rules.toml"
        path.write_text(text)
        return RuleFile(str(path), RULES, CONDUCT)

    return reads


def faults(read, text):
    return [fault.partition("rules.toml: ")[2] for fault in read(text).faults]


def test_what_is_printed_is_valid_and_changes_nothing(read):
    """The defaults as --print-rules writes them are the defaults."""
    file = read(written(RULES, CONDUCT))
    assert file.faults == []
    assert file.disabled() == set()
    rules, bounds = file.rule_set(CONDUCT).on("eip155:1")
    assert bounds == Bounds()
    assert [rule.ID for rule in rules] == [rule.ID for rule in CONDUCT]


def test_every_setting_has_a_unit_or_a_source():
    """Each printed setting says in what it is measured or where it comes from."""
    said = written(RULES, CONDUCT).splitlines()
    bare = [
        line for line in said if "=" in line and not line.startswith(("#", "enabled")) and "  # " not in line
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[rules.dorman]\n", "rules.dorman no rule is called so; did you mean dormant?"),
        ("[rules.dormant]\nshar = 0.5\n", "rules.dormant.shar is unknown; did you mean share?"),
        ("[rules.dormant]\nshare = 1.5\n", "rules.dormant.share is over 1, and it is a share"),
        ("[rules.dormant]\nidle_s = 1.5\n", "rules.dormant.idle_s is no whole number"),
        ("[rules.dormant]\nidle_s = true\n", "rules.dormant.idle_s is no number (seconds)"),
        ("[rules.dormant]\nleast_usd = -1\n", "rules.dormant.least_usd is below 0"),
        ("[rules.dormant]\nleast_usd = nan\n", "rules.dormant.least_usd is no number (USD)"),
        ("[rules.dormant]\nenabled = 1\n", "rules.dormant.enabled is neither true nor false"),
        (
            '[rules.listed]\nseverity = "bad"\n',
            "rules.listed.severity is none of info, low, medium, high, critical",
        ),
        ("[tracker]\npart_usd = [1]\n", "tracker.part_usd has 1 numbers, not 2"),
        ("[tracker]\npassing_share = [1.5, 0.7]\n", "tracker.passing_share does not ascend"),
        ("[tracker]\nhub_contacts = 500\n", "tracker.hub_contacts is over 64"),
        ('[expressions.e]\nid = ["x"]\nwhen = "true"\n', "expressions.e.id is no text"),
        ("[tracker]\npart_usd = [-1, 7]\n", "tracker.part_usd is below 0"),
        ("[rules.exposure]\nshare = [0.1, 5]\n", "rules.exposure.share is over 1, and it is a share"),
        ('[rules.exposure]\nmethod = "xx"\n', "rules.exposure.method is none of haircut, poison, fifo"),
        (
            "[rules.structuring]\nchance = 5.0\n",
            "rules.structuring.chance is over 1, and it is a probability",
        ),
        ('[chains."mainnet".tracker]\n', 'chains."mainnet" is no CAIP-2 chain as in eip155:1'),
        (
            '[chains."eip155:56".rules.dormant]\nenabled = false\n',
            'chains."eip155:56".rules.dormant.enabled is unknown; there are: ',
        ),
        ("rule = 3\n", "rule is unknown; did you mean rules?"),
        ("rules = 3\n", "rules is no table"),
    ],
)
def test_mistakes_are_named(read, text, said):
    """A wrong key or value is named with its place and what would be right."""
    (fault,) = faults(read, text)
    assert fault.startswith(said)
    with pytest.raises(RuleFault, match=r"rules\.toml"):
        read(text).rule_set(CONDUCT)


def test_all_mistakes_at_once(read):
    """Every fault of a file is found in one go."""
    assert len(faults(read, "[rules.x]\n[rules.y]\n[tracker]\nz = 1\n")) == 3


@pytest.mark.parametrize("text", ["[rules", "\x00", "a = 1\na = 2\n"])
def test_no_toml(read, text):
    """What is no TOML is refused with the place that TOML names."""
    with pytest.raises(RuleFault, match=r"rules\.toml: no TOML: "):
        read(text)


def test_settings_hold_and_a_chain_may_differ(read):
    """A rule's settings come from the file, and from the chain's own section where there is one."""
    file = read(
        '[rules.dormant]\nidle_s = 5\nleast_usd = 7\nseverity = "low"\n'
        '[chains."eip155:56".rules.dormant]\nidle_s = 9\n[chains."eip155:56".tracker]\nburst_n = 3\n'
    )
    rule_set = file.rule_set([Dormant])
    assert rule_set.severities == {"dormant": "low"}
    for chain, idle_s, burst_n in (("eip155:1", 5, Bounds().burst_n), ("eip155:56", 9, 3)):
        (rule,), bounds = rule_set.on(chain)
        assert rule._is == Settings(idle_s=idle_s, least_usd=7)
        assert bounds.burst_n == burst_n


def test_rules_are_turned_off(read):
    """``enabled = false`` turns a rule off."""
    assert read("[rules.dormant]\nenabled = false\n[rules.listed]\nenabled = true\n").disabled() == {
        "dormant"
    }


def test_printed_file_is_toml():
    """It names every rule once."""
    names = [*(rule.ID for rule in RULES), *(rule.ID for rule in CONDUCT)]
    assert list(tomllib.loads(written(RULES, CONDUCT))["rules"]) == names


@pytest.mark.parametrize(
    "text",
    [
        "rules = 1\n",
        "[rules]\ndrain = 1\n",
        "a = " + "[" * 5000 + "\n",
        "[tracker]\ndormant_s = " + "9" * 5000 + "\n",
        "[tracker]\ndust_usd = " + "9" * 400 + "\n",
        "#" * (1 << 20) + "\n\n",
    ],
)
def test_hostile_files_are_refused(tmp_path, text):
    """Whatever a file holds, the answer names the file."""
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(RuleFault, match=r"rules\.toml"):
        RuleFile(str(path), RULES, CONDUCT).disabled()
