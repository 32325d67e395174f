"""--state: whatever happens to txdetect, the same input gives the same alerts in the end."""

import os
import random
import signal
import subprocess
import time

import orjson
import pytest

from conftest import script
from detect_kit import Story, address

RULES = ("--list", "blocklists/demo.csv", "--no-stats")


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Return a file of simulated records that holds a few dozen alerts."""
    path = tmp_path_factory.mktemp("state") / "records.ndjson"
    made = subprocess.run(
        [script("txsim"), "--seed", "41", "-n", "40000", "--fraud-rate", "0.05", "--no-stats"],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    path.write_bytes(made.stdout)
    return path


def ids(output):
    return {orjson.loads(line)["id"] for line in output.splitlines()}


def detect(*arguments, status=0):
    done = subprocess.run(
        [script("txdetect"), *RULES, *map(str, arguments)], capture_output=True, timeout=60, check=False
    )
    assert status in {None, done.returncode}, done.stderr
    return done


def test_killed_anywhere(records, tmp_path):
    """Killed again and again at random places, the runs together say what an undisturbed one says."""
    undisturbed = ids(detect(records).stdout)
    assert len(undisturbed) > 50
    rng = random.Random(7)
    state, said = tmp_path / "state", set()
    content = records.read_bytes()
    lines = content.splitlines(keepends=True)
    for _ in range(8):
        process = subprocess.Popen(
            [script("txdetect"), *RULES, "--state", state, "--state-every", "0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        process.stdin.write(b"".join(lines[: rng.randrange(len(lines))]))
        process.stdin.flush()
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate(timeout=60)
        said |= ids(output[: output.rfind(b"\n") + 1])
    said |= ids(detect("--state", state, records).stdout)
    assert said == undisturbed


def test_goes_on_in_the_middle_of_a_block(records, tmp_path):
    """An input cut anywhere, even within a block, and taken up again gives the same alerts as a whole one."""
    state = tmp_path / "state"
    lines = records.read_bytes().splitlines(keepends=True)
    part = tmp_path / "part"
    part.write_bytes(b"".join(lines[:23_457]))
    first = detect("--state", state, part).stdout
    rest = detect("--state", state, records).stdout
    assert first + rest == detect(records).stdout


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign", "empty", "older"])
def test_what_cannot_be_believed_is_refused(records, tmp_path, damage):
    """A damaged or foreign state file ends with status 2 and a remedy, before anything is read."""
    state = tmp_path / "state"
    detect("--state", state, records)
    good = state.read_bytes()
    middle = len(good) // 2
    state.write_bytes(
        {
            "cut": good[:middle],
            "flipped": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :],
            "foreign": b'{"type":"transfer"}\n',
            "empty": b"",
            "older": good.replace(b"state 1", b"state 0", 1),
        }[damage]
    )
    done = detect("--state", state, records, status=2)
    assert done.stdout == b""
    assert b"to begin anew" in done.stderr


def test_position_for_others(records, tmp_path):
    """The file beside says in JSON how far each chain was taken."""
    state = tmp_path / "state"
    detect("--state", state, records)
    (chain, place), *others = orjson.loads((tmp_path / "state.pos").read_bytes()).items()
    last = [orjson.loads(line) for line in records.read_bytes().splitlines()][-1]
    assert (chain, others, place["block"]) == ("eip155:1", [], last["block"])


def test_a_reorg_after_a_restart(records, tmp_path):
    """What a run on a file said is taken back by a reorg that only the next run sees."""
    state, reorg = tmp_path / "state", tmp_path / "reorg"
    said = [orjson.loads(line) for line in detect("--state", state, records).stdout.splitlines()]
    blocks = [orjson.loads(line) for line in records.read_bytes().splitlines() if b'"block",' in line[:20]]
    height = blocks[-60]["block"]
    late = {alert["id"] for alert in said if alert["record"]["block"] >= height}
    assert late
    reorg.write_bytes(orjson.dumps(
        {"type": "reorg", "chain": blocks[0]["chain"], "time": 0, "block": height, "depth": 60, "dropped": []}
    ) + b"\n")  # fmt: skip
    done = detect("--state", state, reorg)
    assert {orjson.loads(line)["id"] for line in done.stdout.splitlines()} == late
    assert b"undone in part" not in done.stderr


def test_heights_that_run_ahead_once(records, tmp_path):
    """A record of a far height in between makes no later run take records again."""
    state, odd = tmp_path / "state", tmp_path / "odd"
    lines = records.read_bytes().splitlines(keepends=True)
    middle = len(lines) // 2
    far = next(orjson.loads(line) for line in lines[middle:] if b'"transfer"' in line)
    far |= {"block": 10**12, "tx": "0xfa"}
    odd.write_bytes(b"".join([*lines[:middle], orjson.dumps(far) + b"\n", *lines[middle:]]))
    whole = ids(detect(odd).stdout)
    short = tmp_path / "short"
    short.write_bytes(b"".join(odd.read_bytes().splitlines(keepends=True)[: middle + middle // 2]))
    first = detect("--state", state, "--state-every", 0, short).stdout
    then = detect("--state", state, odd).stdout
    assert ids(first + then) == whole
    assert detect("--state", state, odd).stdout == b""


def test_reorgs_that_come_twice(tmp_path):
    """Within a run each counts; a second run on the same input takes none again, however many."""
    state, path = tmp_path / "state", tmp_path / "records"
    reorg = {"type": "reorg", "chain": "eip155:1", "time": 0, "depth": 1, "dropped": []}
    story = Story()
    for number in range(150):
        story.token(address("payer"), address(f"payee {number % 2}"), 9_000 + 7 * number).wait(12)
        story.records.append(reorg | {"block": story.records[-1]["block"] + 1})
    story.records += [story.records[-1], *story.records[-3:]]
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in story.records))
    plain = detect(path).stdout
    assert plain
    assert detect("--state", state, path).stdout == plain
    done = detect("--state", state, path)
    assert done.stdout == b""
    assert b"undone" not in done.stderr


def test_a_chain_that_comes_back_without_a_word(tmp_path):
    """Heights that fall back and come again are taken once, in the same input and in one that goes on."""
    listed, state, path, rest = (tmp_path / name for name in ("listed", "state", "records", "rest"))
    wallet = address("wallet")
    listed.write_text(f"{wallet}\n")
    story = Story()
    for number, back in enumerate((12, 12, -12, 12, 12)):
        story.coin(address(f"payer {number}"), wallet if number == 4 else address("payee"), 600).wait(back)
    lines = [orjson.dumps(record) + b"\n" for record in story.records]
    options = ("--list", f"category=theft,date=2025-01-01:{listed}", "--state", state)
    path.write_bytes(b"".join(lines[:4]))
    rest.write_bytes(lines[4])
    assert detect(*options, path).stdout == b""
    assert detect(*options, rest).stdout.count(b"\n") == 1
    state.unlink()
    assert detect(*options, path).stdout == b""
    path.write_bytes(b"".join(lines))
    assert detect(*options, path).stdout.count(b"\n") == 1
    assert detect(*options, path).stdout == b""


def test_a_dropped_block_and_its_reorg_again(tmp_path):
    """What was said and taken back is not said again by a second run on the same input."""
    listed, state, path = (tmp_path / name for name in ("listed", "state", "records"))
    wallet = address("wallet")
    listed.write_text(f"{wallet}\n")
    records = Story().coin(address("a"), address("b"), 5).wait(12).coin(address("a"), wallet, 600).records
    height = records[1]["block"]
    reorg = {"type": "reorg", "chain": "eip155:1", "time": 0, "depth": 1, "dropped": [], "block": height}
    records += [reorg, records[0] | {"block": height, "tx": "0xaa"}]
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    options = ("--list", f"category=theft,date=2025-01-01:{listed}", "--state", state)
    said = [orjson.loads(line)["status"] for line in detect(*options, path).stdout.splitlines()]
    assert said == ["open", "retracted"]
    assert detect(*options, path).stdout == b""


def branches(wallet):
    """Lines of a common start, and of two ways on from it; in the first one a listed wallet is paid."""
    story = Story().coin(address("a"), address("b"), 5).wait(12)
    before = len(story.records)
    records = story.coin(address("a"), wallet, 600).wait(12).coin(address("a"), address("c"), 6).records
    start, height = records[:before], records[before]["block"]
    reorg = {"type": "reorg", "chain": "eip155:1", "time": 0, "depth": 1, "dropped": [], "block": height}
    other = [reorg, *(records[0] | {"block": height + more, "tx": f"0xaa{more}"} for more in (0, 1))]
    return [
        b"".join(orjson.dumps(one) + b"\n" for one in several)
        for several in (start, records[before:], other, other[1:])
    ]


@pytest.fixture
def killed(tmp_path):
    """A state, and what a run that was killed after an alert, before it saved, left beside it."""
    listed, state, path = (tmp_path / name for name in ("listed", "state", "records"))
    wallet = address("wallet")
    listed.write_text(f"{wallet}\n")
    start, way, *others = branches(wallet)
    options = ("--list", f"category=theft,date=2025-01-01:{listed}", "--state", state)
    path.write_bytes(start)
    assert detect(*options, path).stdout == b""
    process = subprocess.Popen(
        [script("txdetect"), *RULES, *map(str, options), "--state-every", "1000"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    process.stdin.write(way)
    process.stdin.flush()
    alert = orjson.loads(process.stdout.readline())
    process.kill()
    process.communicate()

    def later(lines):
        path.write_bytes(lines)
        return [orjson.loads(line) for line in detect(*options, path).stdout.splitlines()]

    return alert, way, others, later


def test_an_alert_that_no_state_knows_is_said_again(killed):
    """Its block comes again: the same alert, and no word that it is void."""
    alert, way, _, later = killed
    assert later(way) == [alert]
    assert later(way) == []


@pytest.mark.parametrize("way", [0, 1], ids=["with its reorg", "without a word"])
def test_an_alert_that_no_state_knows_is_taken_back(killed, way):
    """Its block is not part of the chain any more: retracted, once, as soon as the chain has passed it."""
    alert, _, others, later = killed
    (said,) = later(others[way])
    assert said == alert | {"status": "retracted", "rev": 1}
    assert later(others[way]) == []


def test_a_retraction_that_no_state_knows(records, tmp_path):
    """A reorg that was said, but not saved, and turns out to be none: the alert stands again."""
    state, rest = tmp_path / "state", tmp_path / "rest"
    said = [orjson.loads(line) for line in detect("--state", state, records).stdout.splitlines()]
    last = orjson.loads(records.read_bytes().splitlines()[-1])
    alert = next(one for one in reversed(said) if one["block"] is not None)
    gone = alert | {"status": "retracted", "rev": alert["rev"] + 1}
    (tmp_path / "state.said").write_bytes(orjson.dumps(gone) + b"\n" + b'{"type":"alert","cut')
    rest.write_bytes(orjson.dumps(last | {"block": last["block"] + 1, "tx": "0xaa", "hash": "0xaa"}) + b"\n")
    first, *_ = [orjson.loads(line) for line in detect("--state", state, rest).stdout.splitlines()]
    assert first == alert | {"status": "open", "rev": alert["rev"] + 2}


def test_a_retraction_that_was_noted_but_not_written(killed, tmp_path):
    """A kill between the note and the write leaves the alert open with the reader: it is retracted again."""
    alert, _, others, later = killed
    gone = alert | {"status": "retracted", "rev": 1}
    with (tmp_path / "state.said").open("ab") as said:
        said.write(orjson.dumps(gone) + b"\n")
    assert later(others[0]) == [gone]
    assert later(others[0]) == []


def test_an_alert_after_a_retraction_that_was_noted(killed, tmp_path):
    """Its block comes after all: it opens under a revision that is above the retraction's."""
    alert, way, _, later = killed
    with (tmp_path / "state.said").open("ab") as said:
        said.write(orjson.dumps(alert | {"status": "retracted", "rev": 1}) + b"\n")
    assert later(way) == [alert | {"status": "open", "rev": 2}]
    assert later(way) == []


@pytest.mark.parametrize("more", [(), ("--heartbeat", 1)], ids=["plain", "with heartbeats"])
def test_a_state_is_saved_though_nothing_more_comes(records, tmp_path, more):
    """Blocks that came at once are saved when it is time to, without the block that comes next."""
    state, position = tmp_path / "state", tmp_path / "state.pos"
    lines = records.read_bytes().splitlines(keepends=True)[:2000]
    last = max(at for at, line in enumerate(lines) if line.startswith(b'{"type":"block"'))
    command = [script("txdetect"), *RULES, "--state", state, "--state-every", 0.5, *more]
    with subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(b"".join(lines[: last + 1]))
        process.stdin.flush()
        deadline, wanted = time.monotonic() + 30, orjson.loads(lines[last])["block"]
        while not position.exists() or orjson.loads(position.read_bytes())["eip155:1"]["block"] != wanted:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
    assert detect("--state", state, records).stderr.count(b"passed over") == 1


def test_an_input_that_leaves_a_gap(records, tmp_path):
    """What lies between the state and an input that goes on is missed, which is said, and it goes on."""
    state, start, rest = (tmp_path / name for name in ("state", "start", "rest"))
    lines = records.read_bytes().splitlines(keepends=True)
    blocks = [at for at, line in enumerate(lines) if line.startswith(b'{"type":"block"')]
    start.write_bytes(b"".join(lines[: blocks[9] + 1]))
    rest.write_bytes(b"".join(lines[blocks[12] + 1 :]))
    detect("--state", state, start)
    assert b"records between them are missing" in detect("--state", state, rest).stderr


def test_one_at_a_time(tmp_path):
    """A second txdetect on a state that is in use is refused, with the remedy; later it is not."""
    state = tmp_path / "state"
    detect("--state", state, "/dev/null")
    command = [script("txdetect"), *RULES, "--state", state]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as first:
        assert b"goes on from" in first.stderr.readline()
        done = detect("--state", state, "/dev/null", status=2)
        assert b"state: another txdetect uses it; end that one, or give this one a --state" in done.stderr
        first.stdin.close()
    detect("--state", state, "/dev/null")


def test_states_that_are_no_files(tmp_path):
    """A FIFO, which nobody may ever write into, and a device are refused at once."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (fifo, "/dev/null"):
        assert b"is no regular file; name one" in detect("--state", path, status=2).stderr


def test_damaged_notes_of_what_was_said(records, tmp_path):
    """They are refused, with their name."""
    (tmp_path / "state.said").write_bytes(b"{}\n{\n")
    done = detect("--state", tmp_path / "state", records, status=2)
    assert b"state.said: is damaged" in done.stderr
