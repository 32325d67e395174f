"""The graph of the money as a picture made of elements, and the same as a table with everything in full."""

from __future__ import annotations

from txpipe.dashboard.page.money import Money, Payment
from txpipe.dashboard.page.tags import Tag, address, address_path, shortened, transaction

_WIDTH, _HEIGHT = 164, 46
_ACROSS, _DOWN = 92, 16
_EDGE = 6
_ASIDE = 24
_MOST_IN_PICTURE = 24
_PER_ROW = 4
_WRAPPED_FROM = 6
_FEW = 3
_ARROW = {"viewBox": "0 0 8 8", "refX": "7", "refY": "4"} | {
    "markerWidth": "8",
    "markerHeight": "8",
    "orient": "auto",
}

Corners = dict[str, tuple[float, float]]
"""The upper left corner of each address's box."""


def draw(money: Money, subject: str, chain: str) -> None:
    """Draw who paid whom.

    Args:
        money: the graph.
        subject: whom the alert is about.
        chain: CAIP-2 name.
    """
    places = _places(money)
    if 1 < len(places) <= _MOST_IN_PICTURE:
        with Tag("div", "", "scroll", tabindex="0", role="group", aria_label="Picture of the money's way"):
            _picture(money, subject, places)
    with Tag("details", open=len(money.payments) <= _FEW or None):
        Tag("summary", f"{len(money.payments)} payment{'s' * (len(money.payments) > 1)} in full")
        _table(money, chain)


def _table(money: Money, chain: str) -> None:
    frame = Tag("div", "", "scroll", tabindex="0", role="group", aria_label="Payments")
    with frame, Tag("table", "", "list"):
        with Tag("thead"), Tag("tr"):
            for head in ("From", "To", "USD", "Transaction"):
                Tag("th", head, scope="col")
        with Tag("tbody"):
            for each in money.payments:
                _line(each, chain)


def _line(each: Payment, chain: str) -> None:
    with Tag("tr"):
        with Tag("td"):
            address(each.source, chain)
        with Tag("td"):
            address(each.to, chain)
        Tag("td", "" if each.usd is None else f"{each.usd:,.2f}", "number")
        with Tag("td"):
            if each.tx:
                transaction(each.tx, chain)


def _places(money: Money) -> Corners:
    """Return where the boxes are; a long row goes on below, as lines of text do."""
    step_x, step_y = _WIDTH + _ACROSS, _HEIGHT + _DOWN
    left = _EDGE + _ASIDE * _comes_back(money)
    tallest = max((len(layer) for layer in money.layers), default=0)
    wraps = tallest == 1 and len(money.layers) >= _WRAPPED_FROM
    places: Corners = {}
    for column, layer in enumerate(money.layers):
        row, at = divmod(column, _PER_ROW) if wraps else (0, column)
        top = _EDGE + 12 + row * (step_y + 34) + (tallest - len(layer)) * step_y / 2
        for place, name in enumerate(layer):
            places[name] = (left + at * step_x, top + place * step_y)
    return places


def _comes_back(money: Money) -> bool:
    """Say whether money comes back, for which there must be room on the left."""
    depth = {name: place for place, layer in enumerate(money.layers) for name in layer}
    return any(depth[each.to] <= depth[each.source] for each in money.payments)


def _picture(money: Money, subject: str, places: Corners) -> None:
    width = max(x for x, _ in places.values()) + _WIDTH + _EDGE
    height = max(y for _, y in places.values()) + _HEIGHT + 26
    said = f"{len(money.payments)} payments among {len(places)} addresses; the table below has them in full"
    size = {"viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    with Tag("svg", "", "flow", role="group", aria_label=said, **size):
        with Tag("defs"), Tag("marker", "", id="arrow", **_ARROW):
            Tag("path", "", "head", d="M0 0 8 4 0 8z")
        for each in money.payments:
            _edge(each, places[each.source], places[each.to])
        for name, corner in places.items():
            _node(name, corner, money, subject)


def _edge(each: Payment, corner: tuple[float, float], to: tuple[float, float]) -> None:
    (x, y), (to_x, to_y) = corner, to
    middle = _HEIGHT / 2
    if to_x > x:
        bend = x + _WIDTH + (to_x - x - _WIDTH) / 2
        path = f"M{x + _WIDTH:g} {y + middle:g}C{bend:g} {y + middle:g} {bend:g} {to_y + middle:g} "
        path += f"{to_x:g} {to_y + middle:g}"
        label = (bend, (y + to_y) / 2 + middle - 6)
    elif to_y > y:  # on to the next line
        start, end = x + _WIDTH / 2, to_x + _WIDTH / 2
        below = (y + _HEIGHT + to_y) / 2
        path = f"M{start:g} {y + _HEIGHT:g}C{start:g} {below:g} {end:g} {below:g} {end:g} {to_y:g}"
        label = ((start + end) / 2, below - 2)
    else:  # back: below everything and up on the left
        start, below = x + _WIDTH / 2, y + _HEIGHT + 14
        path = f"M{start:g} {y + _HEIGHT:g}V{below:g}H{_EDGE:g}V{to_y + middle:g}H{to_x:g}"
        label = ((start + to_x) / 2, below + 5)
    Tag("path", "", "edge", d=path, marker_end="url(#arrow)")
    if each.usd is not None:
        Tag("text", f"{each.usd:,.0f} USD", "amount", x=f"{label[0]:g}", y=f"{label[1]:g}")


def _node(name: str, corner: tuple[float, float], money: Money, subject: str) -> None:
    x, y = corner
    role = money.roles.get(name, "")
    if name in money.listed:
        role = f"◆ listed {role}".strip()
    marks = f"node{' about' * (name == subject)}{' listed' * (name in money.listed)}"
    with Tag("a", "", href=address_path(name), title=name), Tag("g", "", marks):
        Tag("rect", "", x=f"{x:g}", y=f"{y:g}", width=str(_WIDTH), height=str(_HEIGHT), rx="6")
        Tag("text", role.replace("_", " ") or "account", "role", x=f"{x + 9:g}", y=f"{y + 17:g}")
        Tag("text", shortened(name), "mono", x=f"{x + 9:g}", y=f"{y + 35:g}")
