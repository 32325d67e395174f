"""A scorecard as one HTML page that needs nothing else: its figures are inside, it fetches nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape

from txpipe.score.table import Section

# Figures are images, in which no script runs; the policy forbids whatever an escape might have missed.
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>txscore</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto }
td, th { padding: 2px 10px; text-align: left; border-bottom: 1px solid #e2e8f0; white-space: nowrap }
.n { text-align: right; font-variant-numeric: tabular-nums }
figure { margin: 1em 0 } img { max-width: 100% } figcaption { font-weight: bold }
</style>
</head>
<body>
<h1>txscore</h1>
"""
_TAIL = "</body>\n</html>\n"


def page(tables: Iterable[Section], figures: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the page.

    Args:
        tables: their text is escaped here.
        figures: title and SVG of each.
    """
    parts = [_HEAD, *map(_figure, figures), *map(_table, tables), _TAIL]
    return "".join(parts).encode()


def _figure(figure: tuple[str, bytes]) -> str:
    title, svg = (escape(figure[0]), b64encode(figure[1]).decode())
    image = f'<img alt="{title}" src="data:image/svg+xml;base64,{svg}">'
    return f"<figure><figcaption>{title}</figcaption>{image}</figure>\n"


def _table(table: Section) -> str:
    lines = [_line("th", table.headings, table.texts)] if any(table.headings) else []
    lines += [_line("td", line, table.texts) for line in table.lines]
    note = f"<p>{escape(table.note)}</p>\n" if table.note else ""
    return f"<h2>{escape(table.title)}</h2>\n{note}<table>\n{''.join(lines)}</table>\n"


def _line(tag: str, cells: tuple[str, ...], texts: int) -> str:
    shown = (
        f"<{tag}{' class=n' if place >= texts else ''}>{escape(cell)}</{tag}>"
        for place, cell in enumerate(cells)
    )
    return f"<tr>{''.join(shown)}</tr>\n"
