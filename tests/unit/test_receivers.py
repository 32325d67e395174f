"""alerts.receivers: commands, syslog, and mail and chat by Apprise."""

import contextlib
import email
import email.policy
import json
import os
import re
import signal
import socket
import struct
import sys
import threading
import time
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st

from examples import ALERT, LISTED, MATCH, RECORDS, SENDER, TRANSFER, line
from receiver_kit import Hook, closed_port
from txpipe.alerts import receivers
from txpipe.alerts.mail import page
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault
from txpipe.alerts.receivers import Outfit, opened
from txpipe.alerts.receivers.apprise import AppriseReceiver
from txpipe.alerts.receivers.command import CommandReceiver
from txpipe.alerts.receivers.syslog import message
from txpipe.alerts.words import Template, TemplateFault, defanged, details, title


def parcel(number=0, **changes):
    return Parcel(f"{number}:0", line(ALERT, id=f"{number:032x}", **changes)[:-1])


@pytest.fixture
def receiver():
    """Opens receivers, and closes them."""
    made = []

    def make(url, **outfit):
        made.append(opened(url, Outfit(**outfit)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_command_is_fed_a_batch(receiver, tmp_path):
    """One process gets the whole batch as NDJSON; it has them when it ends with 0."""
    parcels = [parcel(1), parcel(2)]
    receiver(f"exec:sh -c 'cat > {tmp_path}/got'").send(parcels)
    assert (tmp_path / "got").read_bytes() == b"".join(one.line + b"\n" for one in parcels)


def test_command_that_reads_nothing(receiver):
    """The status decides, not how much was read."""
    receiver("exec:true").send([parcel(n, title="x" * 5000) for n in range(100)])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("exec:false", "ended with status 1"),
        ("exec:sh -c 'kill -9 $$'", "ended with signal 9"),
        ("exec:/no/such/command", "cannot be started: No such file"),
        ("exec:/", "cannot be started: Permission denied"),
    ],
)
def test_command_that_fails(receiver, command, words):
    """Any other end than status 0 says that nothing of the batch was taken."""
    with pytest.raises(NotTaken, match=words):
        receiver(command).send([parcel()])


def test_command_that_fails_where_children_are_ignored(receiver):
    """A SIGCHLD that is ignored, as a parent may leave it, makes no success of a failure."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with pytest.raises(NotTaken, match="status 1"):
            receiver("exec:false").send([parcel()])
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_command_that_does_not_end():
    """A command that lasts too long is killed with all that it started."""
    made = CommandReceiver("sh -c 'sleep 60 & echo $! >&2; sleep 60'", send_s=0.2)
    with pytest.raises(NotTaken, match=r"did not end within 0\.2 s"):
        made.send([parcel()])
    assert made._process.returncode == -signal.SIGKILL


def test_command_is_broken_off():
    """At the end of a run a command that is under way is killed: nothing stays behind."""
    made = CommandReceiver("sleep 60")

    def send():
        with contextlib.suppress(NotTaken):
            made.send([parcel()])

    thread = threading.Thread(target=send)
    thread.start()
    while made._process is None:
        pass
    made.close()
    thread.join(20)
    assert made._process.returncode == -signal.SIGKILL


def test_command_keeps_stdout_clean(receiver, capfd, monkeypatch):
    """What a command prints goes to stderr, where people look; it does not see the secrets of others."""
    monkeypatch.setenv("TXALERT_SECRET", "hidden")
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(fileno=lambda: 2))
    receiver("exec:sh -c 'echo heard; env'").send([parcel()])
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("heard\n")
    assert "hidden" not in err


def test_command_name_has_no_arguments(receiver):
    """Arguments may be secret: a name has the command only."""
    assert re.fullmatch(r"exec:curl#[0-9a-f]{8}", receiver("exec:curl -H 'token: hidden' https://h/").name)


HEAD = re.compile(
    rb"<130>1 2025-10-09T08:53:32Z [!-~]+ txalert (\d+) listed - \xef\xbb\xbf(\{.*\})", re.DOTALL
)


def test_syslog_message():
    """A message is RFC 5424: facility and level, time, host, name, process, rule, then the JSON."""
    found = HEAD.fullmatch(message(parcel().line, parcel().line))
    assert int(found[1]) == os.getpid()
    assert found[2] == parcel().line


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"severity": "high"}, b"<131>1 2025"),
        ({"severity": "medium"}, b"<132>1 2025"),
        ({"severity": "low"}, b"<133>1 2025"),
        ({"severity": "info"}, b"<134>1 2025"),
        ({"time": 10**17}, b"<130>1 - "),
    ],
)
def test_syslog_levels(changes, start):
    """The level follows the severity; a time that no calendar has is none."""
    assert message(parcel(**changes).line, b"{}").startswith(start)


@given(st.text(max_size=60))
def test_syslog_header_is_one_line(rule):
    """Whatever a rule is called, the header has seven fields of printable ASCII."""
    head = message(parcel(rule=rule).line, b"{}").split(b" \xef\xbb\xbf")[0]
    assert re.fullmatch(rb"(?:[!-~]+ ){6}[!-~]+", head)


def test_syslog_to_a_local_socket(receiver, tmp_path):
    """To a unix socket, each alert is a datagram; a listener that comes back gets what follows."""
    path = str(tmp_path / "log")
    made = receiver(f"syslog:{path}")
    with pytest.raises(NotTaken, match="cannot be sent: No such file"):
        made.send([parcel()])
    for _ in range(2):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
            log.bind(path)
            made.send([parcel(1), parcel(2)])
            assert [HEAD.fullmatch(log.recv(9999))[2] for _ in "12"] == [parcel(1).line, parcel(2).line]
        Path(path).unlink()
        with pytest.raises(NotTaken):
            made.send([parcel(3)])


def test_syslog_by_udp(receiver):
    """By UDP each alert is a datagram; one that is too large is refused by itself."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(20)
        made = receiver(f"syslog:udp://127.0.0.1:{log.getsockname()[1]}")
        made.send([parcel(1)])
        assert HEAD.fullmatch(log.recv(9999))[2] == parcel(1).line
        with pytest.raises(NotTaken, match="too large for a message") as caught:
            made.send([parcel(1), parcel(2, title="x" * 70_000), parcel(3)])
        assert (caught.value.only_this, caught.value.taken) == (True, 1)


def test_syslog_by_tcp(receiver):
    """By TCP the length is written before each (RFC 6587); a connection that was closed is opened again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = receiver(f"syslog:tcp://127.0.0.1:{server.getsockname()[1]}")
        for _ in range(2):
            made.send([parcel(1), parcel(2)])
            peer, _ = server.accept()
            with peer, peer.makefile("rb") as stream:
                for number in (1, 2):
                    size = int(b"".join(iter(lambda s=stream: s.read(1), b" ")))
                    assert HEAD.fullmatch(stream.read(size))[2] == parcel(number).line
    with pytest.raises(NotTaken, match="cannot be sent: Connection refused"):
        made.send([parcel()])


def test_syslog_by_tcp_goes_on(receiver):
    """A connection that is open is used again at once, though syslog never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = receiver(f"syslog:tcp://127.0.0.1:{server.getsockname()[1]}")
        made.send([parcel(1)])
        peer, _ = server.accept()
        with peer, peer.makefile("rb") as stream:
            began = time.monotonic()
            made.send([parcel(2)])
            assert time.monotonic() - began < 10
            for number in (1, 2):
                size = int(b"".join(iter(lambda: stream.read(1), b" ")))
                assert HEAD.fullmatch(stream.read(size))[2] == parcel(number).line
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        made.send([parcel(3)])  # after a reset
        server.accept()[0].close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("exec:", "names no command"),
        ("exec:sh -c 'x", "quotes are not closed"),
        ("syslog://host", "write syslog:"),
        ("syslog:udp://", "it has no host|write syslog:"),
        ("syslog:http://h", "write syslog:"),
        ("bogus://hidden", "bogus: Apprise has no such service"),
        ("slack://hidden", "slack: Apprise has no such service, or makes nothing of its URL"),
    ],
)
def test_no_receiver(url, words):
    """What is no receiver is refused, and nothing that may be secret is repeated."""
    with pytest.raises(ReceiverFault, match=words) as caught:
        opened(url, Outfit())
    assert "hidden" not in str(caught.value)


def test_without_apprise(monkeypatch):
    """Without the extra its name is said; the receivers of txalert's own need none."""
    monkeypatch.setitem(sys.modules, "txpipe.alerts.receivers.apprise", None)
    monkeypatch.delattr(receivers, "apprise", raising=False)
    with pytest.raises(ReceiverFault, match=r"pip install 'txpipe\[deliver\]'"):
        opened("mailto://x", Outfit())


@contextlib.contextmanager
def mailbox(answer="250 OK"):
    """A mail server; gives its port and the mails that came."""
    mails = []

    class Handler:
        async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - as aiosmtpd calls it
            mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
            return answer

    controller = Controller(Handler(), hostname="127.0.0.1", port=closed_port())
    controller.start()
    try:
        yield controller.port, mails
    finally:
        controller.stop()


def mailto(port, more=""):
    return (
        f"mailto://127.0.0.1:{port}/?from=a@example.org&to=b@example.org&mode=insecure&smtp=127.0.0.1{more}"
    )


EVIL = "<b>Visit</b> <script>x</script> [you won](https://evil.com/?a) @everyone claim-now.xyz \x1b[31m"


@pytest.mark.parametrize("more", ["", "&format=text"])
def test_mail(receiver, more):
    """A mail says what txalert shows; nothing in it that comes from chains is markup, link or control."""
    hostile = parcel(title=EVIL, record={**TRANSFER, "symbol": "FREE.com @here"})
    with mailbox() as (port, mails):
        receiver(mailto(port, more)).send([hostile])
    (mail,) = mails
    assert mail["subject"].startswith("CRITICAL 95 listed: ")
    parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    assert len(parts) == (1 if more else 2)
    for found in (mail["subject"], *parts):
        assert "\x1b" not in found
        assert "evil.com" not in found
        assert "@" not in found
        assert "<script" not in found
        assert "<a" not in found
    for found in parts:
        assert "1.25 FREE[.]com" in found
        assert ALERT["tx"] in found


def test_mail_reads_well(receiver):
    """The plain part has one fact a line, each with its name; the other has the same words."""
    with mailbox() as (port, mails):
        receiver(mailto(port)).send([parcel(incident="i-7")])
    assert mails[0].get_body(("plain",)).get_content().splitlines() == [
        "CRITICAL 95 \u00b7 listed",
        "Pays an address on a sanctions list",
        "Amount 1.25 ETH (3,975.00 USD)",
        "When 2025-10-09 08:53:32 UTC, Ethereum block 23000001",
        f"From {SENDER}",
        f"To {LISTED} suspect, listed",
        f"Transaction {ALERT['tx']}",
        'List ofac-sdn (2026-11-01): sanctions, "LAZARUS GROUP", listed 2022-04-14',
        "Incident i-7",
        f"txalert, alert {0:032x}, revision 0. Nothing here is a link.",
    ]
    html = mails[0].get_body(("html",)).get_content()
    assert html.startswith("<div style=")
    assert f'>{LISTED}</span> <b style="color:#9b1c1c">suspect, listed</b></div>' in html


@pytest.mark.parametrize(
    ("record", "row"),
    [
        ("approval", "Approval </b>may spend unlimited USDT"),
        ("call", "Call </b>call 0xa9059cbb"),
        ("heartbeat", "Record </b>heartbeat: ok"),
        (None, "Record </b>amount unknown"),
    ],
)
def test_mail_names_what_moved(record, row):
    """What stands beside the amount of a transfer is called what it is."""
    assert row in page([ALERT | {"record": RECORDS[record] if record else {"type": ["x"]}}])


def test_mail_about_several(receiver):
    """A mail about several alerts has counts, the gravest in full, a line and a transaction of each other."""
    with mailbox() as (port, mails):
        receiver(mailto(port)).send([parcel(n, severity="low", score=30) for n in range(30)] + [parcel(99)])
    lines = mails[0].get_body(("plain",)).get_content().splitlines()
    assert lines[:3] == [
        "31 alerts",
        "1 critical, 30 low; by rule: listed 31",
        "CRITICAL 95 \u00b7 listed",
    ]
    assert lines.count("LOW 30 listed: Pays an address on a sanctions list") == 20
    assert lines[-2:] == ["and 10 more", f"txalert, alert {99:032x}, revision 0. Nothing here is a link."]


def test_mail_by_template(receiver):
    """A template is all that a mail says."""
    with mailbox() as (port, mails):
        receiver(mailto(port), body=Template("--body", "{title} <b>").filled).send([parcel()])
    assert mails[0].get_content().strip() == "Pays an address on a sanctions list \u2039b>"


class Tags(HTMLParser):
    """Collects what is no text."""

    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        self.found |= {(tag, name) for name, _ in attrs}

    def handle_comment(self, data):
        self.found.add(("comment", data))

    handle_decl = handle_pi = unknown_decl = handle_comment


MARKUP = st.text(alphabet="<>&\"'/=abix !-[]?{};:#.@\x00\n", max_size=40)


@given(MARKUP, MARKUP, MARKUP, MARKUP, st.sampled_from(["open", "updated", "retracted"]))
def test_mail_has_no_markup_of_others(words, address, label, key, status):
    """Whatever an alert says, a mail's HTML has the tags of its own layout only."""
    alert = ALERT | {
        "title": words,
        "rule": words,
        "tx": address,
        "subject": address,
        "status": status,
        "incident": label,
        "shadow": True,
        "evidence": {"matches": [{**MATCH, "label": label}], "address": address, key: words},
        "record": {**TRANSFER, "symbol": words, "from": address},
    }
    tags = Tags()
    tags.feed(page([alert, alert]))
    assert tags.found == {("div", "style"), ("b", "style"), ("span", "style")}


@pytest.mark.parametrize("more", ["", "&optional=yes"])
def test_mail_that_is_refused(receiver, more):
    """A server that refuses, or is not there, is a failure, also of a URL that calls failures optional."""
    with mailbox("451 later") as (port, _), pytest.raises(NotTaken, match="was not accepted") as one:
        receiver(mailto(port, more)).send([parcel()])
    with pytest.raises(NotTaken, match="no connection") as every:
        receiver(mailto(closed_port(), more)).send([parcel()])
    assert (one.value.only_this, every.value.only_this) == (True, False)  # a filter must not stop all others


def test_mails_on_an_incident_are_a_thread(receiver):
    """A retraction and another alert of an incident name the same first mail; other incidents do not."""
    with mailbox() as (port, mails):
        made = receiver(mailto(port, "&+X-Team=fraud"))
        made.send([parcel(1, incident="a")])
        made.send([parcel(1, incident="a", status="retracted", rev=1)])
        made.send([parcel(2, incident="a"), parcel(3, incident="b")])
        made.send([parcel(4)])
    first, retraction, several, alone = mails
    assert retraction["subject"].startswith("RETRACTED, was critical")
    assert {mail["in-reply-to"] for mail in (first, retraction, several)} == {first["references"]}
    assert several["references"].split()[0] == first["references"]
    assert len(several["references"].split()) == 2
    assert alone["references"] not in several["references"]
    assert len({mail["message-id"] for mail in mails}) == 4
    assert {mail["x-team"] for mail in mails} == {"fraud"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (500, "HTTP 500"),
        ((429, {"retry-after": "9"}), "HTTP 429"),
        (413, "HTTP 413"),
        (None, "no connection"),
    ],
)
def test_apprise_says_why(receiver, answer, words):
    """A failure says the status of the answer, or that there was none, and nothing of the URL."""
    with Hook(lambda _: answer) as hook, pytest.raises(NotTaken) as caught:
        receiver(hook.url.replace("http://", "json://hidden:hidden@")).send([parcel()])
    assert words in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert caught.value.only_this == (answer == 413)


def test_apprise_that_takes_too_long():
    """A service that does not answer in time is a failure; no thread of it keeps a process from its end."""
    let_go = threading.Event()
    with Hook(lambda _: let_go.wait(30) and 200) as hook:
        made = AppriseReceiver(hook.url.replace("http", "json") + "?rto=60", send_s=0.2)
        with pytest.raises(NotTaken, match="no answer in time"):
            made.send([parcel()])
        others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
        assert all(thread.daemon for thread in others)
        let_go.set()


def test_apprise_follows_no_redirect(receiver):
    """A redirect is a failure there, too: followed, it would look delivered."""
    with Hook() as hook:
        hook.answer = lambda request: 200 if request.path == "/ok" else (302, {"location": "/ok"})
        with pytest.raises(NotTaken):
            receiver(hook.url.replace("http", "json")).send([parcel()])


def test_apprise_in_one_message_each(receiver, capfd):
    """A service gets title, body and kind; nothing is printed; the name has the scheme only."""
    with Hook() as hook:
        made = receiver(hook.url.replace("http://", "json://hidden:hidden@"))
        made.send([parcel(severity="medium")])
    body = json.loads(hook.got[0].body)
    assert body["title"] == "MEDIUM 95 listed: Pays an address on a sanctions list"
    assert body["message"].startswith("MEDIUM 95  2025-10-09 08:53:32 UTC  listed\n")
    assert body["type"] == "warning"
    assert re.fullmatch(r"json:#[0-9a-f]{8}", made.name)
    assert capfd.readouterr() == ("", "")


def test_retraction_is_said():
    """A retracted alert is a notice of retraction, not another alarm."""
    taken_back = {**ALERT, "status": "retracted", "rev": 2}
    assert title(taken_back).startswith("RETRACTED, was critical (rev 2) listed: ")
    assert details(taken_back).startswith("RETRACTED, was critical (rev 2)  ")


def test_templates(receiver):
    """Titles and bodies may be templates, filled with keys of the alert, its record and its evidence."""
    made_title = Template(
        "--title", "{severity} {record.amount} {record.symbol} {{x}} {incident}{evidence.none.x}"
    )
    made_body = Template("--body", "{headline}\\n{evidence.matches}")
    with Hook() as hook:
        url = hook.url.replace("http", "json")
        receiver(url, title=made_title.filled, body=made_body.filled).send([parcel()])
    body = json.loads(hook.got[0].body)
    assert body["title"] == "critical 1[.]25 ETH {x} " or body["title"] == "critical 1.25 ETH {x}"
    assert body["message"].splitlines()[0] == title(ALERT)
    assert MATCH["label"] in body["message"].splitlines()[1]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{severty}", r"no alert has \{severty\}; there are: headline"),
        ("{", "a { stands alone; write {{"),
        ("{severity!r}", "stands alone"),
        ("{severity.__class__}", "stands alone"),
        ("{0}", "stands alone"),
        ("a } b", "a } stands alone"),
        ("a \udcff", "no UTF-8"),
    ],
)
def test_no_template(source, words):
    """A misspelt key, and everything that would be more than filling in, is refused."""
    with pytest.raises(TemplateFault, match=f"^--title: .*{words}"):
        Template("--title", source)


@given(st.text())
def test_templates_fill_in_only(words):
    """Braces in a value stay what they are, and control characters are written out."""
    filled = Template("--title", "{title}").filled({**ALERT, "title": words})
    assert filled.isprintable()
    assert Template("--title", "{title}").filled({**ALERT, "title": "{severity}"}) == "{severity}"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("see https://evil.com/x", "see https[://]evil[.]com/x"),
        ("evil.com", "evil[.]com"),
        ("\u0435vil.\u0440\u0444", "\u0435vil[.]\u0440\u0444"),
        ("[click](x)", "[click] (x)"),
        ("@everyone <!here>", "\uff20everyone \u2039!here>"),
        ("1.25 ETH (3,975.00 USD). Done", "1.25 ETH (3,975.00 USD). Done"),
        ("go to 10.0.0.1/x, 1.2.3.4.", "go to 10[.]0[.]0[.]1/x, 1[.]2[.]3[.]4."),
        ("1.2.3.4.5 and 0.5.1", "1.2.3.4.5 and 0.5.1"),
        ("evil\u3002com evil\uff0ecom", "evil[.]com evil[.]com"),
        ("||suspect|| **b** ~~s~~ ```c``` a_b", "| |suspect| | * *b* * ~ ~s~ ~ ` ` `c` ` ` a_b"),
    ],
)
def test_defanged(words, expected):
    """No link, mention or markup is left; amounts and sentences stay as they are."""
    assert defanged(words) == expected


CHAT = {
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#c",
    "tgram": "tgram://123456789:abcdefg_hijklmnop/1234",
    "discord": "discord://421483/AbCdEf",
    "mmost": "mmost://{}/abcdefghijklmnopqrstuvwxyz",
    "ntfy": "ntfy://{}/topic",
}
LURE = (
    "<!here> <@U123> <https://evil.com|free> [x](https://evil.com) @everyone &amp; &lt;b&gt; <b>x</b>"
    " tg://user?id=1 ||hidden|| ```code``` \u202e\x1b[31m\r\n# heading"
)


def texts(value):
    """Every text in JSON, under whatever key."""
    if isinstance(value, dict):
        value = list(value.values())
    return [text for one in value for text in texts(one)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("service", CHAT)
def test_chat(receiver, monkeypatch, service):
    """Text from chains is no link, mention, markup or spoiler in any chat, and escaped once where need be."""
    with Hook() as hook:
        hook.reply = b"ok"
        base = hook.url.removesuffix("/hook")
        monkeypatch.setattr("apprise.plugins.slack.NotifySlack.webhook_url", base)
        monkeypatch.setattr("apprise.plugins.telegram.NotifyTelegram.notify_url", f"{base}/bot")
        monkeypatch.setattr("apprise.plugins.discord.NotifyDiscord.notify_url", base)
        hostile = parcel(title=LURE, record={**TRANSFER, "symbol": LURE})
        receiver(CHAT[service].format(base.removeprefix("http://"))).send([hostile])
    (request,) = hook.got
    said = [text for text in texts(json.loads(request.body)) if isinstance(text, str) and "listed" in text]
    expected = defanged(title(json.loads(hostile.line)))
    if service in {"slack", "tgram"}:  # they read &, < and > as HTML does; <b> of the title is Apprise's
        said = [text.removeprefix("<b>").replace("</b>", "") for text in said]
        assert not any("<" in text for text in said)
        said = [unescape(text) for text in said]
    for lure in ("evil.com", "@", "<", "](", "s://", "g://", "||", "```", "\u202e", "\x1b", "\n# heading"):
        assert not any(lure in text for text in said)
    assert any(expected in text for text in said)
