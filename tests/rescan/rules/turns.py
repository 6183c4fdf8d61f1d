"""A rescan in progress on a table built by hand.

Twin: the engine's turn. Calls no rule by itself.
"""

from __future__ import annotations

from typing import Any

from movsdk.layout.placing import Placing
from movsdk.layout.table import MEG, NO_RESERVE, AddressMap, Resource, Row, Segment
from movsdk.rescan.rules.record import Moves, Rules, Turn
from tests.layout.tables import below, bridge, card, open_window, root_bus, seat


def moves_of(rules: Rules) -> Moves:
    """How BARs move under these rules."""
    assert rules.moves is not None
    return rules.moves


def turn(rules: Rules, root: Segment, **facts: Any) -> Turn:
    """The terms of a rescan that begins now."""
    placing = Placing(AddressMap(), [], keeps_minimum=True, climbs=False)
    return Turn(moves_of(rules), root, placing, facts.pop("reserve", NO_RESERVE), **facts)


def nested(*kinds: str, bars: dict[int, tuple[str, int]] | None = None, **facts: Any) -> tuple[Segment, Row, Row, Row]:
    """outer > inner > card, all added. Windows of `kinds` (io, mem, pref64) are open on both bridges and the BARs sit in them.

    `facts` are the card's. Each window is 4 MiB (I/O: 8 KiB); the BARs lie one after the other from its start.
    """
    root = root_bus()
    outer = bridge(root, "outer", is_added=True)
    inner = bridge(below(outer), "inner", is_added=True)
    bars = {0: ("io", 0x100), 1: ("mem32", MEG), 2: ("pref64", MEG)} if bars is None else bars
    row = card(below(inner), "card", bars, **{"is_added": True} | facts)
    free = {}
    for kind in kinds:
        number = ("io", "mem", "pref64").index(kind)
        start, size = root.windows[number].start, 0x2000 if kind == "io" else 4 * MEG
        open_window(outer, number, root.windows[number], start, size, kind)
        open_window(inner, number, outer.windows[number], start, size, kind)
        free[number] = start
    for index, (kind, size) in bars.items():
        number = 0 if kind == "io" else 2 if kind == "pref64" and 2 in free else 1
        if number in free:
            seat(row.resources[index], inner.windows[number], free[number])
            free[number] += size
    return root, outer, inner, row


def bound(row: Row, *fixed_bars: int) -> Row:
    """Bound to a driver whose BARs may move, except those named."""
    row.is_bound, row.answers = True, tuple(index in fixed_bars for index in range(7))
    return row


def hookless(row: Row) -> Row:
    """Bound to a driver that knows nothing of moving."""
    row.is_bound, row.answers = True, None
    return row


def shown(*resources: Resource) -> list[tuple[int, int, int]]:
    """(start, size, flags) of each."""
    return [(one.start, one.size, one.flags) for one in resources]
