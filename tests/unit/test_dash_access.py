"""Who may look: passwords under guessing."""

import threading

import pytest

from txpipe.dashboard import access as module
from txpipe.dashboard.access import Access, TooManyTries


@pytest.fixture
def access(monkeypatch):
    """One user, whose password is right."""
    monkeypatch.setattr(module, "verify", lambda typed, _: typed == "right")
    return Access({}, {"ann": ("analyst", "")}, lambda: 0.0)


def tries(access, count, name, peer):
    """Guess; return how often one was let."""
    done = 0
    for _ in range(count):
        try:
            access.log_in(name, "wrong", peer)
        except TooManyTries:
            break
        done += 1
    return done


def test_an_address_tries_ten_times(access):
    """Ten tries a minute for an address, and for a network of IPv6, however many addresses it has."""
    assert tries(access, 20, "x", "192.0.2.1") == 10
    assert sum(tries(access, 1, "y", f"2001:db8:1:2::{number:x}") for number in range(20)) == 10
    assert tries(access, 1, "y", "2001:db8:1:3::1") == 1


def test_one_address_keeps_nobody_out(access):
    """Who guesses from one address does not keep the user out; who guesses from many is stopped."""
    tries(access, 100, "ann", "192.0.2.1")
    assert access.log_in("ann", "right", "192.0.2.2")[0].name == "ann"
    assert sum(tries(access, 10, "ann", f"198.51.100.{number}") for number in range(20)) < 50


def test_passwords_that_wait_are_few(access, monkeypatch):
    """Many at once do not take the threads that answer others."""
    going = threading.Event()
    monkeypatch.setattr(module, "verify", lambda *_: going.wait(30))
    said = []

    def log_in(number):
        try:
            access.log_in("ann", "right", f"192.0.2.{number}")
        except TooManyTries:
            said.append(number)

    threads = [threading.Thread(target=log_in, args=(number,)) for number in range(20)]
    for each in threads:
        each.start()
    for each in threads[-5:]:
        each.join(10)
        assert not each.is_alive()
    going.set()
    for each in threads:
        each.join(30)
    assert len(said) == 12
