"""Spreading the space of a hot-plug bridge over the bridges behind it."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.layout.distribute import distribute
from movsdk.layout.sizing import Extra, Extras
from movsdk.layout.table import MEG, STARTALIGN, Resource, Row
from tests.layout.tables import KINDS, B, aperture, below, bridge, card, open_window, root_bus, seat


def wanting(row: Row, size: int, number: int = 1, kind: str = "mem", align: int = MEG) -> Resource:
    """An unassigned window as sizing leaves it."""
    window = row.windows[number]
    window.set_span(align, align + size - 1)
    window.flags = KINDS[kind] | STARTALIGN
    return window


def port(size: int, **facts: Any) -> Row:
    """A hot-plug port on the root bus with `size` bytes of memory, assigned."""
    root = root_bus(aperture("mem", B, 256 * MEG))
    row = bridge(root, "port", **{"is_hotplug": True} | facts)
    open_window(row, 1, root.windows[0], B, size, "mem")
    return row


def test_two_hot_plug_bridges_share_what_is_left() -> None:
    """16 MiB less the 2 MiB they need make 7 MiB each, on top of their own need: the kernel counts it twice."""
    row = port(16 * MEG)
    windows = [wanting(bridge(below(row), name, is_hotplug=True), MEG) for name in ("a", "b")]

    distribute(row, Extras())

    assert [window.size for window in windows] == [8 * MEG, 8 * MEG]


@pytest.mark.parametrize(
    ("hotplug", "expected"),
    [
        pytest.param([True, False], [15 * MEG, MEG], id="hot-plug bridges only, if there is one"),
        pytest.param([False, False], [8 * MEG, 8 * MEG], id="else all"),
        pytest.param([False], [16 * MEG], id="a single bridge gets everything"),
    ],
)
def test_who_gets_a_share(hotplug: list[bool], expected: list[int]) -> None:
    """Where somebody may plug something in is where space is wanted."""
    row = port(16 * MEG)
    windows = [wanting(bridge(below(row), f"b{number}", is_hotplug=each), MEG) for number, each in enumerate(hotplug)]

    distribute(row, Extras())

    assert [window.size for window in windows] == expected


@pytest.mark.parametrize(
    ("bars", "is_placed", "expected"),
    [
        pytest.param({0: ("mem32", 4 * MEG)}, False, 12 * MEG, id="memory"),
        pytest.param({0: ("mem32", 4 * MEG)}, True, 12 * MEG, id="also what has its place already"),
        pytest.param({0: ("mem64", MEG), 2: ("mem32", MEG)}, False, 14 * MEG, id="each"),
        pytest.param({0: ("pref32", 4 * MEG)}, False, 16 * MEG, id="prefetchable of the width of the prefetchable window: there"),
        pytest.param({0: ("pref64", 4 * MEG)}, False, 12 * MEG, id="prefetchable of another width: from memory"),
        pytest.param({0: ("io", 0x100)}, False, 16 * MEG, id="I/O: not from memory"),
    ],
)
def test_the_needs_of_others_on_the_bus_come_first(bars: dict[int, tuple[str, int]], is_placed: bool, expected: int) -> None:
    """What cards on the bus take is subtracted from the share of its kind. Here no prefetchable window exists: not 64-bit."""
    row = port(16 * MEG)
    bar = card(below(row), "card", bars).resources[0]
    window = wanting(bridge(below(row), "b", is_hotplug=True), MEG)
    if is_placed:
        seat(bar, row.windows[1], B)

    distribute(row, Extras())

    assert window.size == expected


def test_a_need_is_aligned_before_it_is_subtracted() -> None:
    """1 MiB and then 4 MiB: the 4 MiB BAR begins at 4 MiB, so 8 MiB are gone."""
    row = port(16 * MEG)
    card(below(row), "one", {0: ("mem32", MEG)})
    card(below(row), "four", {0: ("mem32", 4 * MEG)})
    window = wanting(bridge(below(row), "b", is_hotplug=True), MEG)

    distribute(row, Extras())

    assert window.size == 8 * MEG


def test_shares_go_down_level_by_level() -> None:
    """What a bridge gets is spread behind it again."""
    row = port(16 * MEG)
    outer = bridge(below(row), "outer", is_hotplug=True)
    inner = bridge(below(outer), "inner", is_hotplug=True)
    windows = [wanting(outer, MEG), wanting(inner, MEG)]

    distribute(row, Extras())

    assert [window.size for window in windows] == [16 * MEG, 16 * MEG]


def test_a_window_larger_than_its_share_shrinks() -> None:
    """The kernel adjusts in both directions: what is left of 6 MiB from the next multiple of 4 MiB on is 2 MiB."""
    row = port(6 * MEG)
    card(below(row), "card", {0: ("mem32", MEG)})
    window = wanting(bridge(below(row), "b", is_hotplug=True), 4 * MEG, align=4 * MEG)

    distribute(row, Extras())

    assert window.size == 2 * MEG


@pytest.mark.parametrize("align", [MEG, 2 * MEG, 4 * MEG])
def test_shares_are_cut_to_the_alignment_of_the_window(align: int) -> None:
    """Each part is rounded down to what the window can use."""
    row = port(16 * MEG)
    windows = [wanting(bridge(below(row), f"b{number}", is_hotplug=True), align, align=align) for number in range(3)]

    distribute(row, Extras())

    assert all(window.size % align == 0 for window in windows)


def test_the_wish_of_an_adjusted_window_is_off_the_list() -> None:
    """It has its share now; others keep theirs."""
    row = port(16 * MEG)
    window, other = wanting(bridge(below(row), "b", is_hotplug=True), MEG), Resource(8)
    extras = [Extra(window, MEG, MEG), Extra(other, MEG, MEG)]

    distribute(row, extras)

    assert [extra.resource for extra in extras] == [other]


def test_a_window_of_just_its_share_keeps_its_wish() -> None:
    """Nothing to adjust, so nothing is taken off the list."""
    row = port(MEG)
    window = wanting(bridge(below(row), "b", is_hotplug=True), MEG)
    extras = [Extra(window, MEG, MEG)]

    distribute(row, extras)

    assert (window.size, len(extras)) == (MEG, 1)


def test_an_assigned_window_is_not_adjusted() -> None:
    """It has children or neighbours; what it passes down is what it has."""
    row = port(16 * MEG)
    outer = bridge(below(row), "outer", is_hotplug=True)
    window = open_window(outer, 1, row.windows[1], B, 4 * MEG, "mem")

    distribute(row, Extras())

    assert (window.start, window.size) == (B, 4 * MEG)


def test_a_window_that_does_not_exist_grows_to_two_bytes() -> None:
    """A slip of the kernel: nothing, divided by one bridge, is a share of 2. The next sizing takes it for an old size."""
    row = port(16 * MEG)
    inner = bridge(below(row), "b", is_hotplug=True)
    wanting(inner, MEG)

    distribute(row, Extras())

    assert [(window.flags, window.start, window.last) for window in (inner.windows[0], inner.windows[2])] == [
        (0, 0, 1),
        (0, 0, 1),
    ]


@pytest.mark.parametrize("is_alone", [True, False])
def test_nothing_is_spread_without_need(is_alone: bool) -> None:
    """Only a hot-plug bridge distributes, and only if bridges are behind it."""
    row = port(16 * MEG, is_hotplug=is_alone)
    target = below(row) if not is_alone else below(bridge(root_bus(), "elsewhere"))
    window = wanting(bridge(target, "b", is_hotplug=True), MEG)

    distribute(row, Extras())

    assert window.size == MEG


def test_a_bridge_without_a_bus_behind_it_has_nothing_to_spread() -> None:
    """No bus number was left for it."""
    row = port(16 * MEG)
    row.child = None

    distribute(row, Extras())

    assert row.windows[1].size == 16 * MEG


def test_the_second_share_begins_at_a_wrong_address() -> None:
    """A slip of the kernel: it adds where it means to replace. It shows where a window wants another alignment than 1 MiB."""
    row = port(32 * MEG)
    windows = [
        wanting(bridge(below(row), "a", is_hotplug=True), MEG),
        wanting(bridge(below(row), "b", is_hotplug=True), 4 * MEG, align=4 * MEG),
    ]

    distribute(row, Extras())

    assert [window.size for window in windows] == [13 * MEG, 15 * MEG]  # 16 would be right


def test_what_is_spread_below_one_bridge_does_not_change_the_share_of_the_next() -> None:
    """Each bridge hands a copy down."""
    row = port(34 * MEG)
    first = bridge(below(row), "a", is_hotplug=True)
    windows = [
        wanting(first, MEG),
        wanting(bridge(below(first), "inner", is_hotplug=True), MEG),
        wanting(bridge(below(row), "b", is_hotplug=True), 4 * MEG, align=4 * MEG),
    ]
    card(below(row), "card", {0: ("mem32", MEG)})

    distribute(row, Extras())

    assert [window.size for window in windows] == [13 * MEG, 13 * MEG, 13 * MEG]


def test_an_empty_share_changes_nothing() -> None:
    """Nothing is left behind the next multiple of 4 MiB: the window keeps the size it asked for."""
    row = port(3 * MEG)
    card(below(row), "card", {0: ("mem32", MEG)})
    window = wanting(bridge(below(row), "b", is_hotplug=True), MEG, align=4 * MEG)

    distribute(row, Extras())

    assert window.size == MEG


def test_a_window_of_size_zero_takes_nothing_away() -> None:
    """Not even for its alignment."""
    row = port(16 * MEG)
    card(below(row), "card", {0: ("mem32", MEG)})
    wanting(bridge(below(row), "empty"), 0, align=4 * MEG)
    window = wanting(bridge(below(row), "b", is_hotplug=True), MEG)

    distribute(row, Extras())

    assert window.size == 15 * MEG
