"""A scorecard's forms for people: hostile names stay text, and a page needs nothing else."""

import re
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from txpipe.errors import UsageFault
from txpipe.score import card, page, plots, table
from txpipe.score.found import Found
from txpipe.score.report import Evidence, rows
from txpipe.score.truth import Truth

HOSTILE = '<script>alert("1")</script>|`$x_{$![i](http://e.example)\x1b[31m\u202e&amp;@you'


def scorecard(name="poisoning", rule="dust", hit="a", transactions=102):
    """One fraud a, one twin b, one alert on ``hit``."""
    truth, found = Truth(), Found("medium")
    for tx, fraud in (("a", True), ("b", False)):
        truth.add(
            "labels",
            {
                "chain": "c",
                "tx": tx,
                "scenario": name,
                "variant": name,
                "instance": 0,
                "fraud": fraud,
                "time": 7,
            },
        )
    truth.settle()
    if hit:
        found.add(
            {
                "id": "1",
                "rev": 0,
                "status": "open",
                "severity": "high",
                "score": 80,
                "rule": rule,
                "chain": "c",
                "tx": hit,
                "time": 9,
            }
        )
    return rows(Evidence(truth, found, "medium", transactions, transactions and transactions - 2))


def test_human():
    """Columns: names to the left, numbers to the right; intervals in whole percent."""
    shown = card.written(scorecard(), "human").decode()
    assert (
        "\nRecall: what was found; instances that go on behind the end of the stream apart, as cut off\n"
        "  scenario   variant    instances     recall (95 %)  cut off  transactions     recall (95 %)\n"
        "  all        all              1/1  100.0 % (21-100)        -           1/1  100.0 % (21-100)\n"
        "  all        poisoning        1/1  100.0 % (21-100)        -           1/1  100.0 % (21-100)\n"
        "  poisoning  poisoning        1/1  100.0 % (21-100)        -           1/1  100.0 % (21-100)\n"
    ) in shown
    assert not any(line != line.rstrip() for line in shown.splitlines())


def test_markdown():
    """A row under headings, its numbers aligned to the right."""
    shown = card.written(scorecard(), "markdown").decode()
    assert (
        "**Recall by rule**: which rule found what\n\n"
        "| rule | scenario | variant | instances | recall (95 %) | transactions | recall (95 %) |\n"
        "| --- | --- | --- | ---: | ---: | ---: | ---: |\n"
        "| dust | poisoning | poisoning | 1/1 | 100.0 % (21-100) | 1/1 | 100.0 % (21-100) |\n"
    ) in shown


def test_unknown_numbers():
    """What is not known is a dash; what is nothing is 0."""
    shown = card.written(scorecard(hit="b", transactions=None), "human").decode()
    assert re.search(r"\n  all transactions +-\n", shown)
    assert re.search(r"\n  medium +1 +0 +1 +0 +0\.0 % \(0-79\) +- ", shown)


@pytest.mark.parametrize("form", ["human", "markdown"])
def test_hostile_names_as_text(form):
    """No control character, no escape sequence and no turned direction reaches a terminal."""
    shown = card.written(scorecard(HOSTILE, HOSTILE), form).decode()
    assert all(line.isprintable() for line in shown.splitlines())
    assert "<script>" not in shown or form == "human"


def test_hostile_names_in_markdown():
    """Every mark of Markdown is written as itself, and no cell breaks out of its column."""
    shown = card.written(scorecard(HOSTILE, HOSTILE), "markdown").decode()
    row = max(shown.splitlines(), key=lambda line: line.count("script"))  # rule, scenario and variant
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 8
    assert not re.search(r"(?<!\\)(?:\\\\)*[<`$!\[@:]", row)


class Seen(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text = set(), [], []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for key, value in attrs if key in {"src", "href"} or key.startswith("on")]

    def handle_data(self, data):
        self.text.append(data)


def seen(content):
    found = Seen()
    found.feed(content.decode())
    return found


def svg(content):
    return ET.fromstring(content)  # noqa: S314 - of our own making


def test_page():
    """One file: no script, nothing fetched, figures inside."""
    found = seen(card.as_page(scorecard(HOSTILE, HOSTILE)))
    assert "script" not in found.tags
    assert len(found.links) == 4
    assert all(link.startswith("data:image/svg+xml;base64,") for link in found.links)
    assert any('<script>alert("1")' in text for text in found.text)


def test_figures():
    """Well-formed SVG without links to elsewhere, whatever the names."""
    for title, drawn in plots.figures(scorecard(HOSTILE, HOSTILE)):
        links = [value for element in svg(drawn).iter() for key, value in element.items() if "href" in key]
        assert all(link.startswith("#") for link in links), title
        assert b"<script" not in drawn


def test_figures_are_the_same_bytes():
    """Same scorecard, same page."""
    assert card.as_page(scorecard()) == card.as_page(scorecard())


def test_figures_of_nothing_found():
    """Without alerts there is recall, which is 0, and nothing else to draw."""
    assert [title for title, _ in plots.figures(scorecard(hit=None))] == [
        "Recall of instances, with 95 % intervals"
    ]


def test_many_groups_are_cut_in_figures():
    """A figure stays of a size that can be looked at."""
    rows = [row for number in range(100) for row in scorecard(f"s{number:03}") if row["part"] == "recall"]
    drawn = dict(plots.figures(rows))["Recall of instances, with 95 % intervals"]
    assert float(svg(drawn).get("height").removesuffix("pt")) < 1000


def test_page_without_figures():
    """Tables stand alone."""
    (section,) = list(table.sections(scorecard()))[:1]
    content = page.page([section], []).decode()
    assert "<tr><td>labels</td><td class=n>2</td></tr>" in content


def test_without_matplotlib(monkeypatch):
    """Who lacks the extra is told how to get it, before any work is done."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageFault, match=r"pip install 'txpipe\[plots\]'"):
        plots.require()
