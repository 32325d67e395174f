"""How the application looks, and which keys do what; ``pages.KEYS`` tells people."""

from __future__ import annotations

from textual.binding import Binding, BindingType

STYLE = """
Static { height: auto; }
#health, #counters, #state, #heading, #keys, #chosen { text-wrap: nowrap; text-overflow: ellipsis; }
#health, #counters, #state, #heading, #keys { height: 1; }
#chosen { height: auto; min-height: 4; border-top: solid $primary; }
#chosen.none { display: none; }
AlertTable { height: 1fr; scrollbar-size-vertical: 1; scrollbar-gutter: stable; overflow-x: hidden; }
VerticalScroll { scrollbar-size-vertical: 1; }
Prompt, Question { align: left bottom; background: transparent; }
Prompt Static, Prompt Input, Question Static { width: 100%; height: 1; background: $panel; }
"""

BINDINGS: tuple[BindingType, ...] = (
    Binding("ctrl+c", "interrupt", priority=True),
    Binding("ctrl+z", "stop", priority=True),
    Binding("ctrl+q", "leave", show=False),
    Binding("q", "leave"),
    Binding("slash", "search"),
    Binding("f", "least"),
    Binding("t", "only_open"),
    Binding("space", "hold"),
    Binding("question_mark", "keys"),
    Binding("a", "say('acknowledge')"),
    Binding("p", "say('false_positive')"),
    Binding("r", "say('resolve')"),
    Binding("u", "undo"),
    Binding("n", "note"),
)
