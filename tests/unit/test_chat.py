"""alerts.receivers.chat, discord, telegram, api; alerts.handles: messages that change with their alert."""

import contextlib
import json
import socket
import sqlite3
import threading
import time

import pytest

import chat_kit
from examples import TRANSFER
from receiver_kit import closed_port, parcel
from txpipe.alerts import database
from txpipe.alerts.handles import Changing, Handles
from txpipe.alerts.memory import Memory
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault
from txpipe.alerts.receivers import Outfit, opened
from txpipe.alerts.receivers.api import Api
from txpipe.alerts.receivers.chat import cut
from txpipe.alerts.spool import Spool

NOW = 1_000_000.0
EVIL = "**@everyone** `claim-now.xyz` [you won](https://evil.com) <b> \x1b[31m"


@pytest.fixture(params=[chat_kit.Discord, chat_kit.Slack, chat_kit.Telegram], ids=lambda kind: kind.__name__)
def service(request):
    with request.param() as made:
        yield made


@pytest.fixture
def chat(service, tmp_path):
    with Spool(tmp_path) as spool:
        yield made(service, spool)


def made(service, spool):
    receiver = opened(service.address, Outfit(now=lambda: NOW))
    assert isinstance(receiver, Changing)
    receiver.handles = Handles(spool.database, receiver.name)
    return receiver


def update(number, **changes):
    return parcel(number, **{"status": "updated", "rev": 1, **changes})


def retraction(number, rev=1):
    return parcel(number, status="retracted", rev=rev)


def starts(service):
    return [text.replace("\\", "").split("\n")[0] for text in service.messages.values()]


TITLE = "listed: Pays an address on a sanctions list"


def test_an_update_changes_the_message(service, chat):
    """A pending alert that confirms is the same message, changed; nobody is called a second time."""
    chat.send([parcel(1, pending=True, block=None)])
    assert "pending" in service.messages[1000]
    chat.send([update(1)])
    assert starts(service) == [f"CRITICAL 95, updated (rev 1) {TITLE}"]
    assert "block 23000001" in service.messages[1000]


def test_a_retraction_takes_it_back(service, chat):
    """The message says that it is retracted, and a line of its own tells who was alarmed."""
    chat.send([parcel(1)])
    chat.send([retraction(1)])
    assert starts(service) == [f"RETRACTED, was critical (rev 1) {TITLE}"] * 2
    assert "\n" in service.messages[1000]
    assert "\n" not in service.messages[1001]
    assert service.answers[1001] == (None if isinstance(service, chat_kit.Discord) else 1000)


@pytest.mark.parametrize(
    "later",
    [
        parcel(1, severity="critical", status="updated", rev=1),
        parcel(1, severity="high", status="open", rev=1),
        Parcel(parcel(1).key, parcel(1, severity="high").line, note="Reminder 1 of 3"),
    ],
    ids=["graver", "open again", "reminder"],
)
def test_what_must_be_heard_is_a_new_message(service, chat, later):
    """What is graver, open again or a reminder is no change; Telegram answers the first message."""
    chat.send([parcel(1, severity="high")])
    chat.send([later])
    assert len(service.messages) == 2
    assert starts(service)[0] == f"HIGH 95 {TITLE}"
    assert service.answers[1001] == (None if isinstance(service, chat_kit.Discord) else 1000)


def test_a_reminder_is_not_what_is_changed(service, chat):
    """A retraction changes the message that told of the alert, not the reminder."""
    chat.send([parcel(1)])
    chat.send([Parcel(parcel(1).key, parcel(1).line, note="Reminder 1 of 3")])
    chat.send([retraction(1)])
    assert starts(service)[0].startswith("RETRACTED")
    assert starts(service)[1].startswith("Reminder 1 of 3")


def test_messages_on_several_stay(service, chat):
    """A message on several alerts is not overwritten by news of one of them."""
    chat.send([parcel(1), parcel(2)])
    chat.send([retraction(1)])
    assert starts(service)[0].startswith("2 alerts, the gravest")
    assert starts(service)[1].startswith("RETRACTED")


def test_news_of_several_at_once(service, chat):
    """Of a group each message that can be is changed; one message tells of what is new or taken back."""
    for number in (1, 2, 3):
        chat.send([parcel(number)])
    chat.send([retraction(1), update(2), retraction(3)])
    assert [text[:8] for text in starts(service)] == ["RETRACTE", "CRITICAL", "RETRACTE", "RETRACTE"]
    assert service.messages[1003].count("RETRACTED") == 2
    chat.send([update(2, rev=2), parcel(4)])
    assert "(rev 2)" in service.messages[1001]
    assert starts(service)[4] == f"CRITICAL 95 {TITLE}"
    chat.send([update(2, rev=3, severity="critical"), parcel(5), parcel(6)])
    chat.send([retraction(5), retraction(2, rev=4)])
    assert starts(service)[1].startswith("RETRACTED")
    assert starts(service)[5].startswith("2 alerts")
    assert len(service.messages) == 7


def test_over_restarts(service, tmp_path):
    """Which message told of what is kept in the spool; what is sent again changes its message to the same."""
    with Spool(tmp_path) as spool:
        made(service, spool).send([parcel(1)])
    with Spool(tmp_path) as spool:
        chat = made(service, spool)
        chat.send([parcel(1)])
        chat.send([update(1)])
    assert starts(service) == [f"CRITICAL 95, updated (rev 1) {TITLE}"]


def test_a_message_that_was_deleted(service, chat):
    """What can no longer be changed is said anew, and changed from then on."""
    chat.send([parcel(1)])
    service.messages.clear()
    service.messages[0] = "another"
    chat.send([update(1)])
    chat.send([update(1, rev=2)])
    assert starts(service)[1:] == [f"CRITICAL 95, updated (rev 2) {TITLE}"]


def test_without_a_spool_to_ask(service):
    """Without handles each is a message of its own, retractions, too."""
    receiver = opened(service.address, Outfit())
    receiver.send([parcel(1)])
    receiver.send([retraction(1)])
    assert starts(service) == [f"CRITICAL 95 {TITLE}", f"RETRACTED, was critical (rev 1) {TITLE}"]


def test_lures(service, chat):
    """Markup, links and calls from chains are text; what is too long is cut, not refused."""
    chat.send([parcel(1, title=EVIL, record={**TRANSFER, "symbol": EVIL})])
    evidence = {f"key{number}": "\U0001f600" * 150 for number in range(60)}
    chat.send([parcel(2, title="*" * 5000, evidence=evidence)])
    text = service.messages[1000]
    assert "@" not in text
    assert "evil.com" not in text
    assert "\x1b" not in text
    if not isinstance(service, chat_kit.Telegram):
        assert text.count("```") == 2
    if isinstance(service, chat_kit.Discord):
        assert "**" not in text.split("```")[0]
    if isinstance(service, chat_kit.Slack):
        assert "<" not in text
    assert len(service.messages) == 2


@pytest.mark.parametrize(
    ("status", "headers", "wait_s", "only_this"),
    [
        (429, {"retry-after": "7"}, 7.0, False),
        (400, {}, 0.0, True),
        (401, {}, 0.0, False),
        (500, {}, 0.0, False),
    ],
)
def test_failures(service, chat, status, headers, wait_s, only_this):
    """A failure says the status, how long to wait, and whether it is about this message only."""
    service.failing = [(status, headers, {})]
    with pytest.raises(NotTaken, match=f"^HTTP {status}$") as caught:
        chat.send([parcel(1)])
    assert (caught.value.wait_s, caught.value.only_this) == (wait_s, only_this)
    chat.send([parcel(1)])
    service.failing = [(status, headers, {})] * 2
    with pytest.raises(NotTaken):
        chat.send([retraction(1)])
    service.failing = []
    chat.send([retraction(1)])
    assert starts(service)[-1].startswith("RETRACTED")


def test_slack_says_no(tmp_path):
    """Slack's refusals come with status 200; its word is the reason, if it is one."""
    with chat_kit.Slack() as service, Spool(tmp_path) as spool:
        chat = made(service, spool)
        for error, words, only_this in (
            ("channel_not_found", "it refuses: channel_not_found", False),
            ("msg_too_long", "it refuses: msg_too_long", True),
            ("\x1b[31m", "it refuses: no reason given", False),
            (None, "it refuses: no reason given", False),
        ):
            service.failing = [(200, {}, {"ok": False, "error": error})]
            with pytest.raises(NotTaken) as caught:
                chat.send([parcel(1)])
            assert (str(caught.value), caught.value.only_this) == (words, only_this)


def test_telegram_says_how_long_to_wait(tmp_path):
    """Telegram's own word for that is heeded; what makes no sense is none."""
    with chat_kit.Telegram() as service, Spool(tmp_path) as spool:
        chat = made(service, spool)
        for wait, expected in ((9, 9.0), ("soon", 0.0), (-1, 0.0)):
            words = chat_kit.refused("Too Many Requests", 429, parameters={"retry_after": wait})
            service.failing = [(429, {}, words)]
            with pytest.raises(NotTaken, match=r"^HTTP 429: Too Many Requests$") as caught:
                chat.send([parcel(1)])
            assert caught.value.wait_s == expected


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"id": 7, "ts": 7, "result": {"message_id": "x"}},
        {"id": "7" * 21, "ts": "7" * 65, "result": {"message_id": 10**20}},
        {"id": "\u0667", "ts": "\u0667\r\n", "result": {"message_id": -7}},
        {"id": [], "ts": {}, "result": []},
    ],
    ids=str,
)
def test_answers_that_name_no_message(service, chat, names):
    """A message that was accepted counts, though the answer does not say which it is."""
    service.answer = lambda _: (200, {}, json.dumps({"ok": True, **names}).encode())
    chat.send([parcel(1)])
    chat.send([retraction(1)])
    assert len(service.got) == 2
    assert chat.handles.find(f"{1:032x}") is None


@pytest.mark.parametrize(
    "answer", [b"", b"[1]", b"<html>log in</html>", b'{"ok":false,"message":"no"}'], ids=str
)
def test_not_every_200_is_an_acceptance(service, chat, answer):
    """The page of a network to log in at, or a no with status 200, is no acceptance."""
    if isinstance(service, chat_kit.Discord) and answer.startswith(b"{"):
        answer = b"null"  # it has no such key
    service.answer = lambda _: (200, {}, answer)
    with pytest.raises(NotTaken, match=r"^it refuses: no|^HTTP 200, but no answer of "):
        chat.send([parcel(1)])
    service.answer = service.served
    chat.send([parcel(1)])
    service.answer = lambda _: (200, {}, answer)
    with pytest.raises(NotTaken):
        chat.send([update(1)])
    service.answer = service.served
    chat.send([update(1)])
    assert starts(service) == [f"CRITICAL 95, updated (rev 1) {TITLE}"]


def test_secrets_that_an_answer_repeats(service, chat):
    """A gateway that says which path it does not know shows no token."""
    for words in ("Cannot POST {0.path}", "no {0.path} here", "{0.headers}"):
        service.answer = lambda got, words=words: (
            404,
            {},
            json.dumps({"message": words.format(got).upper(), "description": words.format(got)}).encode(),
        )
        with pytest.raises(NotTaken, match=r"^HTTP 404") as caught:
            chat.send([parcel(1)])
        assert "hidden" not in str(caught.value).lower()


def test_a_message_that_cannot_be_changed(service, chat):
    """What the service does not let us change, whatever it says about that, is said anew."""
    chat.send([parcel(1)])
    if isinstance(service, chat_kit.Slack):
        service.failing = [(200, {}, {"ok": False, "error": "cant_update_message"})]
    else:
        service.failing = [(403, {}, {"code": 50083, "message": "Thread is archived"})]
    chat.send([retraction(1)])
    assert len(service.messages) == 2
    assert starts(service)[1].startswith("RETRACTED")


def test_a_gateway_out_of_order(service, chat):
    """What it says of one message while it says it of all is not believed: it is changed later on."""
    chat.send([parcel(1)])
    refusal = {"ok": False, "error": "message_not_found"} if isinstance(service, chat_kit.Slack) else {}
    service.failing = [(200 if refusal else 404, {}, refusal)] * 2
    with pytest.raises(NotTaken):
        chat.send([update(1)])
    chat.send([update(1)])
    assert starts(service) == [f"CRITICAL 95, updated (rev 1) {TITLE}"]


def test_slack_threads_that_take_no_answer():
    """What cannot be an answer to its alarm is a message of its own."""
    with chat_kit.Slack() as service, Spool(None) as spool:
        chat = made(service, spool)
        chat.send([parcel(1, severity="high")])
        service.failing = [(200, {}, {"ok": False, "error": "restricted_action_thread_locked"})]
        chat.send([update(1, severity="critical")])
        assert (len(service.messages), service.answers[1001]) == (2, None)


def test_an_earlier_revision_that_comes_late(service, chat):
    """It says nothing new; but a source that lost its state counts from 0 again, and is heard."""
    chat.send([parcel(1, rev=2, status="retracted")])
    chat.send([parcel(1)])
    chat.send([parcel(1), parcel(2)])
    assert [text[:8] for text in starts(service)] == ["RETRACTE", "CRITICAL"]
    chat._now = lambda: NOW + 2 * 86_400
    chat.send([parcel(1)])
    assert len(service.messages) == 3


def test_many_retractions_at_once(service, chat):
    """A message of many retractions is no longer than the service takes, and says how many there are."""
    many = [parcel(number, title=f"{number} {'x' * 200}") for number in range(500)]
    for one in many[:30]:
        chat.send([one])
    chat.send([retraction(number) for number in range(30)])
    assert len(service.messages) == 31
    assert len(service.messages[1030]) <= 4096
    if not isinstance(service, chat_kit.Discord):
        assert "and 10 more retracted" in service.messages[1030]


def test_titles_of_any_length(service):
    """A template may fill in as much as it likes."""
    receiver = opened(service.address, Outfit(title=lambda _: "<" * 50_000))
    receiver.send([parcel(1)])
    assert len(service.messages[1000]) <= 20_000


def test_titles_that_are_empty(service, tmp_path):
    """Where a template fills in what an alert has not, a retraction has its headline: no message is empty."""
    with Spool(tmp_path) as spool:
        receiver = opened(service.address, Outfit(title=lambda _: " \n"))
        receiver.handles = Handles(spool.database, receiver.name)
        receiver.send([parcel(1)])
        receiver.send([retraction(1)])
    assert starts(service)[1] == f"RETRACTED, was critical (rev 1) {TITLE}"


@pytest.mark.parametrize(
    "dripping", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n"]
)
def test_an_answer_that_drips(dripping):
    """An answer that never ends is broken off, and does not hold up what follows."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=dripped, args=(server, dripping), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(NotTaken, match=r"no answer in time|broke off"):
            Api(url, send_s=0.3).call("POST", f"{url}/x", {})
        assert time.monotonic() - began < 5
        thread.join()


def dripped(server, begin):
    """Answer a first request, a little at a time, until nobody listens."""
    connection, _ = server.accept()
    with connection, contextlib.suppress(OSError):
        connection.sendall(begin)
        while True:
            connection.sendall(b"x: y\r\n")
            time.sleep(0.02)


def test_no_answer():
    """That nobody listens, or an answer breaks off, is said without the URL."""
    with pytest.raises(NotTaken, match="no connection") as caught:
        opened(f"discord:http://127.0.0.1:{closed_port()}/hidden", Outfit()).send([parcel(1)])
    assert "hidden" not in str(caught.value)
    with chat_kit.Discord() as service:
        service.answer = lambda _: None
        with pytest.raises(NotTaken, match="the connection broke"):
            opened(service.address, Outfit()).send([parcel(1)])
        service.answer = lambda _: (200, {"content-length": "10"}, b"x")
        with pytest.raises(NotTaken):
            Api(service.url, 0.2).call("POST", service.url, {})


@pytest.mark.parametrize(
    "url",
    [
        "discord:",
        "discord:ftp://h/",
        "discord:https://h/\n",
        "slack:https://slack.com/api?channel=C1",
        "slack:https://t@slack.com/api",
        "slack:https://t%0a@slack.com/api?channel=C1",
        "slack:https://%C4%80@slack.com/api?channel=C1",
        "telegram:https://api.telegram.org/botx",
        "telegram:https://api.telegram.org/botx?chat_id=1&text=x",
    ],
)
def test_urls(url):
    """What is no URL of the service is refused before anything is sent."""
    with pytest.raises(ReceiverFault, match=f"write {url.partition(':')[0]}:https://"):
        opened(url, Outfit())


@pytest.mark.parametrize("url", ["discord:https://[::1/x", "slack:https://t@a..b/api?channel=C1"])
def test_urls_without_a_host(url):
    """A host that makes no sense is refused before anything is sent."""
    with pytest.raises(ReceiverFault, match="its host or port makes no sense"):
        opened(url, Outfit())


def test_discord_threads():
    """What the webhook's URL asks for, such as a thread, is kept."""
    with chat_kit.Discord() as service, Memory() as spool:
        receiver = opened(f"{service.address}?thread_id=5", Outfit())
        receiver.handles = Handles(spool.database, "a")
        receiver.send([parcel(1)])
        receiver.send([update(1)])
        assert [got.path.partition("?")[2] for got in service.got] == ["thread_id=5&wait=true", "thread_id=5"]


def test_handles_are_forgotten():
    """Messages are known for thirty days."""
    with Memory() as spool:
        handles = Handles(spool.database, "a")
        handles.note([{"id": "1", "rev": 0, "severity": "low"}], "m", NOW, is_alone=True)
        handles.note([{"id": "2", "rev": 0, "severity": "low"}], "m", NOW + 31 * 86_400, is_alone=True)
        assert (handles.find("1"), handles.find("2").message) == (None, "m")


def test_handles_are_bounded():
    """Of thousands of alerts in a message, for a month, the latest are known: the spool stays small."""
    with Spool(None) as spool:
        handles = Handles(spool.database, "a", 50)
        other = Handles(spool.database, "b")
        other.note([{"id": "0", "rev": 0, "severity": "low"}], "m", NOW - 1, is_alone=True)
        for number in range(100):
            alerts = [{"id": f"{number} {one}", "rev": 0, "severity": "low"} for one in range(10)]
            handles.note(alerts, "m", NOW + number, is_alone=False)
        with spool.database.reading() as db:
            assert db.execute("SELECT count(*) FROM handles WHERE receiver = 'a'").fetchone()[0] <= 100
        assert handles.find("99 9")
        assert handles.find("90 0") is None
        assert other.find("0")


@pytest.mark.parametrize("rev", [2**63, 2**64, 10**300])
def test_revisions_beyond_any_number(service, chat, rev):
    """A revision that no database keeps whole is known as a great one."""
    chat.send([parcel(1)])
    chat.send([update(1, rev=rev)])
    chat.send([update(1, rev=rev)])
    assert len(service.messages) == 1


def test_cut():
    """A text is cut by units of UTF-16, and no character is."""
    assert cut("a\U0001f600b", 2) == "a"
    assert cut("a\U0001f600b", 3) == "a\U0001f600"


def test_spool_of_version_1(tmp_path):
    """A spool that an earlier version has made is used as it is, with what waits in it."""
    db = sqlite3.connect(tmp_path / database.FILE)
    db.executescript(
        f"{database._TABLES}PRAGMA application_id = {database._APPLICATION}; PRAGMA user_version = 1;"
    )
    db.executescript(
        "INSERT INTO alerts VALUES (1, '1:0', 1.0, '{}'); INSERT INTO receivers VALUES (1, 'a');"
        "INSERT INTO deliveries (receiver, seq, since) VALUES (1, 1, 1.0);"
    )
    db.close()
    with Spool(tmp_path) as spool:
        assert [one.key for one in spool.due("a", 2.0, 9)] == ["1:0"]
        assert Handles(spool.database, "a").find("1") is None
