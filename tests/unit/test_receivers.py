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
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st

from examples import ALERT, MATCH, TRANSFER, line
from receiver_kit import Hook, closed_port
from txpipe.alerts import receivers
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault
from txpipe.alerts.receivers import Outfit, opened
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
    found = HEAD.fullmatch(message(parcel().line))
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
    assert message(parcel(**changes).line).startswith(start)


@given(st.text(max_size=60))
def test_syslog_header_is_one_line(rule):
    """Whatever a rule is called, the header has seven fields of printable ASCII."""
    head = message(parcel(rule=rule).line).split(b" \xef\xbb\xbf")[0]
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


@pytest.mark.parametrize("form", ["plain", "html"])
def test_mail(receiver, form):
    """A mail says what txalert shows; nothing in it that comes from chains is markup, link or control."""
    hostile = parcel(title=EVIL, record={**TRANSFER, "symbol": "FREE.com @here"})
    with mailbox() as (port, mails):
        receiver(mailto(port, "&format=html" if form == "html" else "")).send([hostile])
    (mail,) = mails
    assert mail["subject"].startswith("CRITICAL 95 listed: ")
    parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    for found in (mail["subject"], *parts):
        assert "\x1b" not in found
        assert "evil.com" not in found
        assert "@" not in found
        assert "<script" not in found
        assert "<a" not in found
    shown = mail.get_body((form,)).get_content().replace("&nbsp;", " ")
    assert "1.25 FREE[.]com" in shown
    assert ALERT["tx"] in shown


@pytest.mark.parametrize("more", ["", "&optional=yes"])
def test_mail_that_is_refused(receiver, more):
    """A server that refuses, or is not there, is a failure, also of a URL that calls failures optional."""
    with mailbox("451 later") as (port, _), pytest.raises(NotTaken, match="was not accepted"):
        receiver(mailto(port, more)).send([parcel()])
    with pytest.raises(NotTaken, match="was not accepted"):
        receiver(mailto(closed_port(), more)).send([parcel()])


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
    ],
)
def test_defanged(words, expected):
    """No link, mention or markup is left; amounts and sentences stay as they are."""
    assert defanged(words) == expected
