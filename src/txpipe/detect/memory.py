"""What a detector knows, as parts of a state file and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from txpipe.detect.account import Account
from txpipe.detect.conduct import Conduct
from txpipe.detect.state import Part
from txpipe.detect.voice import Voice

ACCOUNTS = "accounts"
CHAIN = "chain"
JOURNAL = "journal"
VOICE = "voice"


def parts_of(conduct: Conduct | None, voice: Voice) -> Iterator[tuple[str, Iterable[Any]]]:
    """Yield everything that must survive, streamed."""
    yield VOICE, voice.saved()
    for name, watch in conduct.chains.items() if conduct else ():
        tracker = watch.tracker
        yield CHAIN, [(name, tracker.saved(), tracker.assets.saved(), tracker.accounts.forgotten)]
        yield ACCOUNTS + " old " + name, (account.saved() for account in tracker.accounts.old.values())
        yield ACCOUNTS + " young " + name, (account.saved() for account in tracker.accounts.young.values())
        yield JOURNAL + " " + name, tracker.journal.saved()


def restore(parts: Iterable[Part], conduct: Conduct | None, voice: Voice) -> None:
    """Put everything back into a new detector of the same version."""
    shared: dict[str, str] = {}
    for kind, items in parts:
        if kind == VOICE:
            voice.restore(items)
        elif conduct is None:
            continue
        elif kind == CHAIN:
            for name, transaction, assets, forgotten in items:
                tracker = conduct.watch(name).tracker
                tracker.restore(transaction)
                tracker.assets.restore(assets)
                tracker.accounts.forgotten = forgotten
        elif kind.startswith(JOURNAL):
            conduct.chains[kind.split(" ", 1)[1]].tracker.journal.restore(items)
        else:
            _, age, name = kind.split(" ", 2)
            accounts = conduct.chains[name].tracker.accounts
            kept = accounts.young if age == "young" else accounts.old
            _fill(kept, items, shared)


def _fill(kept: dict[str, Account], items: list[Any], shared: dict[str, str]) -> None:
    """Put accounts back, sharing the texts that name one another."""

    def known(text: str) -> str:
        return shared.setdefault(text, text)

    for values in items:
        account = Account.restored(values, known)
        kept[account.address] = account
