"""alerts.receivers: Prometheus Alertmanager, by the shape of its API and the real one."""

import json
import shutil
import subprocess

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertmanager_kit import POSTABLE, Running
from examples import ALERT, LISTED, TX, line
from receiver_kit import Hook, closed_port, until
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault
from txpipe.alerts.receivers import Outfit, opened
from txpipe.alerts.receivers.alertmanager import labels
from txpipe.alerts.words import details, title
from txpipe.record import SEVERITIES, check

NOW = 1_790_000_000.0


def parcel(number=0, **changes):
    name = f"{number:032x}"
    return Parcel(f"{name}:{changes.get('rev', 0)}", line(ALERT, id=name, **changes)[:-1])


@pytest.fixture
def receiver():
    """Opens receivers, and closes their connections."""
    made = []

    def make(url, **outfit):
        made.append(opened(f"alertmanager:{url}", Outfit(**outfit)))
        return made[-1]

    yield make
    for one in made:
        one._poster.drop()


def posted(request):
    found = json.loads(request.body)
    jsonschema.validate(found, POSTABLE)
    return found


def test_a_revision_that_comes_late(receiver):
    """What was taken back does not fire again because an earlier revision comes after that."""
    with Hook() as hook:
        made = receiver(hook.url, now=lambda: NOW)
        made.send([parcel(1, rev=2, status="retracted"), parcel(1, rev=1), parcel(2)])
        made.send([parcel(1)])
        made.send([parcel(2, rev=1), parcel(1, rev=3)])
    fires = "2026-09-21T15:13:20.000Z"
    said = [[(one["labels"]["id"][-1], one["endsAt"] == fires) for one in posted(got)] for got in hook.got]
    assert said == [[("1", False), ("2", True)], [("2", True), ("1", True)]]


def test_post(receiver):
    """A batch is one request, to the API's path, in its shape; each alert fires for as long as was said."""
    with Hook() as hook:
        receiver(f"{hook.url}?for=6h&link=https://soc/%7Bid%7D", now=lambda: NOW).send([parcel(1), parcel(2)])
    (request,) = hook.got
    assert request.path == "/hook/api/v2/alerts"
    assert request.headers["content-type"] == "application/json"
    first, _ = posted(request)
    assert first == {
        "labels": {
            "alertname": "txpipe-listed",
            "rule": "listed",
            "category": "sanctions",
            "severity": "critical",
            "chain": "eip155:1",
            "subject": LISTED,
            "role": "suspect",
            "id": f"{1:032x}",
        },
        "annotations": {
            "summary": title(ALERT),
            "description": details(ALERT),
            "status": "open",
            "tx": TX,
        },
        "startsAt": "2025-10-09T08:53:32.000Z",
        "endsAt": "2026-09-21T20:13:20.000Z",
        "generatorURL": f"https://soc/{1:032x}",
    }


def test_retracted_is_resolved(receiver):
    """A retraction has the labels of what it takes back, and has ended."""
    with Hook() as hook:
        made = receiver(hook.url, now=lambda: NOW)
        made.send([parcel(1)])
        made.send([parcel(1, status="retracted", rev=1)])
    (fired,), (resolved,) = map(posted, hook.got)
    assert resolved["labels"] == fired["labels"]
    assert resolved["endsAt"] == "2026-09-21T14:13:20.000Z"


@pytest.mark.parametrize("together", [True, False])
def test_another_severity_resolves_the_earlier(receiver, together):
    """Labels are an alert's identity there: a graver revision does not leave the earlier one firing."""
    parcels = [parcel(1, severity="low"), parcel(1, severity="high", status="updated", rev=1)]
    with Hook() as hook:
        made = receiver(hook.url, now=lambda: NOW)
        for batch in [parcels] if together else [[one] for one in parcels]:
            made.send(batch)
    last = posted(hook.got[-1])
    assert {one["labels"]["severity"]: one["endsAt"][11:19] for one in last} == {
        "low": "14:13:20",
        "high": "15:13:20",
    }


def test_clocks(receiver):
    """A block ahead of the clock, and a time that no calendar has, begin now: a later end is needed."""
    with Hook() as hook:
        made = receiver(hook.url, now=lambda: NOW)
        made.send([parcel(1, time=int(NOW) + 60), parcel(2, time=10**17), parcel(3, time=-(10**17))])
    assert {one["startsAt"] for one in posted(hook.got[0])} == {"2026-09-21T14:13:20.000Z"}


@given(st.text(), st.text(), st.text(), st.sampled_from(SEVERITIES), st.integers())
def test_labels_of_anything(rule, subject, incident, severity, time_s):
    """Whatever an alert says, its labels have sound names and short values without control characters."""
    alert = ALERT | {"rule": rule, "subject": subject, "incident": incident, "severity": severity}
    found = labels(check(alert | {"time": time_s}))
    jsonschema.validate([{"labels": found}], POSTABLE)
    assert all(value.isprintable() and len(value) <= 270 for value in found.values())


def test_chain_text_is_no_lure(receiver):
    """What Alertmanager passes on to chat and mail holds no link and no mention."""
    with Hook() as hook:
        receiver(hook.url).send([parcel(1, title="https://evil.com @here <!channel>")])
    said = json.dumps(posted(hook.got[0])[0]["annotations"])
    assert "evil.com" not in said
    assert "@" not in said
    assert "<" not in said


def test_one_that_is_refused(receiver):
    """One alert of a batch that is refused is found out, and those before it count as taken."""

    def answer(request):
        return 400 if f"{3:032x}" in request.body.decode() else 200

    with Hook(answer) as hook, pytest.raises(NotTaken, match="HTTP 400") as caught:
        receiver(hook.url).send([parcel(number) for number in range(1, 6)])
    assert (caught.value.only_this, caught.value.taken) == (True, 2)


@pytest.mark.parametrize(
    ("answer", "words", "wait_s"),
    [
        ((503, {"retry-after": "17"}), "HTTP 503", 17),
        ((302, {"location": "/ok"}), "HTTP 302: it redirects", 0),
        (404, "HTTP 404", 0),
        (None, "the connection broke", 0),
    ],
)
def test_not_taken(receiver, answer, words, wait_s):
    """It fails as webhooks do."""
    with Hook(lambda _: answer) as hook, pytest.raises(NotTaken, match=words) as caught:
        receiver(hook.url).send([parcel(1), parcel(2)])
    assert (caught.value.wait_s, caught.value.only_this, caught.value.taken) == (wait_s, False, 0)


def test_user_and_password(receiver):
    """A user and password are sent as basic authentication; the name has neither."""
    with Hook() as hook:
        made = receiver(hook.url.replace("http://", "http://me:hidden@"))
        made.send([parcel(1)])
    assert hook.got[0].headers["authorization"].startswith("Basic ")
    assert made.name.startswith("alertmanager:http://127.0.0.1:")
    assert "hidden" not in made.name
    assert "hook" not in made.name


@pytest.mark.parametrize(
    "url",
    [
        "",
        "//h:9093",
        "h:9093",
        "ftp://h",
        "http://h?for=often",
        "http://h?for=0s",
        "http://h?for=9999d",
        "http://h?fro=6h",
    ],
)
def test_no_receiver(receiver, url):
    """What is no address is refused with what one looks like."""
    with pytest.raises(ReceiverFault, match="write alertmanager:http://HOST:9093"):
        receiver(url)


@pytest.mark.alertmanager
def test_the_real_one(receiver):
    """Alertmanager takes alerts, tells its receivers of them, and that a retracted one is resolved."""
    with Hook() as told, Running(told.url) as running:
        made = receiver(running.url)
        odd = parcel(2, title='"\\{}\u202e\x00', rule="a b\n", incident="i-7", shadow=True)
        made.send([parcel(1), odd])
        fires = {one["labels"]["id"]: one for one in running.firing()}
        assert set(fires) == {f"{1:032x}", f"{2:032x}"}
        assert fires[f"{1:032x}"]["annotations"]["summary"] == title(ALERT)
        made.send([parcel(1, status="retracted", rev=1)])
        until(lambda: [one["labels"]["id"] for one in running.firing()] == [f"{2:032x}"])
        told.wait(lambda hook: {"firing", "resolved"} <= {json.loads(one.body)["status"] for one in hook.got})
        with pytest.raises(NotTaken, match="HTTP 404"):
            receiver(f"{running.url}/elsewhere").send([parcel(1)])
    with pytest.raises(NotTaken, match=r"no connection|the connection broke"):
        made.send([parcel(3)])
    with pytest.raises(NotTaken, match="no connection"):
        receiver(f"http://127.0.0.1:{closed_port()}").send([parcel(1)])


@pytest.mark.alertmanager
def test_graver_in_the_real_one(receiver):
    """A graver revision fires, and the earlier one does not any more; amtool finds it by its labels."""
    with Running() as running:
        made = receiver(running.url)
        made.send([parcel(1, severity="low")])
        made.send([parcel(1, severity="high", status="updated", rev=1)])
        until(lambda: [one["labels"]["severity"] for one in running.firing()] == ["high"])
        amtool = shutil.which("amtool")
        assert amtool, "it comes with Alertmanager"
        asked = [amtool, f"--alertmanager.url={running.url}", "alert", "query", f"subject={LISTED}"]
        found = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
        assert "txpipe-listed" in found


@pytest.mark.alertmanager
def test_firing_ends_in_the_real_one(receiver):
    """What is not told again stops firing after the span that was said, and does not before."""
    with Running() as running:
        receiver(f"{running.url}?for=1h").send([parcel(1)])
        receiver(f"{running.url}?for=1s").send([parcel(2)])
        assert len(running.firing()) == 2
        until(lambda: [one["labels"]["id"] for one in running.firing()] == [f"{1:032x}"])
