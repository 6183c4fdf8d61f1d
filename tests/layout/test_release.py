"""Windows given up."""

from __future__ import annotations

import pytest

from movsdk.layout.release import detach_children, forget_window, release_type, windows_to_give_up
from movsdk.layout.table import (
    IO,
    MEG,
    MEM,
    MEM_64,
    PREF,
    SIZEALIGN,
    STARTALIGN,
    UNSET,
    Journal,
    Resource,
    Row,
    Segment,
    WindowWrite,
)
from tests.layout.tables import below, bridge, card, open_window, root_bus, seat, spans


def nested(pref: int | None = 64) -> tuple[Segment, Row, Row, Row]:
    """A root port and a bridge behind it, all windows open, a card with one BAR in each window."""
    root = root_bus()
    outer = bridge(root, "outer", pref=pref)
    inner = bridge(below(outer), "inner", pref=pref)
    row = card(below(inner), "e", {0: ("io", 0x100), 1: ("mem32", MEG), 2: ("pref64", MEG)})
    kinds = ["io", "mem", *({64: ["pref64"], 32: ["pref32"], None: []}[pref])]
    for number, kind in enumerate(kinds):
        start, size = root.windows[number].start, 0x1000 if kind == "io" else 2 * MEG
        open_window(outer, number, root.windows[number], start, size, kind)
        open_window(inner, number, outer.windows[number], start, size, kind)
    for number, bar in enumerate(row.resources[:3]):
        window = inner.windows[min(number, len(kinds) - 1)]
        seat(bar, window, window.start + (MEG if number == 2 else 0))
    return root, outer, inner, row


def released(segment: Segment, flags: int) -> list[tuple[str, int]]:
    """(bridge, window) in the order their registers were closed."""
    journal: Journal = []
    release_type(segment, flags, journal)
    writes = [write for write in journal if isinstance(write, WindowWrite)]
    return [(write.row.name, number) for write in writes for number, one in enumerate(write.windows) if one is not None]


@pytest.mark.parametrize(
    ("pref", "flags", "window"),
    [
        pytest.param(64, IO, 0, id="I/O"),
        pytest.param(64, MEM, 1, id="memory"),
        pytest.param(64, MEM | MEM_64, 1, id="64-bit memory"),
        pytest.param(64, MEM | PREF | MEM_64, 2, id="pref64 with a 64-bit window"),
        pytest.param(64, MEM | PREF, 1, id="pref32 with a 64-bit window: memory holds it"),
        pytest.param(32, MEM | PREF | MEM_64, 2, id="pref64 with a 32-bit window"),
        pytest.param(32, MEM | PREF, 2, id="pref32 with a 32-bit window"),
        pytest.param(None, MEM | PREF | MEM_64, 1, id="no prefetchable window"),
    ],
)
def test_a_failure_of_one_type_releases_the_window_of_that_type(pref: int | None, flags: int, window: int) -> None:
    """On every bridge below, children first; each closed in its registers at once."""
    root, *_ = nested(pref)

    assert released(root, flags) == [("inner", window), ("outer", window)]


def test_a_released_window_keeps_its_size() -> None:
    """Address gone, size and type kept, place in the tree given up; the next sizing takes the size for a minimum."""
    root, outer, inner, _ = nested()
    inner.windows[1].flags |= STARTALIGN | UNSET

    release_type(root, MEM, [])

    assert [(one.start, one.size, one.flags, one.parent) for one in (outer.windows[1], inner.windows[1])] == [
        (0, 2 * MEG, MEM, None),
        (0, 2 * MEG, MEM, None),
    ]
    assert root.windows[1].children == []


def test_working_bars_inside_lose_their_place_without_a_word() -> None:
    """No flag, no register write: only the table forgets. Other windows are not touched."""
    root, outer, _, row = nested()
    journal: Journal = []

    release_type(root, MEM, journal)

    assert (spans(*row.resources[:3])[1], row.resources[1].flags) == (None, MEM | SIZEALIGN)
    assert spans(*row.resources[:3:2]) == [(0x1000, 0x100), (root.windows[2].start + MEG, MEG)]
    assert spans(outer.windows[0], outer.windows[2]) == [(0x1000, 0x1000), (root.windows[2].start, 2 * MEG)]
    assert all(isinstance(write, WindowWrite) for write in journal)


def test_an_unassigned_window_is_left_alone() -> None:
    """Nothing to release, nothing to write."""
    root, outer, inner, _ = nested()
    inner.windows[1].detach()

    assert released(root, MEM) == [("outer", 1)]
    assert inner.windows[1].start != 0
    assert outer.windows[1].start == 0


def test_release_begins_at_the_bus_of_the_failure() -> None:
    """The bus the failed device sits on, everything below it, and the bridge above it; not further up."""
    _, outer, inner, _ = nested()

    assert released(below(inner), MEM) == [("inner", 1)]
    assert outer.windows[1].parent is not None


@pytest.mark.parametrize(("odd", "closed"), [("inner", [("outer", 1)]), ("outer", [])])
def test_a_bridge_of_another_class_keeps_its_windows(odd: str, closed: list[tuple[str, int]]) -> None:
    """A function with a bridge's header and another class keeps its own and hides those behind it."""
    root, outer, inner, _ = nested()
    {"outer": outer, "inner": inner}[odd].class_code = 0x068000

    assert released(root, MEM) == closed


def test_leaves_only() -> None:
    """The first of several tries at boot gives up the window above the failure if no bridge is below it, and no other."""
    _, outer, inner, _ = nested()

    journal: Journal = []
    release_type(below(outer), MEM, journal, only_leaves=True)
    assert (journal, inner.windows[1].parent is not None) == ([], True)

    release_type(below(inner), MEM, journal, only_leaves=True)
    assert (len(journal), inner.windows[1].parent) == (1, None)


def test_detached_children_keep_their_sizes() -> None:
    """The whole tree below is taken apart; every address becomes 0."""
    root, outer, inner, row = nested()

    detach_children(root.windows[1])

    resources = [outer.windows[1], inner.windows[1], row.resources[1]]
    assert [(one.start, one.size, one.parent, one.children) for one in resources] == [
        (0, 2 * MEG, None, []),
        (0, 2 * MEG, None, []),
        (0, MEG, None, []),
    ]


# --- the series ------------------------------------------------------------------------------------------
def given_up(root: Segment) -> list[tuple[str, int]]:
    """(bridge, window slot) in order, with everything else left as it is."""
    return [(window.row.name, window.index) for _, window in windows_to_give_up(root) if window.row is not None]


def test_the_series_gives_windows_up_by_type_children_first() -> None:
    """All I/O windows of the domain, then memory, then prefetchable ones."""
    root, *_ = nested()

    assert given_up(root) == [("inner", 7), ("outer", 7), ("inner", 8), ("outer", 8), ("inner", 9), ("outer", 9)]


def test_without_a_prefetchable_window_the_third_walk_meets_memory_again() -> None:
    """Unless the second walk took it away, which it did when somebody works with the walk."""
    root, *_ = nested(None)

    assert given_up(root)[4:] == [("inner", 8), ("outer", 8)]


def test_the_walk_does_not_meet_what_was_taken_away_meanwhile() -> None:
    """Giving the outer memory window up cuts everything behind it: its prefetchable windows do not come up any more."""
    root, outer, inner, _ = nested()
    met = []
    for segment, window in windows_to_give_up(root):
        met.append((segment, window))
        if window is outer.windows[1]:
            inner.windows[2].detach()
            inner.windows[2].flags = 0
        forget_window(window)

    assert [(segment, window.index) for segment, window in met] == [
        (below(inner), 7),
        (below(outer), 7),
        (below(inner), 8),
        (below(outer), 8),
        (below(outer), 9),
    ]


@pytest.mark.parametrize(
    ("class_code", "expected"),
    [
        pytest.param(0x060400, 6, id="PCI bridge"),
        pytest.param(0x060401, 6, id="subtractive"),
        pytest.param(0x060900, 0, id="anything else is not entered"),
    ],
)
def test_only_pci_bridges_give_windows_up(class_code: int, expected: int) -> None:
    """The kernel's walk asks for class and subclass."""
    root, outer, *_ = nested()
    outer.class_code = class_code

    assert len(given_up(root)) == expected


def test_a_failure_releases_nothing_on_a_bridge_of_another_class() -> None:
    """Neither its own windows, when the failure is on its bus, nor those of bridges behind it, when it is above."""
    root, outer, *_ = nested()
    outer.class_code = 0x068000

    assert released(below(outer), MEM) == [("inner", 1)]
    assert released(root, MEM) == []


def test_a_forgotten_window_has_no_size() -> None:
    """Neither address nor old size remain, only the type."""
    root, outer, *_ = nested()
    window: Resource = outer.windows[2]
    window.flags |= STARTALIGN | UNSET

    forget_window(window)

    assert (window.start, window.last, window.size, window.flags) == (0, 0, 1, MEM | PREF | MEM_64)
    assert (window.parent, root.windows[2].children) == (None, [])
