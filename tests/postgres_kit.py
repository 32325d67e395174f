"""A real PostgreSQL for tests: a cluster of its own in its own folder, on a free port and a unix socket."""

import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg

from receiver_kit import closed_port

PASSWORD = "s3cret/pass"  # noqa: S105 - of a server that only its test can reach


def _found():
    """The folder of the newest server's programs; Debian has them on no PATH."""
    if named := os.environ.get("TXPIPE_POSTGRES"):
        return named
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = shutil.which("initdb")
    return str(folders[-1]) if folders else str(Path(on_path).parent) if on_path else None


BIN = _found()


class Running:
    """A server; use it in a ``with``.

    Attributes:
        port: where it listens, over restarts, too.
        folder: of the unix socket, and of all its files.
    """

    def __init__(self):
        self.port = closed_port()
        self._names = itertools.count()

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="pg")
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(self.folder, "postgres", "postgres")
        try:
            password = Path(self.folder, "password")
            password.write_text(PASSWORD)
            password.chmod(0o644)
            self._run(
                *("initdb", "--pgdata=data", "--username=owner", "--pwfile=password", "--no-sync"),
                *("--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C"),
            )
            self.start()
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder)

    def start(self):
        """Start it, also once more after ``stop``, and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "--pgdata=data", "--wait", "--log=log", f"--options={options}", "start")

    def stop(self):
        """Stop it, breaking connections off."""
        self._run("pg_ctl", "--pgdata=data", "--wait", "--mode=immediate", "stop")

    def database(self, encoding="UTF8"):
        """Make a database; return its URL by TCP, password and all."""
        name = f"d{next(self._names)}"
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'")
        return f"postgresql://owner:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{self.port}/{name}"

    def conninfo(self, database):
        """How a test gets in, by the unix socket."""
        return f"host={self.folder} port={self.port} user=owner dbname={database}"

    def rows(self, url, query):
        """Return what a query gives in the database of a URL."""
        database = url.rpartition("/")[2].partition("?")[0]
        with psycopg.connect(self.conninfo(database), autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program, *args):
        as_user = (
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        )
        subprocess.run(
            [*as_user, f"{BIN}/{program}", *args],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=120,
        )
