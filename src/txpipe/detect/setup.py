"""From options to a detector: which rules run, how they are set, what they may remember and where."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from txpipe.detect import plugin
from txpipe.detect.bounds import Bounds
from txpipe.detect.choice import chosen
from txpipe.detect.conduct import Conduct
from txpipe.detect.engine import Engine
from txpipe.detect.finding import Rule
from txpipe.detect.keeper import Keeper
from txpipe.detect.paths import Reading
from txpipe.detect.rulefile import RuleFile
from txpipe.detect.rules import CONDUCT, RULES
from txpipe.detect.rules.counterfeit_token import CounterfeitToken
from txpipe.detect.ruleset import RuleSet
from txpipe.detect.screener import Screener
from txpipe.detect.shadow import Shadowed
from txpipe.detect.state import StateFile
from txpipe.detect.watch import ConductRule
from txpipe.errors import UsageFault
from txpipe.lists.index import Index
from txpipe.prices import Prices
from txpipe.prices import read as read_prices
from txpipe.stream import BadLines, Source

BYTES_AN_ACCOUNT = 900
"""Memory that an account takes on average in mixed traffic, all in: 423 MB for 414,960 accounts. One that
moved once takes 515; ``make bench BENCH=detect`` measures that."""

_NEED_LISTS = ("listed", "mention", "mixer", "exposure")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules to run: about lists, and about conduct with their settings; digests of the Python files."""

    lists: tuple[Rule, ...]
    conduct: RuleSet
    plugins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What a user asked for; names and meaning as txdetect's options.

    Attributes:
        only: comma-separated ids of the rules to run; None is every rule.
        leave_out: comma-separated ids of rules not to run.
        rule_file: settings of rules.
        shadow_file: the same for a second set of rules, on trial.
        plugins: Python files with rules.
        prices: file of prices.
        max_memory: megabytes for the accounts of each chain.
        state: file that keeps what is known.
        state_every: seconds between saves.
        jobs: processes that share the accounts.
    """

    only: str | None = None
    leave_out: str | None = None
    rule_file: str | None = None
    shadow_file: str | None = None
    plugins: Sequence[str] = ()
    prices: str | None = None
    max_memory: int | None = None
    state: str | None = None
    state_every: float = 10.0
    jobs: int = 1

    def rules(self) -> Rules:
        """Return the rules that options, a rule file and Python files ask for.

        Raises:
            UsageFault: no rule is called so, none is left, or a file is wrong.
        """
        return self._rules(self.rule_file)

    def detector(self, rules: Rules, screener: Screener, say: Say) -> Engine | Shadowed:
        """Build what finds; with a second engine beside it if there is a rule file on trial.

        Raises:
            UsageFault: a file is wrong, or state is asked for of rules on trial.
        """
        if self.jobs > 1 and (self.state is not None or self.shadow_file is not None):
            option = "--state" if self.state is not None else "--shadow"
            raise UsageFault(f"{option} works with one process only; leave out --jobs")
        priced = read_prices(self.prices, say) if self.prices else None
        main = self._engine(rules, screener, priced)
        if self.shadow_file is None:
            return main
        if self.state is not None:
            raise UsageFault("--shadow is a trial and keeps no state; leave out --state")
        return Shadowed(main, self._engine(self._rules(self.shadow_file), screener, priced))

    def keeper(
        self, detector: Engine | Shadowed, flush: Callable[[], None], fingerprint: dict[str, Any], say: Say
    ) -> Keeper | None:
        """Restore the detector's state if there is some; return what saves it, None if nobody asked.

        Raises:
            StateFault: the state cannot be believed.
        """
        if self.state is None or isinstance(detector, Shadowed):
            return None
        file = StateFile(Path(self.state))
        keeper = Keeper(file, detector, self.state_every, flush, time.monotonic)
        if said := keeper.begin(fingerprint):
            say(said)
        return keeper

    def reading(
        self,
        detector: Engine | Shadowed,
        source: Source,
        bad: BadLines,
        idle: Callable[[], None],
        keeper: Keeper | None,
    ) -> Reading:
        """Return what reads an input; arguments as ``Reading``'s."""
        if self.jobs == 1 or detector.conduct is None:
            return Reading(detector, source, bad, idle, keeper)
        from txpipe.detect.crew import Crew  # noqa: PLC0415 - multiprocessing costs 20 ms
        from txpipe.detect.sharing import SharedReading  # noqa: PLC0415 - likewise

        if isinstance(detector, Shadowed) or not isinstance(detector.conduct, Crew):
            raise TypeError(detector)
        return SharedReading(detector, detector.conduct, source, bad, idle)

    def _rules(self, rule_file: str | None) -> Rules:
        own, digests = plugin.own_rules(self.plugins)
        if rule_file is None:
            names = chosen(self.only, self.leave_out, own=[rule.ID for rule in own])
            kept = [rule for rule in own if rule.ID in names.own]
            return Rules(names.lists, RuleSet([*names.conduct, *kept]), tuple(digests))
        read = RuleFile(rule_file, RULES, [*CONDUCT, *own])
        ids = [*(rule.ID for rule in own), *read.expressions()]
        names = chosen(self.only, self.leave_out, read.disabled(), ids)
        kept = [rule for rule in own if rule.ID in names.own]
        return Rules(names.lists, read.rule_set([*names.conduct, *kept], names.own), tuple(digests))

    def _engine(self, rules: Rules, screener: Screener, priced: Prices | None) -> Engine:
        budget = None if self.max_memory is None else max(2, self.max_memory * 1_000_000 // BYTES_AN_ACCOUNT)
        wanted = rules.conduct.conduct or rules.conduct.more

        def on(chain: str) -> tuple[Sequence[ConductRule], Bounds]:
            found, bounds = rules.conduct.on(chain)
            for rule in found:
                if isinstance(rule, CounterfeitToken):  # its contract is no party, whose flags would tell
                    rule.allows = screener.allows
            return found, bounds

        allows = None if screener.allow is None else screener.allows  # half of all records ask
        conduct = Conduct(on, allows, budget, priced) if wanted else None
        if conduct is not None and self.jobs > 1:
            from txpipe.detect.crew import Crew  # noqa: PLC0415 - multiprocessing costs 20 ms

            conduct = Crew(conduct, screener, self.jobs)
        return Engine(rules.lists, screener, conduct, rules.conduct.severities)


def idle_without_lists(rules: Rules) -> str | None:
    """Say which rules have nothing to look for without a list; None if none."""
    ids = [rule.ID for rule in rules.lists] + [rule.ID for rule in rules.conduct.conduct]
    idle = [name for name in ids if name in _NEED_LISTS]
    if not idle:
        return None
    named = f"rules {', '.join(idle[:-1])} and {idle[-1]} have" if idle[1:] else f"rule {idle[0]} has"
    return f"no --list given: {named} nothing to look for"


def fingerprint(rules: Rules, block: Index | None, allow: Index | None) -> dict[str, Any]:
    """Say what runs, for a state file: rules with their versions and settings, and lists."""
    conduct = rules.conduct
    versions = [f"{rule.ID}/{rule.VERSION}" for rule in rules.lists]
    versions += [f"{rule.ID}/{rule.VERSION}" for rule in conduct.conduct]
    settings = repr((sorted(conduct.severities.items()), conduct.tracker, conduct.rules, conduct.chains))
    lists = [None if index is None else index.fingerprint for index in (block, allow)]
    return {"rules": versions, "settings": settings, "plugins": list(rules.plugins), "lists": lists}


__all__ = ["Options", "Rules", "Screener", "fingerprint", "idle_without_lists"]
