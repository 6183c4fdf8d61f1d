"""Rules v9: what is placed first, where windows round fixed BARs may go, and what a failure leaves."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movsdk.layout.table import M64, MEG, MEM, SIZEALIGN, STARTALIGN, UNSET, Resource, Row, Segment
from movsdk.rescan.rules.record import Turn
from movsdk.rescan.rules.v9 import V9
from movsdk.rescan.rules.v9_placing import covers, minimum
from tests.layout.tables import B, aperture, below, bridge, card, root_bus, seat, spans, written
from tests.rescan.rules.turns import bound, hookless, moves_of, turn

MOVES = moves_of(V9)


def wanting(row: Row, size: int, *, covered: tuple[int, int] | None = None, align: int = MEG) -> Resource:
    """A memory window as sizing leaves it, with what it must cover."""
    window = row.windows[1]
    window.set_span(align, align + size - 1)
    window.flags = MEM | STARTALIGN
    below(row).fixed_range[1] = covered
    return window


def fixed_bar(on: Segment, name: str, start: int, size: int = MEG) -> Resource:
    """A BAR of a driver that knows nothing of moving; it was released and kept its address."""
    bar = hookless(card(on, name, {0: ("mem32", size)})).resources[0]
    bar.set_span(start, start + size - 1)
    return bar


def order(root: Segment) -> list[str]:
    """Everything that was tried, in order."""
    now = turn(V9, root)
    MOVES.place(now)
    return [f"{one.resource.row.name}:{one.resource.index}" for one in now.placing.tries if one.resource.row is not None]


def test_what_is_bound_to_an_address_comes_first() -> None:
    """Windows round fixed BARs by the address of the first of them, then what moves, by alignment and in list order."""
    root = root_bus()
    card(root, "small", {0: ("mem32", 0x1000)})
    card(root, "large", {0: ("mem32", 8 * MEG)})
    wanting(bridge(root, "high"), MEG, covered=(B + 16 * MEG, B + 16 * MEG + 0xFFF))
    wanting(bridge(root, "low"), MEG, covered=(B + 12 * MEG, B + 12 * MEG + 0xFFF))
    wanting(bridge(root, "free"), MEG)
    card(root, "other", {0: ("mem32", MEG)})

    assert order(root) == ["low:8", "high:8", "large:0", "free:8", "other:0", "small:0"]


def test_fixed_bars_and_windows_stand_in_one_list() -> None:
    """Whoever has the lower address is placed first, so a window may take the place of a fixed BAR behind it."""
    root = root_bus()
    bar = fixed_bar(root, "y", B + 3 * MEG)
    window = wanting(bridge(root, "b"), 4 * MEG, covered=(B, B + MEG - 1))

    MOVES.place(turn(V9, root))

    assert spans(window, bar) == [(B, 4 * MEG), None]
    assert (bar.start, bar.flags & UNSET) == (B + 3 * MEG, 0)  # nobody notices


def test_of_equal_addresses_the_first_in_the_list_wins() -> None:
    """Device order, as it was scanned."""
    root = root_bus()
    bars = [fixed_bar(root, name, B) for name in ("one", "two")]

    MOVES.place(turn(V9, root))

    assert spans(*bars) == [(B, MEG), None]


@pytest.mark.parametrize(
    ("size", "covered", "expected"),
    [
        pytest.param(MEG, None, None, id="nothing to cover: the map's"),
        pytest.param(4 * MEG, (B, B + 4 * MEG - 1), B, id="just as long: where they begin"),
        pytest.param(2 * MEG, (B, B + 4 * MEG - 1), B, id="too short: the same"),
        pytest.param(4 * MEG, (B + 8 * MEG, B + 9 * MEG - 1), B + 5 * MEG, id="longer: as low as still reaches their end"),
        pytest.param(MEG, (B + MEG, B + MEG + 0x3FFF), B + 0x4000, id="w10: no multiple of the granule"),
        pytest.param(8 * MEG, (MEG, 2 * MEG - 1), (2 * MEG - 8 * MEG) & M64, id="wraps: no place at all"),
    ],
)
def test_least_address_of_a_window(size: int, covered: tuple[int, int] | None, expected: int | None) -> None:
    """Windows grow downwards from the end of their fixed BARs."""
    assert minimum(wanting(bridge(root_bus(), "b"), size, covered=covered)) == expected


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        pytest.param([], (B + 5 * MEG, 4 * MEG), id="as low as it may"),
        pytest.param([(B + 5 * MEG, MEG)], (B + 6 * MEG, 4 * MEG), id="the next gap"),
        pytest.param([(B + 7 * MEG, MEG)], (B + 8 * MEG, 4 * MEG), id="still round its BARs"),
        pytest.param([(B + 9 * MEG, MEG)], (B + 5 * MEG, 4 * MEG), id="what is behind does not matter"),
        pytest.param([(B + 8 * MEG, MEG)], None, id="its own place is taken: the first fit misses it, no other is tried"),
    ],
)
def test_a_window_must_end_up_round_its_fixed_bars(used: list[tuple[int, int]], expected: tuple[int, int] | None) -> None:
    """First fit from the least address; if that does not cover them, it is no place and the window is wiped."""
    root = root_bus()
    for start, size in used:
        seat(card(root, "other", {0: ("mem32", size)}).resources[0], root.windows[1], start)
    window = wanting(bridge(root, "b"), 4 * MEG, covered=(B + 8 * MEG, B + 9 * MEG - 1))

    MOVES.place(turn(V9, root))

    assert spans(window) == [expected]
    assert expected is not None or (window.flags, window.size) == (0, 1)


def test_a_bar_covers_by_being_there() -> None:
    """Only windows are checked afterwards."""
    root = root_bus()

    assert covers(card(root, "a", {0: ("mem32", MEG)}).resources[0])
    assert not covers(wanting(bridge(root, "b"), MEG, covered=(B, B)))


def test_what_a_failure_leaves() -> None:
    """A BAR keeps its size and gets UNSET, a window forgets everything; the others are tried all the same."""
    root = root_bus(aperture("mem", B, 4 * MEG))
    bar = card(root, "big", {0: ("mem32", 8 * MEG)}).resources[0]
    window = wanting(bridge(root, "wide"), 16 * MEG)
    small = card(root, "small", {0: ("mem32", MEG)}).resources[0]

    MOVES.place(turn(V9, root))

    assert (bar.start, bar.size, bar.flags, bar.parent) == (0, 8 * MEG, MEM | SIZEALIGN | UNSET, None)
    assert (window.flags, window.size) == (0, 1)
    assert spans(small) == [(B, MEG)]


def test_what_is_behind_a_failed_window_is_tried_and_fails() -> None:
    """Its bus has no window that could hold anything."""
    root = root_bus(aperture("mem", B, MEG))
    row = bridge(root, "b")
    wanting(row, 2 * MEG)
    bar = card(below(row), "e", {0: ("mem32", MEG)}).resources[0]

    MOVES.place(turn(V9, root))

    assert bar.flags == MEM | SIZEALIGN | UNSET


def test_bridges_that_nobody_enabled_are_written_on_the_way() -> None:
    """Inner before outer; BARs as they are placed, fixed ones never."""
    root = root_bus()
    outer = bridge(root, "outer", enable_cnt=1)
    inner = bridge(below(outer), "inner")
    wanting(outer, 2 * MEG)
    wanting(inner, 2 * MEG, covered=(B, B + MEG - 1))
    below(outer).fixed_range[1] = (B, B + MEG - 1)
    bound(card(below(inner), "m", {0: ("mem32", MEG)}))
    fixed_bar(below(inner), "f", B)
    now = turn(V9, root)

    MOVES.place(now)

    assert written(now.placing) == [("m", 0, B + MEG), ("inner", "windows", None)]


def test_bars_that_this_attempt_leaves_out_are_not_tried() -> None:
    """They end without a place and without UNSET."""
    root = root_bus()
    bar = card(root, "a", {0: ("mem32", MEG)}, is_added=True).resources[0]
    now = turn(V9, root, tries_failed=False)

    MOVES.place(now)

    assert (now.placing.tries, bar.parent, bar.flags & UNSET) == ([], None, 0)


@pytest.mark.parametrize("class_code", [0x000000, 0x060000])
def test_some_functions_keep_what_they_have(class_code: int) -> None:
    """Classless devices and host bridges are never placed, fixed or not."""
    root = root_bus()
    bars = [card(root, "a", {0: ("mem32", MEG)}, class_code=class_code).resources[0], fixed_bar(root, "f", B)]
    root.rows[1].class_code = class_code

    MOVES.place(turn(V9, root))

    assert spans(*bars) == [None, None]


def settle(now: Turn) -> None:
    """Release, size and place until it is accepted or nothing is left to try."""
    for row in now.root.walk():
        MOVES.mark(row)
    MOVES.release(now)
    while True:
        MOVES.size(now)
        MOVES.place(now)
        if MOVES.accept(now) or not MOVES.fallback(now):
            return


PORT = st.tuples(
    st.lists(st.integers(0, 3), max_size=3),  # movable BARs, 1 MiB << n
    st.lists(st.integers(0, 3), max_size=2),  # fixed BARs
    st.booleans(),
)


@given(st.lists(PORT, min_size=1, max_size=4), st.integers(4, 7))
def test_a_rescan_of_a_settled_machine_keeps_the_tree_sound(ports: list[tuple[list[int], list[int], bool]], room: int) -> None:
    """Whatever is released, sized and placed again: nothing overlaps, fixed BARs are at home or nowhere, windows round them."""
    root = root_bus(aperture("mem", B, MEG << room))
    for number, (movable, fixed, is_hotplug) in enumerate(ports):
        row = bridge(root, f"p{number}", is_hotplug=is_hotplug, is_added=True)
        for kind, orders in (("m", movable), ("f", fixed)):
            for index, each in enumerate(orders):
                bound(card(below(row), f"{kind}{number}{index}", {0: ("mem32", MEG << each)}, is_added=True))
    settle(turn(V9, root))
    for row in root.walk():
        if row.name.startswith("f"):
            hookless(row)
    homes = {row.name: row.resources[0].start for row in root.walk() if row.name.startswith("f") and row.resources[0].parent}
    now = turn(V9, root)
    MOVES.ranges(now)

    settle(now)

    for row in root.walk():
        for resource in row.resources:
            if resource.parent is None:
                continue
            siblings = resource.parent.children
            assert all(one.last < two.start for one, two in pairwise(siblings))
            assert resource.parent.contains(resource)
            covered = below(row).fixed_range[1] if resource.index == 8 else None
            assert covered is None or (resource.start <= covered[0] and covered[1] <= resource.last)
        if row.name in homes and row.resources[0].parent is not None:
            assert row.resources[0].start == homes[row.name]
