"""--metrics on real processes, scraped over HTTP while they run."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("prometheus_client", reason="no prometheus_client; pip install 'txpipe[metrics]'")

from conftest import script
from examples import ALERT, HEARTBEAT, LISTED, TRANSFER, line
from metrics_kit import Shown, of, parsed
from receiver_kit import Hook, closed_port


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def start(name, *args, env=None):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [script(name), "--metrics", "0", *map(str, args)]
    return subprocess.Popen(command, bufsize=0, env={**os.environ, **(env or {})}, **pipes)


def ended(process):
    """End it by the end of its input; returns what stdout still held."""
    process.stdin.close()
    out = process.stdout.read()
    process.stderr.read()
    process.wait(30)
    return out


def alerts(*numbers, **changes):
    return b"".join(line(ALERT, id=f"{number:032x}", **changes) for number in numbers)


def test_txalert():
    """Alerts by rule and severity, bad lines, what each receiver took or refused, and what was given up."""
    with Hook() as good, Hook(lambda _: 400) as bad:
        secret = bad.url.replace("/hook", "/hidden1?key=hidden2").replace("http://", "http://me:hidden3@")
        args = ("--to", good.url, "--to", secret, "--retry", "0.01", "--give-up", "0s", "--deadman", "60")
        with start("txalert", "--spool", "s", *args) as process:
            shown = Shown(process)
            process.stdin.write(alerts(1, 2) + alerts(3, severity="low", rule="my own") + b"nope\n")
            process.stdin.write(alerts(1, status="retracted", rev=1))
            names = {key[1][1] for key in shown.until(lambda _: True) if key[0] == "txpipe_receiver_up"}
            (mine,) = [name for name in names if str(good.url.split(":")[2].split("/")[0]) in name]
            (other,) = names - {mine}
            found = shown.until(
                lambda found: (
                    of(found, "delivered_alerts_total", receiver=mine) == 4
                    and of(found, "dead_letters_total", receiver=other) == 4
                )
            )
            text = shown.text()
            ended(process)
    assert of(found, "alerts_total", rule="listed", severity="critical") == 3
    assert of(found, "alerts_total", rule="my own", severity="low") == 1
    assert (of(found, "alerts_read_total"), of(found, "alerts_retracted_total")) == (4, 1)
    assert of(found, "bad_lines_total") == 1
    assert of(found, "deliveries_total", receiver=mine, result="taken") == 4
    assert of(found, "deliveries_total", receiver=other, result="refused") >= 4
    assert (of(found, "receiver_up", receiver=mine), of(found, "receiver_up", receiver=other)) == (1, 0)
    assert of(found, "spool_alerts", receiver=other) == 0
    assert of(found, "deadman_alerts") == 0
    assert "hidden" not in text + shown.said


def test_what_waits():
    """What waits for a dead receiver is shown with its age, and what is muted, with what mutes it."""
    Path("routes.toml").write_text(
        f'[receivers.dead]\nurl = "http://127.0.0.1:{closed_port()}/"\n[[routes]]\nto = ["dead"]\n'
        'severity = "low"\n[inhibit]\nequal = ["subject"]\nmutes = "low"\n'
    )
    with start("txalert", "--routes", "routes.toml", "--drain", "0") as process:
        shown = Shown(process)
        process.stdin.write(
            alerts(1, 2) + alerts(3, severity="low") + alerts(4, severity="info", subject="0x1")
        )
        found = shown.until(lambda found: of(found, "spool_alerts", receiver="dead") == 2)
        later = shown.until(
            lambda now: (
                of(now, "spool_oldest_seconds", receiver="dead")
                > of(found, "spool_oldest_seconds", receiver="dead")
                and of(now, "deliveries_total", receiver="dead", result="failed") >= 1
            )
        )
        ended(process)
    assert of(later, "muted_alerts_total", by="inhibition") == 1
    assert of(later, "muted_alerts_total", by="no_route") == 1
    assert of(later, "spool_alerts", receiver="dead") == 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_txdetect(jobs, checkout):
    """Records, bad lines, alerts by rule and severity, and how old the last record of each chain is."""
    Path("list.csv").write_text(f"address\n{LISTED}\n")
    with start("txdetect", "--list", "list.csv", "--jobs", jobs) as process:
        shown = Shown(process)
        process.stdin.write(line(TRANSFER) + b"[1]\n" + line(TRANSFER, tx="0x" + "b" * 64))
        found = shown.until(
            lambda found: (
                of(found, "records_total") == 2
                and of(found, "alerts_total", rule="listed", severity="high") == 2
            )
        )
        out = ended(process)
    assert of(found, "bad_lines_total") == 1
    assert of(found, "alerts_silenced_total") == 0
    assert out.count(b'"rule":"listed"') == 2
    assert undocumented(of_txpipe(found), "txdetect", checkout) == set()
    if jobs == 1:
        assert of(found, "last_record_time_seconds", chain="eip155:1") == TRANSFER["time"]
        assert of(found, "lag_seconds", chain="eip155:1") > 86_400
        assert of(found, "accounts") == 2


def test_txtail_without_a_node():
    """A txtail that nobody answers says so, and shows nothing of its URL's secrets."""
    url = f"http://me:hidden@127.0.0.1:{closed_port()}/hidden"
    with start("txtail", "--rpc", url) as process:
        shown = Shown(process)
        found = shown.until(lambda found: of(found, "blind") == 1)
        text = shown.text()
        process.terminate()
    assert (of(found, "blind_total"), of(found, "blocks_total")) == (1, 0)
    assert "hidden" not in text


@pytest.mark.anvil
def test_txtail(anvil, checkout):
    """Blocks, records, the newest height, the lag, and which node fails how often."""
    anvil.mine(3)
    dead = f"http://127.0.0.1:{closed_port()}"
    with start("txtail", "--rpc", dead, "--rpc", anvil.url, "--from", 1, "--poll", 0.05) as process:
        shown = Shown(process)
        found = shown.until(lambda found: of(found, "blocks_total") == 3)
        found = shown.until(lambda found: of(found, "rpc_errors_total", node=dead) is not None)
        process.terminate()
    assert of(found, "records_total") == 3
    assert (of(found, "head_block"), of(found, "block"), of(found, "lag_blocks")) == (3, 3, 0)
    assert of(found, "lag_seconds") >= 0
    assert of(found, "rpc_errors_total", node=dead) >= 1
    assert of(found, "rpc_errors_total", node=anvil.url) == 0
    assert of(found, "rpc_preferred", node=anvil.url) == 1
    assert of(found, "rpc_rotations_total") >= 1
    assert of(found, "blind") == 0
    assert undocumented(of_txpipe(found), "txtail", checkout) == set()


@pytest.mark.parametrize("name", ["txalert", "txdetect", "txtail"])
def test_a_port_in_use(name):
    """A port that another has is said with what to do, before anything is read or written."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        more = ["--rpc", f"http://127.0.0.1:{closed_port()}"] if name == "txtail" else ["--metrics", "x"]
        args = [script(name), *more[: 2 * (name == "txtail")], "--metrics", str(port)]
        done = subprocess.run(args, input=line(HEARTBEAT), capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().endswith(
        f"{name}: --metrics 127.0.0.1:{port}: cannot listen there: Address already in use; "
        "name another address or port, or 0 for any free port\n"
    )


def test_a_slow_reader_is_no_trouble():
    """While a command waits for whoever reads its stdout it is scraped all the same."""
    with start("txalert") as process:
        shown = Shown(process)
        data, written = alerts(*range(4000)), 0
        os.set_blocking(process.stdin.fileno(), False)
        while written < len(data):
            try:
                written += os.write(process.stdin.fileno(), data[written:])
            except BlockingIOError:
                break
        found = shown.until(lambda found: of(found, "alerts_read_total") > 500)
        process.kill()
    assert of(found, "alerts_total", rule="listed", severity="critical") > 500


def undocumented(found, name, checkout):
    """Metrics that README's row of a command, or of all, lacks."""
    rows = (checkout / "README.md").read_text().split("## Metrics")[1].split("## Statuses")[0].splitlines()
    row = "".join(row for row in rows if row.startswith((f"| `{name}`", "| all")))
    return {key[0] for key in found if f"`{key[0].removeprefix('txpipe_')}`" not in row}


def of_txpipe(found):
    return {key: value for key, value in found.items() if key[0].startswith("txpipe_")}


def test_names_and_help(checkout):
    """Every metric has the prefix, a sentence and a unit as Prometheus wants them; README names it."""
    with Hook() as hook, start("txalert", "--to", hook.url, "--deadman", "9") as process:
        shown = Shown(process)
        process.stdin.write(alerts(1))
        shown.until(lambda found: of(found, "alerts_read_total") == 1)
        found, families = parsed(shown.text())
        ended(process)
    assert undocumented(of_txpipe(found), "txalert", checkout) == set()
    for name, family in families.items():
        assert name.startswith(("txpipe_", "process_"))
        assert family.documentation.endswith(".")
        assert family.type in {"counter", "gauge"}
        assert all(len(sample.labels) <= 2 for sample in family.samples)
        assert (family.type == "counter") == all(one.name.endswith("_total") for one in family.samples)
