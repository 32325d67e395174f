"""alerts.receivers: PostgreSQL and SQLite, the real ones."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from conftest import script
from examples import ALERT, TRANSFER, line
from receiver_kit import closed_port, until
from txpipe.alerts import receivers
from txpipe.alerts.receiver import NotTaken, Parcel, ReceiverFault
from txpipe.alerts.receivers import Outfit, opened, sql


def parcel(number=0, **changes):
    name = f"{number:032x}"
    return Parcel(f"{name}:{changes.get('rev', 0)}", line(ALERT, id=name, **changes)[:-1])


COLUMNS = (
    *("status", "rule", "category", "severity", "score", "chain", "block", "time", "tx", "n", "subject"),
    *("role", "title"),
)


class Sqlite:
    def __init__(self, folder):
        self.path = folder / "alerts.db"
        self.url = f"sqlite:///{self.path}"

    def rows(self, query):
        with contextlib.closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(query).fetchall()


class Postgres:
    def __init__(self, server):
        self.url, self._server = server.database(), server

    def rows(self, query):
        return self._server.rows(self.url, query)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request, tmp_path):
    """An empty database of either kind."""
    if request.param == "sqlite":
        return Sqlite(tmp_path)
    return Postgres(request.getfixturevalue("postgres"))


@pytest.fixture
def receiver():
    """Opens receivers, and closes their connections."""
    made = []

    def make(url):
        made.append(opened(url, Outfit()))
        return made[-1]

    yield make
    for one in made:
        if one._engine is not None:
            one._engine.dispose()


def test_rows(database, receiver):
    """Every alert is a row with what people ask for in columns, and all of it as JSON."""
    receiver(database.url).send([parcel(1), parcel(2, incident="i-7", shadow=True, severity="low")])
    found = database.rows(
        f"SELECT id, rev, {', '.join(COLUMNS)}, usd, incident, shadow FROM alerts ORDER BY id"  # noqa: S608
    )
    told = tuple(ALERT[key] for key in COLUMNS)
    assert found[0] == (f"{1:032x}", 0, *told, TRANSFER["usd"], None, False)
    assert found[1][-2:] == ("i-7", True)
    (document,) = database.rows("SELECT json FROM alerts WHERE incident IS NULL")[0]
    assert (json.loads(document) if isinstance(document, str) else document) == ALERT | {"id": f"{1:032x}"}


def test_again_changes_nothing(database, receiver):
    """What comes again, in one batch or after a restart, is one row; the latest revision is in a view."""
    batch = [parcel(1), parcel(1), parcel(1, rev=2, status="retracted"), parcel(1, rev=1), parcel(2)]
    for _ in range(2):
        receiver(database.url).send(batch)
    assert database.rows("SELECT count(*) FROM alerts") == [(4,)]
    assert database.rows("SELECT rev, status FROM alerts_latest ORDER BY id") == [
        (2, "retracted"),
        (0, "open"),
    ]


DEEP = '{"a":' * 900 + "1" + "}" * 900
HOSTILE = {
    "NUL": parcel(1, title="a\x00b", subject="\x00", record={**TRANSFER, "\x00": "\\\\u0000 \\ \x00"}),
    "huge numbers": parcel(1, block=2**64 - 1, time=-(2**63) - 1, n=2**63, rev=2**64 - 1),
    "tiny number": Parcel("k", parcel(1).line.replace(b"3975.0", b"1e-99999")),
    "worth": parcel(1, record={"usd": 2**64 - 1}),
    "no worth": parcel(1, record={"usd": True}),
    "long": parcel(1, subject="\U0001f4b8" * 500_000, rule="r" * 100_000, incident="\u202e" * 9000),
    "deep": Parcel("k", parcel(1).line.replace(b'"1.25"', DEEP.encode())),
    "quotes": parcel(1, title="'); DROP TABLE alerts; -- %s %(id)s :id", rule='"'),
    "no characters": parcel(1, title="\ufffe\uffff\udbff".encode("utf-8", "replace").decode()),
    "key twice": Parcel("k", parcel(1).line.replace(b'{"type"', b'{"title":"x","type"')),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(database, receiver, name):
    """Whatever an alert holds, it is stored, and so is the one after it."""
    receiver(database.url).send([HOSTILE[name], parcel(2)])
    assert database.rows("SELECT count(*) FROM alerts") == [(2,)]


def test_hostile_values(database, receiver):
    """Numbers beyond 64 bits are null in their columns; texts are cut and have no control characters."""
    receiver(database.url).send([HOSTILE["NUL"], HOSTILE["huge numbers"]])
    found = database.rows("SELECT rev, title, subject, block, time, n FROM alerts ORDER BY rev")
    assert found[0][:3] == (0, "a\\x00b", "\\x00")
    assert found[1][0] == 2**63 - 1
    assert found[1][3:] == (None, None, None)


@pytest.mark.postgresql
def test_nul_in_jsonb(postgres, receiver):
    """jsonb has no NUL: it is U+FFFD there, and what only looks like one stays."""
    url = postgres.database()
    receiver(url).send([HOSTILE["NUL"]])
    ((record,),) = postgres.rows(url, "SELECT json->'record' FROM alerts")
    assert record["\ufffd"] == "\\\\u0000 \\ \ufffd"


@pytest.mark.postgresql
def test_one_that_is_refused(postgres, receiver):
    """One alert that the database refuses is found out; those before it count as taken."""
    url = postgres.database()
    made = receiver(url)
    made.send([parcel(0)])
    postgres.rows(url, "ALTER TABLE alerts ADD CHECK (title <> 'x')")
    with pytest.raises(NotTaken, match="SQLSTATE 23514") as caught:
        made.send([parcel(1), parcel(2), parcel(3, title="x"), parcel(4)])
    assert (caught.value.only_this, caught.value.taken) == (True, 2)
    assert postgres.rows(url, "SELECT count(*) FROM alerts") == [(3,)]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("id text, rev bigint", "has no column status"),
        ("{whole}, PRIMARY KEY (id)", r"\(id, rev\) is no key"),
        ("{whole}", r"\(id, rev\) is no key"),
        ("{other}, PRIMARY KEY (id, rev)", "column usd of its table alerts is no DOUBLE"),
    ],
)
def test_another_table(database, receiver, shape, words):
    """A table of another shape is left alone, and said, with the remedy; once it is gone, alerts go in."""
    json_type = "jsonb" if database.url.startswith("p") else "text"
    whole = (
        "id text, rev bigint, status text, rule text, category text, severity text, chain text, tx text,"
        " subject text, role text, title text, score smallint, block bigint, time bigint, n bigint,"
        f" incident text, usd double precision, shadow boolean, json {json_type}"
    )
    other = whole.replace("usd double precision", "usd text")
    database.rows(f"CREATE TABLE alerts ({shape.format(whole=whole, other=other)})")
    made = receiver(database.url)
    with pytest.raises(NotTaken, match=f"{words}.*; name another by") as caught:
        made.send([parcel(1)])
    assert not caught.value.only_this
    receiver(f"{database.url}?table=mine").send([parcel(1)])
    assert database.rows("SELECT count(*) FROM mine_latest") == [(1,)]
    database.rows("DROP TABLE alerts")
    made.send([parcel(1)])
    assert database.rows("SELECT count(*) FROM alerts") == [(1,)]


def test_own_table_of_the_user(database, receiver):
    """A table with more columns will do; if it goes while alerts come, it is made anew."""
    made = receiver(database.url)
    made.send([parcel(1)])
    database.rows("ALTER TABLE alerts ADD COLUMN handled_by text")
    receiver(database.url).send([parcel(2)])
    assert database.rows("SELECT count(*) FROM alerts WHERE handled_by IS NULL") == [(2,)]
    database.rows("DROP VIEW alerts_latest")
    database.rows("DROP TABLE alerts")
    with pytest.raises(NotTaken, match=r"SQLSTATE 42P01|no such table"):
        made.send([parcel(3)])
    made.send([parcel(3)])
    assert database.rows("SELECT count(*) FROM alerts_latest") == [(1,)]


@pytest.mark.postgresql
def test_server_goes_away(postgres, receiver):
    """A server that is gone is a failure; once it is back, alerts go in."""
    url = postgres.database()
    made = receiver(url)
    made.send([parcel(1)])
    postgres.stop()
    try:
        with pytest.raises(NotTaken, match="no connection") as caught:
            made.send([parcel(2)])
        assert not caught.value.only_this
    finally:
        postgres.start()
    made.send([parcel(2)])
    assert postgres.rows(url, "SELECT count(*) FROM alerts") == [(2,)]


WAITS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@contextlib.contextmanager
def locked(server, url):
    """Nobody else gets at the table."""
    with psycopg.connect(server.conninfo(url.rpartition("/")[2])) as connection:
        connection.execute("LOCK TABLE alerts IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.postgresql
def test_statements_do_not_last(postgres, receiver, monkeypatch):
    """What lasts too long is broken off by the server, and tried again."""
    url = postgres.database()
    made = receiver(url)
    made.send([parcel(1)])
    monkeypatch.setattr(sql, "_QUIET_S", 0.1)
    with locked(postgres, url), pytest.raises(NotTaken, match="SQLSTATE 57014"):
        made.send([parcel(2)])
    made.send([parcel(2)])


@pytest.mark.postgresql
def test_close_breaks_off(postgres, receiver):
    """At the end of a run what is under way is broken off, and not committed."""
    url = postgres.database()
    made = receiver(url)
    made.send([parcel(1)])
    with ThreadPoolExecutor() as pool, locked(postgres, url):
        sent = pool.submit(made.send, [parcel(2)])
        until(lambda: postgres.rows(url, WAITS))
        made.close()
        assert isinstance(sent.exception(20), NotTaken)
    assert postgres.rows(url, "SELECT count(*) FROM alerts") == [(1,)]


@pytest.mark.postgresql
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "UTF8", "UTF8?client_encoding=latin1"])
def test_other_encodings(postgres, receiver, encoding):
    """What a database has no character for is written out: nobody keeps an alert out of it by a symbol."""
    encoding, _, more = encoding.partition("?")
    url = postgres.database(encoding)
    made = receiver(f"{url}?{more}")
    money = {**ALERT, "title": '\U0001f4b8 \u0142 \0 \\u0142 "', "\u0142": ["caf\u00e9"]}
    escaped = Parcel(f"{ALERT['id']}:0", json.dumps(money, ensure_ascii=True).encode())
    made.send([parcel(1, title="caf\u00e9"), parcel(2), parcel(3, title="\U0001f4b8"), escaped, parcel(4)])
    texts = [f"convert_to({text}, getdatabaseencoding()::name)" for text in ("id", "title", "json->>'title'")]
    rows = postgres.rows(url, f"SELECT {', '.join(texts)} FROM alerts")  # noqa: S608 - of constants
    found = {bytes(one).decode(): [bytes(text) for text in texts] for one, *texts in rows}
    assert len(found) == 5
    shown = b"\\U0001f4b8" if encoding == "LATIN1" or more else "\U0001f4b8".encode()
    assert found[f"{3:032x}"] == [shown, shown]
    assert found[ALERT["id"]][1].startswith(shown)


@contextlib.contextmanager
def stopped(server, url):
    """The process that serves txalert in a database does nothing, and keeps its connection."""
    name = url.rpartition("/")[2]
    query = "SELECT datname, pid FROM pg_stat_activity WHERE application_name = 'txalert'"
    pid = dict(server.rows(url, query))[name]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.postgresql
def test_server_hangs(postgres):
    """A server that was stopped, not ended, since the last batch is left for a new connection."""
    url = postgres.database()
    made = sql.SqlReceiver(url, send_s=0.5)
    made.send([parcel(1)])
    with stopped(postgres, url):
        made.send([parcel(2)])
    made._engine.dispose()
    assert postgres.rows(url, "SELECT count(*) FROM alerts") == [(2,)]


@pytest.mark.postgresql
def test_server_hangs_in_a_batch(postgres):
    """One that is stopped in the middle of a batch is given up: it never comes to its own time limit."""
    url = postgres.database()
    made = sql.SqlReceiver(url, send_s=2)
    made.send([parcel(1)])
    with ThreadPoolExecutor() as pool, locked(postgres, url):
        sent = pool.submit(made.send, [parcel(2)])
        until(lambda: postgres.rows(url, WAITS))
        with stopped(postgres, url):
            assert isinstance(sent.exception(20), NotTaken)
    made.send([parcel(2)])
    made._engine.dispose()
    assert postgres.rows(url, "SELECT count(*) FROM alerts") == [(2,)]


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (":s3cret%2Fpass@", ":hidden@", "it refuses the user or password"),
        ("owner:s3cret%2Fpass@", "owner@", "it refuses the user or password"),
        ("/d", "/hidden", "it has no such database or user"),
        ("127.0.0.1", "hidden.invalid", "no such host"),
        ("?", "?sslmode=hidden", "its URL has an option that makes no sense"),
        ("?", "?connect_timeout=hidden", "its URL has an option that makes no sense"),
    ],
)
def test_nobody_gets_in(postgres, receiver, monkeypatch, before, after, words):
    """Why there is no way in is said in a few words, and nothing that may be secret."""
    monkeypatch.setenv("PGPASSFILE", "/nowhere")
    with pytest.raises(NotTaken, match=f"^{words}$"):
        receiver(f"{postgres.database()}?".replace(before, after)).send([parcel(1)])


def test_nobody_listens(receiver):
    """A port on which nobody listens is no connection."""
    with pytest.raises(NotTaken, match=r"^no connection$"):
        receiver(f"postgres://me:hidden@127.0.0.1:{closed_port()}/db").send([parcel(1)])


@pytest.mark.parametrize(
    ("path", "words"),
    [("/nowhere/a.db", "unable to open database file"), ("/dev/full", "cannot be written"), ("/", "unable")],
)
def test_no_file(receiver, path, words):
    """A file that cannot be opened is a failure like any other: what is for it waits."""
    with pytest.raises(NotTaken, match=words):
        receiver(f"sqlite:///{path}").send([parcel(1)])


def test_no_database(receiver, tmp_path):
    """A file that is no database stays as it is."""
    (tmp_path / "notes.txt").write_text("mine" * 1000)
    with pytest.raises(NotTaken, match="file is not a database"):
        receiver(f"sqlite:///{tmp_path}/notes.txt").send([parcel(1)])
    assert (tmp_path / "notes.txt").read_text() == "mine" * 1000


def test_locked_file(receiver, tmp_path, monkeypatch):
    """A file that another writes to all the time is waited for, but not for ever."""
    made = receiver(f"sqlite:///{tmp_path}/a.db")
    monkeypatch.setattr(sql, "_QUIET_S", 0.1)
    made.send([parcel(1)])
    with contextlib.closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(NotTaken, match="database is locked"):
            made.send([parcel(2)])
        other.execute("COMMIT")
    made.send([parcel(2)])


def test_names():
    """A name has host and port, no user, password or database; a new password leaves it as it is."""
    one, two = (opened(f"postgresql://me:{word}@db:5433/prod", Outfit()).name for word in ("a", "hidden"))
    assert one == two
    assert one.startswith("postgresql://db:5433#")
    assert one != opened("postgresql://me:a@db:5433/test", Outfit()).name
    assert opened("sqlite:///a.db", Outfit()).name == "sqlite:a.db"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:", "write postgresql://USER@HOST"),
        ("sqlite://", "write postgresql://USER@HOST"),
        ("sqlite:///", "write postgresql://USER@HOST"),
        ("sqlite:///:memory:", "write postgresql://USER@HOST"),
        ("sqlite://a.db", "write postgresql://USER@HOST"),
        ("sqlite:///a.db?mode=ro", "write postgresql://USER@HOST"),
        ("postgresql://h/d?sslmod=hidden", "libpq knows no sslmod; write postgresql://USER@HOST"),
        ("postgresql:hidden", "write postgresql://USER@HOST"),
        ("postgresql://hidden:port/x", "write postgresql://USER@HOST"),
        ("sqlite:///a.db?table=x;y", "table is no name"),
        ("sqlite:///a.db?table=Alerts", "table is no name"),
        ("sqlite:///a.db?table=a&table=b", "table is no name"),
    ],
)
def test_no_receiver(url, words):
    """What is no receiver is refused with what one looks like; none of its secrets is repeated."""
    with pytest.raises(ReceiverFault, match=words) as caught:
        opened(url, Outfit())
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("module", "url", "missing"),
    [
        ("txpipe.alerts.receivers.sql", "sqlite:///a.db", "txpipe.alerts.receivers.sql"),
        ("psycopg", "postgresql://h/d", "psycopg"),
    ],
)
def test_without_the_extra(monkeypatch, module, url, missing):
    """Without the extra, or its driver, its name is said before anything is taken."""
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delattr(receivers, "sql", raising=False)
    with pytest.raises(ReceiverFault, match=rf"{missing} is missing: pip install 'txpipe\[sql\]'"):
        opened(url, Outfit())


def test_command(database, tmp_path):
    """txalert --to delivers there, from a spool too, and shows no secret."""
    lines = b"".join(parcel(number).line + b"\n" for number in range(300))
    command = [script("txalert"), "--to", database.url, "--spool", tmp_path / "spool", "--no-stats"]
    for _ in range(2):
        done = subprocess.run(command, input=lines, capture_output=True, check=False, timeout=120)
        assert (done.returncode, done.stdout, done.stderr) == (0, lines, b"")
    assert database.rows("SELECT count(*) FROM alerts_latest") == [(300,)]
    assert b"s3cret" not in b"".join(path.read_bytes() for path in (tmp_path / "spool").iterdir())


@pytest.mark.postgresql
def test_command_says_no_more_than_it_must(postgres):
    """What drivers log of a broken transaction, with user and host, is kept off stderr."""
    url = postgres.database("LATIN1")
    command = [script("txalert"), "--to", url, "--no-stats"]
    money = parcel(1, title="\U0001f4b8").line
    done = subprocess.run(command, input=money, capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.postgresql
def test_command_while_the_server_is_away(postgres, tmp_path):
    """What comes while the server is away is in the spool, and in the database once it is back."""
    url = postgres.database()
    command = [script("txalert"), "--to", url, "--spool", tmp_path / "spool", "--no-stats", "--drain", "0.5"]
    postgres.stop()
    try:
        away = subprocess.run(command, input=parcel(1).line, capture_output=True, check=False, timeout=120)
    finally:
        postgres.start()
    assert away.returncode == 1
    assert b": no connection; what is for it is kept and tried again\n" in away.stderr
    assert b"s3cret" not in away.stderr
    command[-1] = "30"
    back = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=120)
    assert (back.returncode, back.stderr) == (0, b"")
    assert postgres.rows(url, "SELECT count(*) FROM alerts") == [(1,)]
