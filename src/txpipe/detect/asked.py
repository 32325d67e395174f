"""What txdetect does besides detecting: print its settings, check a rule file, explain alerts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from txpipe import stream
from txpipe.detect.explain import explained
from txpipe.detect.plugin import own_rules
from txpipe.detect.rulefile import RuleFile, written
from txpipe.detect.rules import CONDUCT, RULES
from txpipe.errors import RecordFault, UsageFault
from txpipe.record import loads
from txpipe.sink import Sink


def check_rules(rule_file: str | None, say: Callable[[str], None]) -> int:
    """Say everything that is wrong with a rule file; 1 if something is, else 0.

    Raises:
        UsageFault: there is no file, or it is no TOML.
    """
    if rule_file is None:
        raise UsageFault("--check looks at a rule file; name it with --rules FILE")
    faults = RuleFile(rule_file, RULES, CONDUCT).faults
    for fault in faults:
        say(fault)
    return 1 if faults else 0


def explain(file: str, say: Callable[[str], None], sink: Sink, plugins: Sequence[str] = ()) -> int:
    """Read alerts from a file and write what each says in plain words; 1 if there were bad lines, else 0.

    Args:
        file: the alerts; - is stdin.
        say: takes a message for people.
        sink: takes the words.
        plugins: Python files with rules of the user's own.

    Raises:
        RuleFault: one of them cannot be used.
    """
    own = own_rules(plugins)[0]
    bad = stream.BadLines(say)
    source = stream.open_source(file)
    for number, line in stream.numbered_lines(source, sink.flush, bad):
        try:
            sink.write(explained(loads(line), own).encode())
        except RecordFault as fault:
            bad.report(source.name, number, str(fault))
    return 1 if bad.count else 0


def print_rules(sink: Sink) -> int:
    """Write the defaults of all rules as a rule file."""
    sink.write(written(RULES, CONDUCT).encode())
    return 0
