"""The screen of txdash --tui: keys pressed in it, what is seen, and what the store has afterwards."""

import asyncio
import threading
import time
from dataclasses import replace

import pytest

from dash_kit import SEVERITIES, numbered
from examples import ALERT, HEARTBEAT, LISTED, MATCH, line
from txpipe.dashboard.store import Filter, Store
from txpipe.dashboard.triage import TriageFault
from txpipe.dashboard.tui import head
from txpipe.dashboard.tui.words import age, fit, sparkline, usd

textual = pytest.importorskip("textual", reason="no textual; pip install 'txpipe[tui]'")

from textual.events import Key  # noqa: E402

from txpipe.dashboard.tui.app import DashApp  # noqa: E402 - it needs textual
from txpipe.dashboard.tui.judge import Judge  # noqa: E402
from txpipe.dashboard.tui.outside import Outside, Place  # noqa: E402
from txpipe.dashboard.tui.pages import KEYS, Page, Prompt  # noqa: E402
from txpipe.dashboard.tui.row import Reader  # noqa: E402

NOW = 1_760_000_100
HOSTILE = (
    "gift \x1b[31m\x1b]0;pwn\x07 [bold red]x[/] [@click=app.quit]y[/] \u202egpj.exe\u202c \x9b2J z\u200b"
)


def batch(*records):
    return [(line(record).rstrip(), record) for record in records]


@pytest.fixture
def store(tmp_path):
    """A store of its own whose clock stands still."""
    opened = Store(str(tmp_path / "dash.db"), lambda: NOW)
    yield opened
    opened.close()


def graded(count):
    """Alerts of all severities in turn."""
    return [numbered(number) | {"severity": SEVERITIES[number % 5]} for number in range(count)]


def seen(app):
    """The whole screen as text, line by line."""
    lines = []
    for y, strips in enumerate(app.screen._compositor.render_strips()):
        assert y < app.size.height
        lines.append("".join(segment.text for segment in strips))
    return "\n".join(lines)


class Screen:
    """A pilot in an application on a store."""

    def __init__(self, store, size=(80, 24), outside=None, **place):
        self.outside = outside or Outside()
        self.app = DashApp(store, self.outside, lambda: NOW, Place(**{"who": "ann", **place}))
        self._size = size

    async def __aenter__(self):
        self._running = self.app.run_test(size=self._size)
        self.pilot = await self._running.__aenter__()
        return self

    async def __aexit__(self, *args):
        return await self._running.__aexit__(*args)

    async def press(self, *keys):
        await self.pilot.press(*keys)

    async def until(self, condition, seconds=20):
        """Wait until the screen shows a text, or something is so; return the screen."""
        deadline = time.monotonic() + seconds
        wanted = condition if callable(condition) else lambda: condition in seen(self.app)
        while not wanted():
            assert time.monotonic() < deadline, f"it never came to {condition}:\n{seen(self.app)}"
            await asyncio.sleep(0.02)
        return seen(self.app)


def test_shows_what_the_store_has(store):
    """At 80x24 there are health, counts, columns, and each alert's age, severity in words and signs, rule."""
    store.add(batch(*graded(10), HEARTBEAT))

    async def look():
        async with Screen(store) as screen:
            await screen.until("wallet number 9")
            text = await screen.until("lag 3 s")
            lines = text.split("\n")
            assert lines[0].startswith("ok Ethereum (txtail) block 23,000,001, lag 3 s")
            assert lines[1].startswith("10 alerts  !!! 2 critical  !! 2 high  ! 2 medium  - 2 low  . 2 info")
            assert all(each in text for each in ("!!! critical", "!!  high", "!   medium", "-   low"))
            rows = [each for each in lines if "wallet number" in each]
            assert [int(row.split("number ")[1].split()[0]) for row in rows] == list(range(9, -1, -1))
            assert all("0s" in row and "listed" in row for row in rows)
            assert all(len(each) == 80 for each in lines)
            assert "? help" in lines[-1]

    asyncio.run(look())


def test_new_alerts_come_by_themselves(store):
    """What comes in is on the screen without a key; a retraction, too."""

    async def look():
        async with Screen(store) as screen:
            await screen.until("0 alerts")
            store.add(batch(ALERT))
            await screen.until("critical")
            store.add(batch(ALERT | {"rev": 1, "status": "retracted"}))
            await screen.until("x   was")

    asyncio.run(look())


def test_troubled_sources_are_loud_and_first():
    """A source that is stalled, blind or silent stands first, in words and reversed; ok is quiet."""

    def source(chain, status, seen_s=1.0):
        return head.SourceHealth(chain, "txtail", status, NOW - 40, NOW - seen_s, 7, NOW, 3.0, 1, 0)

    fine, stalled = source("eip155:10", "ok"), source("eip155:56", "stalled")
    text = head.health([fine, stalled], NOW, over=False, width=200)
    assert text.plain.startswith(" STALLED for 40s  BNB Chain (txtail) block 7, lag 3 s   ok OP Mainnet")
    assert any("reverse" in str(span.style) for span in text.spans)
    replay = replace(fine, clock="replay", time=1_790_000_000, lag_s=30_000_000)
    text = head.health([replay], NOW, over=False, width=200)
    assert text.plain == "ok OP Mainnet (txtail) block 7, replay at 2025-10-09 08:53:20 UTC"
    assert head.health([source("eip155:1", "blind")], NOW, over=True, width=80).plain.startswith(" BLIND")
    assert head.health([source("eip155:1", "ok", 90)], NOW, over=False, width=80).plain.startswith(" SILENT")
    assert head.health([fine] * 9, NOW, over=False, width=80).plain.endswith("+8")


def test_keys_hit_nothing_that_was_not_selected(store):
    """While none is selected a key triages none; the selected one stays selected under new ones."""
    store.add(batch(*graded(3)))

    async def look():
        async with Screen(store) as screen:
            await screen.until("wallet number 2")
            await screen.press("a")
            await screen.until("no alert is selected")
            await screen.press("down", "down")
            assert screen.app.table.row.id == numbered(1)["id"]
            store.add(batch(*graded(40)[3:]))
            await screen.until("newer above")
            await screen.press("a")
            await screen.until("acknowledge: said by ann")
            await screen.press("escape", "p")
            await screen.until("no alert is selected")

    asyncio.run(look())
    triaged = store.page(Filter(triage=("acknowledged", "false_positive", "resolved"))).alerts
    assert [(each.alert["id"], each.triage, each.triaged_by) for each in triaged] == [
        (numbered(1)["id"], "acknowledged", "ann")
    ]


@pytest.mark.parametrize(
    ("key", "state", "mark"),
    [("a", "acknowledged", "ack"), ("p", "false_positive", "f+"), ("r", "resolved", "done")],
)
def test_triage_and_undo(store, key, state, mark):
    """a, p and r say it in the store's log under the person's name, with a mark; u takes it back."""
    store.add(batch(ALERT))

    async def look():
        async with Screen(store) as screen:
            await screen.until("critical")
            await screen.press("down", key)
            await screen.until(lambda: f"\n{mark}" in seen(screen.app))
            assert store.alert(ALERT["id"]).stored.triage == state
            await screen.press("u")
            await screen.until("taken back")
            await screen.press("u")
            await screen.until("nothing was said")

    asyncio.run(look())
    detail = store.alert(ALERT["id"])
    assert (detail.stored.triage, [each.who for each in detail.log]) == ("open", ["ann", "ann"])


def test_triage_of_what_is_shown_in_full(store):
    """On an alert's page the keys are about it; a note is asked for, kept and shown there."""
    store.add(batch(ALERT))

    async def look():
        async with Screen(store) as screen:
            await screen.until("critical")
            await screen.press("enter", "enter")
            await screen.until("Triage: nobody has judged it")
            await screen.press("n")
            await screen.press(*"why [not", "enter")
            await screen.until("note: why [not")
            await screen.press("r")
            await screen.until("Triage: resolved by ann")
            await screen.press("n", "escape")
            await screen.press("q")
            await screen.until("1 alerts")
            assert screen.app.is_running

    asyncio.run(look())
    assert [(each.action, each.note) for each in store.alert(ALERT["id"]).log] == [
        ("note", "why [not"),
        ("resolve", ""),
    ]


def test_an_open_page_stays_true(store):
    """What happens to an alert while it is shown in full is shown there, below a note being typed, too."""
    store.add(batch(ALERT))

    async def look():
        async with Screen(store) as screen:
            await screen.until("critical")
            await screen.press("enter", "enter", "n", "h", "m")
            store.add(batch(ALERT | {"status": "retracted", "rev": 1, "title": "It never was"}))
            store.triage(ALERT["id"], "resolve", "bob")
            await screen.press("escape")
            await screen.until("RETRACTED, was critical (rev 1)")
            assert "Triage: resolved by bob" in await screen.until("It never was")

    asyncio.run(look())


def test_a_page_is_left_while_it_is_read(store):
    """What was read for a page that is gone is not shown, and ends nothing."""
    store.add(batch(ALERT))
    begun, go_on = threading.Event(), threading.Event()
    read = store.alert

    def slow(alert_id):
        begun.set()
        assert go_on.wait(20)
        return read(alert_id)

    async def look():
        async with Screen(store) as screen:
            await screen.until("critical")
            await screen.press("enter", "enter")
            await screen.until("Esc back")
            store.alert = slow
            store.add(batch(ALERT | {"rev": 1, "title": "It changed"}))
            await screen.until(begun.is_set)
            await screen.press("escape")
            go_on.set()
            await screen.until("It changed")

    asyncio.run(look())


def test_a_page_tells_what_went_wrong(store):
    """Where an alert is shown in full, what is said of keys is seen there, and the keys again after it."""
    store.add(batch(ALERT))

    async def look():
        async with Screen(store, read_only=True) as screen:
            await screen.until("critical")
            await screen.press("enter", "enter")
            await screen.until("Esc back")
            await screen.press("a")
            await screen.until("--read-only: nobody may triage")
            screen.app._told = 100
            await screen.until("Esc back")

    asyncio.run(look())
    assert store.alert(ALERT["id"]).log == []


def test_keys_that_come_in_one_piece(store):
    """What is typed behind the key that asks for a line goes into the line, and nowhere else."""
    store.add(batch(*graded(5)))

    async def look():
        async with Screen(store) as screen:
            await screen.until("wallet number 4")
            await screen.press("down")
            for key in "nar":
                screen.app.post_message(Key(key, key))
            await screen.until(lambda: isinstance(screen.app.screen, Prompt))
            await screen.press("x", "enter")
            await screen.until("note: said by ann")

    asyncio.run(look())
    assert [(each.action, each.note) for each in store.alert(numbered(4)["id"]).log] == [("note", "arx")]


def test_read_only(store):
    """With --read-only no key says anything of an alert."""
    store.add(batch(ALERT))

    async def look():
        async with Screen(store, read_only=True) as screen:
            await screen.until("critical")
            await screen.press("down", *"apru")
            await screen.until("nobody may triage")

    asyncio.run(look())
    assert store.alert(ALERT["id"]).log == []


def test_judge_tells_of_an_alert_that_is_gone(store):
    """What the store does not have any more is said, not raised; what makes no sense is a fault."""
    assert Judge(store, "ann").say("f" * 32, "resolve") == Judge(store, "ann").undo("f" * 32)
    store.add(batch(ALERT))
    with pytest.raises(TriageFault):
        Judge(store, "ann").say(ALERT["id"], "note", " ")


def test_detail_has_all(store):
    """The page has title, whole addresses, numbers, list provenance, incident, revisions and the raw JSON."""
    first = ALERT | {"incident": "9" * 32, "evidence": ALERT["evidence"] | {"lowered_by": ["zero-value"]}}
    store.add(batch(first, numbered(5) | {"incident": "9" * 32}, first | {"rev": 1, "status": "updated"}))

    async def look():
        async with Screen(store, size=(120, 200)) as screen:
            await screen.until("critical")
            await screen.press("end", "enter")
            return await screen.until("As it came")

    text = asyncio.run(look())
    for part in (
        "CRITICAL 95, updated (rev 1)",
        ALERT["subject"],
        ALERT["tx"],
        f'{MATCH["list"]} ({MATCH["list_date"]}): sanctions "{MATCH["label"]}"',
        f"source   {MATCH['source']}",
        f"listed   {MATCH['listed']}",
        "What it looks for:",
        "The incident's newest alerts",
        "Pays wallet number 5",
        "Revisions",
        '"status": "updated"',
    ):
        assert part in text


def test_thresholds_stand_beside_numbers(store):
    """An alert about conduct shows what was compared with what."""
    evidence = {"payments": 3, "thresholds": {"row_n": 5, "txs": 3}}
    store.add(batch(ALERT | {"rule": "velocity", "evidence": evidence}))

    async def look():
        async with Screen(store, size=(120, 150)) as screen:
            await screen.until("velocity")
            await screen.press("enter", "enter")
            return await screen.until("As it came")

    text = asyncio.run(look())
    assert "payments: 3" in text
    assert "What it compared that with:" in text
    assert '"row_n": 5' in text


def test_hostile_text_is_written_out(store):
    """Escapes, marks of direction and markup in titles, labels, rules and notes are shown as text."""
    match = MATCH | {"label": HOSTILE, "list": HOSTILE, "source": HOSTILE, "category": HOSTILE}
    bad = ALERT | {
        "title": HOSTILE,
        "rule": HOSTILE[:60],
        "incident": HOSTILE,
        "evidence": {"matches": [match], HOSTILE: HOSTILE, "path": [{HOSTILE: HOSTILE}]},
        "record": ALERT["record"] | {"symbol": HOSTILE, "from": HOSTILE, "to": HOSTILE * 9},
    }
    store.add(batch(bad, HEARTBEAT | {"source": HOSTILE}))
    store.triage(ALERT["id"], "note", HOSTILE, HOSTILE)

    async def look():
        async with Screen(store, size=(160, 150)) as screen:
            table = await screen.until("critical")
            await screen.press("down")
            chosen = await screen.until("─")
            assert screen.app.query_one("#chosen").size.height <= 5
            await screen.press("enter")
            page = await screen.until("As it came")
            await screen.press("escape", "slash", *"[bold]", "enter")
            found = await screen.until('with "[bold]"')
            return table, chosen, page, found

    for text in asyncio.run(look()):
        assert all(char.isprintable() for char in text.replace("\n", ""))
    table, _, page, _ = asyncio.run(look())
    for text in (table, page):
        assert r"gift \x1b[31m" in text
    assert r"[bold red]x[/] [@click=app.quit]y[/] \u202egpj.exe\u202c \x9b2J z\u200b" in page


def test_search_and_filters(store):
    """/ finds by words and addresses, f by the least severity, t leaves out what was triaged."""
    store.add(batch(*graded(20)))
    store.triage(numbered(19)["id"], "resolve", "bob")

    async def look():
        async with Screen(store) as screen:
            await screen.until("all alerts: 20")
            await screen.press("slash", *numbered(7)["subject"], "enter")
            await screen.until(": 1 ")
            assert [each.title for each in screen.app.table.rows] == ["Pays wallet number 7"]
            await screen.press("slash", *["backspace"] * 42, "enter")
            await screen.until("all alerts: 20")
            for least, count in (("low", 16), ("medium", 12), ("high", 8), ("critical", 4)):
                await screen.press("f")
                await screen.until(f"{least} and above: {count}")
            await screen.press("t")
            await screen.until("critical and above, not triaged: 3")
            await screen.press("f", "t")
            await screen.until("all alerts: 20")

    asyncio.run(look())


def test_space_holds_the_table_still(store):
    """While it is held nothing moves, and how much has come is said; then it catches up."""
    store.add(batch(*graded(3)))

    async def look():
        async with Screen(store) as screen:
            await screen.until("all alerts: 3")
            await screen.press("space")
            store.add(batch(*graded(8)[3:]))
            await screen.until("PAUSED, 5 newer")
            assert len(screen.app.table.rows) == 3
            await screen.press("space")
            await screen.until("all alerts: 8")

    asyncio.run(look())


def test_rows_are_capped_and_more_are_read_at_the_bottom(store):
    """Of thousands the newest are read; at the last line more are, up to a bound."""
    for at in range(0, 3000, 500):
        store.add(batch(*[numbered(number) for number in range(at, at + 500)]))

    async def look():
        async with Screen(store) as screen:
            await screen.until("all alerts: 200+")
            for count in range(400, 2001, 200):
                await screen.press("end")
                await screen.until(f"all alerts: {count:,}+")
            await screen.press("end")
            await screen.pilot.pause()
            assert len(screen.app.table.rows) == 2000
            assert screen.app.table.row.title == "Pays wallet number 1000"

    asyncio.run(look())


def test_reader_reads_an_alert_anew_only_when_it_changed(store):
    """Lines that have not changed are the same objects; a revision and a triage make new ones."""
    store.add(batch(*graded(3)))
    reader = Reader(store)
    before = reader.read(Filter(), 10)
    store.add(batch(graded(3)[2] | {"rev": 1, "title": "Worse"}))
    store.triage(numbered(1)["id"], "acknowledge", "bob")
    after = reader.read(Filter(), 10)
    assert [a is b for a, b in zip(before, after, strict=True)] == [False, False, True]
    assert [after[0].title, after[1].triage] == ["Worse", "acknowledged"]


def test_keys_of_the_help_page(store):
    """? shows every key."""

    async def look():
        async with Screen(store, size=(100, 40)) as screen:
            await screen.until("0 alerts")
            await screen.press("question_mark")
            text = await screen.until("Signs")
            assert all(does in text for _, does in KEYS)
            await screen.press("escape")
            assert not isinstance(screen.app.screen, Page)

    asyncio.run(look())


@pytest.mark.parametrize(
    ("place", "over", "keys", "end"),
    [
        ({}, False, ("q",), "quit"),
        ({"pipes": True}, True, ("q",), "quit"),
        ({"pipes": True}, False, ("q", "q"), "quit"),
        ({"pipes": True}, False, ("q", "escape", "ctrl+c"), "interrupt"),
        ({}, False, ("slash", "ctrl+c"), "interrupt"),
    ],
)
def test_ways_to_leave(store, place, over, keys, end):
    """q leaves, after a question where a reader still waits for more; Ctrl-C does from anywhere."""

    async def look():
        async with Screen(store, outside=Outside(over=over), **place) as screen:
            await screen.until("0 alerts")
            for key in keys[:-1]:
                await screen.press(key)
                assert screen.app.is_running
            await screen.press(keys[-1])
        return screen.app.return_value

    assert asyncio.run(look()) == end


def test_nothing_is_asked_that_is_over(store):
    """The question whether to end the input goes, and the screen with it, when the input has ended itself."""

    async def look():
        async with Screen(store, pipes=True) as screen:
            await screen.until("0 alerts")
            await screen.press("q")
            await screen.until("who reads it ends with this")
            screen.outside.over = True
            await screen.until(lambda: screen.app.return_value == "quit")

    asyncio.run(look())


def test_ends_with_the_input(store):
    """The screen stays when the input has ended, and goes when nobody feeds the dashboard any more."""

    async def look():
        async with Screen(store) as screen:
            screen.outside.over = True
            await screen.until("input ended")
            screen.outside.said = "bad line \x1b[2J"
            await screen.until("bad line \\\\x1b[2J")
            assert screen.app.is_running
            screen.outside.done = True
            await screen.until(lambda: screen.app.return_value == "over")

    asyncio.run(look())


def test_no_color(store, monkeypatch):
    """Under NO_COLOR nothing has a colour; the selected line is reversed all the same."""
    monkeypatch.setenv("NO_COLOR", "1")
    store.add(batch(*graded(5)))

    async def look():
        async with Screen(store) as screen:
            await screen.until("critical")
            await screen.press("down")
            await screen.pilot.pause()
            styles = []
            for y in range(24):
                for widget, region in [(w, w.region) for w in screen.app.screen.walk_children()]:
                    if region.y <= y < region.bottom and not widget.children:
                        strips = widget.render_lines(region.reset_offset)
                        styles += [segment.style for strip in strips for segment in strip if segment.style]
            return styles

    styles = asyncio.run(look())
    assert any(style.reverse for style in styles)
    assert {style.color for style in styles if style.color} <= {None} or all(
        style.color is None or style.color.is_default for style in styles
    )


def test_narrow_and_wide(store):
    """Of addresses the widest terminal has both, whole, a wide one the subject; no size breaks it."""
    store.add(batch(*graded(5)))

    async def look():
        async with Screen(store, size=(150, 24)) as screen:
            assert numbered(4)["subject"] in await screen.until("wallet number 4")
            await screen.pilot.resize_terminal(190, 24)
            await screen.until(f"*{numbered(4)['subject']} →  {LISTED}")
            await screen.until(lambda: "(* whom it is about)" in seen(screen.app).splitlines()[3])
            await screen.pilot.resize_terminal(80, 24)
            await screen.until(lambda: seen(screen.app).splitlines()[3].rstrip().endswith("usd"))
            await screen.press("down")
            await screen.until(f"from    {numbered(4)['subject']}  suspect")
            await screen.until(f"to      {LISTED}  listed  Ethereum")
        for size in ((80, 24), (40, 10), (20, 5), (1, 1)):
            async with Screen(store, size=size) as screen:
                await screen.pilot.press("down", "enter")
                await screen.pilot.pause()
                assert screen.app.is_running
                assert numbered(4)["subject"] not in seen(screen.app) or size[0] >= 80

    asyncio.run(look())


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0s"), (59.9, "59s"), (60, "1m"), (3600, "1h"), (86_400 * 2, "2d"), (1e9, "31y"), (1e15, "999y")],
)
def test_ages_fit_four_columns(seconds, said):
    """Ages are short, whatever clocks say."""
    assert age(seconds) == said
    assert len(said) <= 4


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3975.0, "3,975"),
        (2.27, "2.27"),
        (16324.74, "16.3k"),
        (999_960, "1.0M"),
        (1e300, "> 1000T"),
        (-1e300, "<-1000T"),
        (float("nan"), ""),
        (True, ""),
        ("9", ""),
        (None, ""),
    ],
)
def test_amounts_fit_seven_columns(value, said):
    """Amounts are short; what is no number is nothing."""
    assert usd(value) == said
    assert len(said) <= 7


def test_fit_counts_wide_characters_twice():
    """Cells have exactly their columns."""
    assert [fit("abc", 5), fit("abcdef", 4), fit("x", 0)] == ["abc  ", "abc…", ""]
    assert fit("漢字漢字", 5) == "漢字…"


def test_sparkline():
    """The largest is full, nothing is blank, and something is never blank."""
    assert sparkline([0, 1, 800, 400]) == " ▁█▄"
    assert sparkline([]) == ""
