"""Reads what README promises, so that tests can hold it against the code."""

import re

_ROW = re.compile(r"\| `([a-z_]+)` \|\s*(optional)?\s*\| (.*) \|$")


def headings(text, level=3):
    """The words of all headings of a level, outside code blocks, without backticks."""
    marks = "#" * level + " "
    return [line.removeprefix(marks).strip().strip("`") for line in _prose(text) if line.startswith(marks)]


def schema_rows(schema, kind):
    """(key, "" or "optional", meaning) of a record type's keys besides ``type``, in the schema's order."""
    shape = schema["$defs"][kind]
    return [
        (key, "" if key in shape["required"] else "optional", rule["description"])
        for key, rule in shape["properties"].items()
        if key != "type"
    ]


def key_tables(text, kinds):
    """The same rows from README: under a heading that is a record type, | `key` | optional | meaning |."""
    tables = {}
    kind = None
    for line in _prose(text):
        if line.startswith("#"):
            kind = line.lstrip("#").strip().strip("`")
        elif kind in kinds and (row := _ROW.match(line)):
            tables.setdefault(kind, []).append(row.groups(default=""))
    return tables


def _prose(text):
    inside = False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            yield line


def blocks(text, kind):
    """The contents of all code blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
