"""Fixtures and switches of the whole suite."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import alertmanager_kit
import browser_kit
import coin_kit
import dash_kit
import node_kit
import postgres_kit
import terminal_kit

# A loaded machine is no failure, and the same commit gives the same verdict.
settings.register_profile(
    "txpipe", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("txpipe")

CHECKOUT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("TXPIPE_DATA", CHECKOUT.parent / "shared" / "data"))


def pytest_addoption(parser):
    parser.addoption("--update-cases", action="store_true", help="rewrite tests/cases expectations")


NEEDS = {
    "shared_data": (DATA.is_dir(), f"no real data at {DATA}; set TXPIPE_DATA"),
    "anvil": (node_kit.ANVIL, "no anvil; npm ci --prefix tests/nodes --ignore-scripts"),
    "chromium": (browser_kit.CHROMIUM, "no Chromium, Playwright or axe-core; apt-get install chromium"),
    "litecoind": (coin_kit.LITECOIND, "no litecoind; apt-get install litecoind"),
    "alertmanager": (
        alertmanager_kit.ALERTMANAGER,
        "no Alertmanager; apt-get install prometheus-alertmanager",
    ),
    "kcat": (shutil.which("kcat"), "no kcat; apt-get install kcat"),
    "nginx": (
        shutil.which("nginx") and shutil.which("openssl"),
        "no nginx; apt-get install nginx-light openssl",
    ),
    "postgresql": (postgres_kit.BIN, "no PostgreSQL server; apt-get install postgresql"),
    "tmux": (terminal_kit.TMUX, "no tmux; apt-get install tmux"),
    "socketio": (dash_kit.SOCKETS, "no socket.io-client; npm ci --prefix tests/nodes --ignore-scripts"),
}
"""By marker: whether what the test needs is there, and what to do if not."""


def pytest_collection_modifyitems(items):
    """Skip what needs the real public data, or a real node, where it is absent."""
    for item in items:
        for marker, (is_there, reason) in NEEDS.items():
            if not is_there and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def data():
    """The folder of real public data (mark the test ``shared_data``)."""
    return DATA


@pytest.fixture
def checkout():
    return CHECKOUT


@pytest.fixture
def anvil():
    """A real node of the test's own (mark the test ``anvil``)."""
    with node_kit.Anvil() as node:
        yield node


@pytest.fixture
def litecoind(tmp_path):
    """A real node of the test's own, with coins to spend (mark the test ``litecoind``)."""
    with coin_kit.Litecoind(tmp_path / "node") as node:
        node.mine(coin_kit.SPENDABLE)
        yield node


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL (mark the test ``postgresql``)."""
    with postgres_kit.Running() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def store_url(request, tmp_path):
    """Where a dashboard's store of the test's own is."""
    if request.param == "sqlite":
        return str(tmp_path / "dash.db")
    return request.getfixturevalue("postgres").database()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    """No test reads or fills the user's cache of compiled lists."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("NO_COLOR", raising=False)


def script(name):
    """The path of an installed command, beside the interpreter that runs the tests."""
    return str(Path(sys.executable).parent / name)


def pytest_sessionfinish(session):
    """Where everything is installed (TXPIPE_NO_SKIP), a skipped test is a failure that would hide."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("TXPIPE_NO_SKIP") and reporter and reporter.stats.get("skipped"):
        reporter.write_line("skipped tests are failures here (TXPIPE_NO_SKIP)", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
