"""txdetect's options about conduct, as processes: a trial, prices, a memory ceiling, what is lacking."""

import subprocess

import orjson
import pytest

from conftest import script
from detect_kit import DAY, HOUR, Story, address

OLD, THIEF, NEXT, BOSS, FRIEND = (address(name) for name in ("old", "thief", "next", "boss", "friend"))


def emptied(**without):
    """Return the lines of a wallet that is emptied after 300 days, its transfers without some keys."""
    story = Story().coin(BOSS, OLD, 20_000).wait(HOUR).coin(OLD, FRIEND, 500).wait(300 * DAY)
    story.coin(OLD, THIEF, 18_000).wait(HOUR).coin(THIEF, NEXT, 17_900)
    records = [{key: kept for key, kept in record.items() if key not in without} for record in story.records]
    return b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)


def detect(data, *options, status=0):
    done = subprocess.run(
        [script("txdetect"), "--no-stats", *map(str, options)],
        input=data, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == status, done.stderr.decode()
    return [orjson.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def test_a_trial_shows_the_difference(tmp_path):
    """What a second rule file says otherwise is marked; the main set's alerts stay as they are."""
    plain, _ = detect(emptied(), "--only", "dormant")
    assert {alert["rule"] for alert in plain} == {"dormant"}
    same, stricter = tmp_path / "same.toml", tmp_path / "stricter.toml"
    same.write_text("")
    stricter.write_text('[rules.dormant]\nseverity = "critical"\n')
    said, told = detect(emptied(), "--only", "dormant", "--shadow", same)
    assert said == plain
    assert "on trial: no difference" in told
    said, told = detect(emptied(), "--only", "dormant", "--shadow", stricter)
    assert [alert for alert in said if "shadow" not in alert] == plain
    marked = [alert for alert in said if alert.get("shadow") is True]
    assert [alert["id"] for alert in marked] == [alert["id"] for alert in plain]
    assert {alert["severity"] for alert in marked} == {"critical"}
    assert f"on trial: dormant +{len(plain)} -{len(plain)}; no longer said: {plain[0]['id']} (" in told


def test_a_trial_keeps_no_state(tmp_path):
    """Both at once make no sense and are refused."""
    rules = tmp_path / "rules.toml"
    rules.write_text("")
    _, told = detect(b"", "--shadow", rules, "--state", tmp_path / "state", status=2)
    assert "leave out --state" in told


@pytest.mark.parametrize(("usd", "found"), [(3000, True), (0.01, False)])
def test_prices_from_a_file(tmp_path, usd, found):
    """Records without a worth get it from the file, and it decides."""
    prices = tmp_path / "prices.ndjson"
    prices.write_text(f'{{"asset":"eip155:1/slip44:60","usd":{usd}}}\n')
    alerts, _ = detect(emptied(usd=0), "--only", "dormant", "--prices", prices)
    assert bool(alerts) is found


def test_a_token_of_a_known_name_that_is_allowed(tmp_path):
    """A contract that an allow-list names is no counterfeit."""
    fake, allowed = address("fake"), tmp_path / "allowed.txt"
    allowed.write_text(f"{fake}\n")
    story = Story().token(BOSS, FRIEND, 900, f"eip155:1/erc20:{fake}", "USDC")
    data = b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in story.records)
    said, _ = detect(data, "--only", "counterfeit-token")
    assert [alert["subject"] for alert in said] == [fake]
    assert detect(data, "--only", "counterfeit-token", "--allow", allowed)[0] == []


def test_what_is_lacking_is_said():
    """Without prices and without the transactions' own records, both are said once."""
    story = Story()
    for number in range(20):
        token = f"eip155:1/erc20:{address('token')}"
        story.moved(story.tx(), 1, address(f"a{number}"), address(f"b{number}"), 5, token, "TKN")
    data = b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in story.records)
    _, told = detect(data, "--only", "dormant")
    assert [line.count("have no USD price") for line in told.splitlines()] == [1, 0]
    assert "who sent them is unknown" in told.splitlines()[1]
    _, told = detect(emptied(), "--only", "dormant")
    assert told == ""


def test_a_memory_ceiling_is_kept_and_said():
    """Accounts beyond the ceiling are forgotten, and the end says how many."""
    story = Story()
    for number in range(3000):
        story.coin(address(f"from {number}"), address(f"to {number}"), 5)
    data = b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in story.records)
    _, told = detect(data, "--only", "dormant", "--max-memory", 1)
    assert "accounts forgotten to stay within --max-memory" in told
    _, told = detect(data, "--only", "dormant")
    assert told == ""
