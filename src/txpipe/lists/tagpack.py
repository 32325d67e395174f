"""GraphSense TagPacks: a YAML header whose fields its tags inherit.

Format: https://github.com/graphsense/graphsense-tagpack-tool, "TagPacks".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from txpipe.errors import ListFault
from txpipe.lists import words
from txpipe.lists.entry import Entry
from txpipe.lists.objects import row_of
from txpipe.lists.reading import Reading

WHOLE_LIMIT = 8 << 20
"""Bytes of a TagPack; the largest published ones have a few."""

_DEPTH = 20
_NODES = 500_000
"""Texts, lists and mappings in a TagPack, at up to a kilobyte of memory each; a tag has about a dozen."""
_INHERITED = ("label", "category", "source", "asset")


def read_tagpack(path: str, content: bytes, reading: Reading) -> Iterator[Entry]:
    """Read the tags of a TagPack; its list date is ``lastmod``.

    Raises:
        ListFault: PyYAML is not installed, no YAML, anchors or aliases in it, too many values, or no
            tags.
    """
    pack = _loaded(path, content)
    tags = pack.get("tags") if isinstance(pack, dict) else None
    if not isinstance(tags, list):
        raise ListFault(path, "is YAML without a list of tags; only TagPacks are understood")
    lastmod = pack.get("lastmod")
    if isinstance(lastmod, str):
        reading.date = words.day(lastmod) or ""
    header = {role: text for role, text in row_of(pack).items() if role in _INHERITED}
    for number, tag in enumerate(tags, 1):
        row = row_of(tag) if isinstance(tag, dict) else {}
        if "address" not in row:
            reading.faults.report(f"{path}#{number}", "is a tag without an address")
            continue
        entry = reading.entry(f"{path}#{number}", header | row)
        if entry:
            yield entry


def _loaded(path: str, content: bytes) -> Any:
    """Load YAML as nothing but texts, lists and mappings.

    The base loader makes no other types: an unquoted 0x… stays text where safe_load makes it a number, and an
    impossible date does not end the whole file.
    """
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError as exc:
        raise ListFault(path, "is YAML, which needs PyYAML: pip install 'txpipe[yaml]'") from exc
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        depth = nodes = 0
        for event in yaml.parse(content, Loader=loader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise ListFault(path, "has YAML anchors or aliases; write the values out")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEPTH:
                raise ListFault(path, f"is nested more than {_DEPTH} deep")
            nodes += isinstance(event, yaml.NodeEvent)
            if nodes > _NODES:
                raise ListFault(path, f"has more than {_NODES:,} values; give it as NDJSON, CSV or text")
        return yaml.load(content, Loader=loader)  # noqa: S506 - the base loader builds no objects
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise ListFault(path, f"is no YAML: {' '.join(str(exc).split())[:200]}") from exc
