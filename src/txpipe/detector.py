"""txdetect as a library: the same detector over any iterator of records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from txpipe.detect import setup
from txpipe.lists.option import ListChoice, default_allow, parse_list
from txpipe.record import dumps, loads

Record = Mapping[str, Any]
"""One record or alert, as README's "Records" describes them."""


class Detector:
    """Finds risky transactions in records; one detector follows one stream.

    The same records give the same alerts as ``txdetect`` with the same lists and rules.
    """

    def __init__(  # noqa: PLR0913 - one argument an option of txdetect
        self,
        *,
        lists: str | PathLike[str] | Iterable[str | PathLike[str]] = (),
        allow: str | PathLike[str] | Iterable[str | PathLike[str]] = (),
        default_allow_list: bool = True,
        allow_sanctions: bool = False,
        only: str | None = None,
        leave_out: str | None = None,
        rules: str | PathLike[str] | None = None,
        max_memory: int | None = None,
    ) -> None:
        """Open the lists and set the rules.

        Args:
            lists: one blocklist or several, text or compiled; ``category=theft:FILE`` as for ``--list``.
            allow: allow-lists.
            default_allow_list: use the shipped allow-list, too.
            allow_sanctions: let allow-lists silence sanctions.
            only: comma-separated ids of the rules to run; None is every rule.
            leave_out: comma-separated ids of rules not to run.
            rules: a rule file (TOML), as ``txdetect --print-rules`` writes one.
            max_memory: megabytes for the accounts that are remembered; None is no limit.

        Raises:
            UsageFault: a list or a rule file cannot be used, or no rule is called so.
        """
        lists, allow = ([one] if isinstance(one, (str, PathLike)) else one for one in (lists, allow))
        blocked = tuple(parse_list(str(path)) for path in lists)
        allowed = tuple(parse_list(str(path), "allow") for path in allow)
        shipped = (default_allow(),) if default_allow_list else ()
        self.notices: list[str] = []
        self._said: list[dict[str, Any]] = []
        block, allow_index = ListChoice(blocked, shipped + allowed).open(self.notices.append)
        screener = setup.Screener(block, allow_index, allow_sanctions=allow_sanctions)
        rule_file = None if rules is None else str(Path(rules))
        wanted = setup.Options(only, leave_out, rule_file, max_memory=max_memory)
        self._engine = wanted.detector(wanted.rules(), screener, self.notices.append)

    def feed(self, record: Record | bytes | str) -> list[dict[str, Any]]:
        """Take the next record; return its alerts, and those of earlier records that waited for it.

        Args:
            record: an object, or its line.

        Raises:
            RecordFault: it is no valid record; it had no effect. Alerts of earlier records that waited for it
                come with the next one's.
        """
        if isinstance(record, str):
            record = record.encode("utf-8", "surrogateescape")
        line = bytes(record) if isinstance(record, (bytes, bytearray)) else dumps(record)
        for alert in self._engine.feed(line):
            self._said.append(loads(alert))  # one by one: a bad record raises behind what others have said
        return self._taken()

    def end(self) -> list[dict[str, Any]]:
        """Return the alerts that still waited: there are no more records."""
        self._said += map(loads, self._engine.end())
        return self._taken()

    def _taken(self) -> list[dict[str, Any]]:
        said, self._said = self._said, []
        return said

    def alerts(self, records: Iterable[Record | bytes | str]) -> Iterator[dict[str, Any]]:
        """Yield the alerts of a stream of records, each as soon as it is certain.

        Raises:
            RecordFault: one is no valid record.
        """
        for record in records:
            yield from self.feed(record)
        yield from self.end()
