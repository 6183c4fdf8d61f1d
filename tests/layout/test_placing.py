"""Sorting, and placing one resource."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movsdk.layout.placing import (
    Try,
    assign_resource,
    insert_fixed,
    is_skipped,
    program_if_closed,
    settle,
    sorted_by_alignment,
)
from movsdk.layout.table import (
    MEG,
    MEM,
    MEM_64,
    PCI_FIXED,
    PREF,
    ROM_SHADOW,
    SIZEALIGN,
    STARTALIGN,
    UNSET,
    BarWrite,
    Resource,
    Row,
    Segment,
)
from tests.layout.tables import B, K, P, aperture, below, bridge, card, new_placing, open_window, root_bus, seat, spans, written


def labels(resources: list[Resource]) -> list[str]:
    return [f"{one.row.name}:{one.index}" for one in resources if one.row is not None]


def everything(_row: Row, _resource: Resource) -> bool:
    return True


def test_resources_are_tried_by_alignment_then_in_device_order() -> None:
    """Descending and stable; windows stand in the same list by the alignment that sizing gave them, I/O and memory mixed."""
    root = root_bus()
    card(root, "a", {0: ("mem32", MEG), 2: ("io", 0x20), 6: ("rom", 2 * K)})
    row = bridge(root, "b")
    row.windows[1].flags, row.windows[1].start, row.windows[1].last = MEM | STARTALIGN, MEG, 4 * MEG - 1
    card(root, "c", {0: ("pref64", 8 * MEG), 2: ("mem32", MEG)})

    assert labels(sorted_by_alignment(root.rows, everything)) == ["c:0", "a:0", "b:8", "c:2", "a:6", "a:2"]


@pytest.mark.parametrize(
    ("flags", "parent", "is_listed"),
    [
        pytest.param(MEM | SIZEALIGN, False, True, id="unassigned"),
        pytest.param(MEM | SIZEALIGN | UNSET, False, True, id="failed before"),
        pytest.param(0, False, False, id="no such BAR"),
        pytest.param(MEM | SIZEALIGN, True, False, id="assigned"),
        pytest.param(MEM, False, False, id="no alignment flag"),
        pytest.param(MEM | SIZEALIGN | STARTALIGN, False, False, id="both alignment flags"),
    ],
)
def test_what_is_listed(flags: int, parent: bool, is_listed: bool) -> None:
    """Only what exists, has no place and has an alignment can be tried."""
    root = root_bus()
    bar = card(root, "a", {0: ("mem32", MEG)}).resources[0]
    if parent:
        seat(bar, root.windows[1], B)
    bar.flags = flags

    assert (sorted_by_alignment(root.rows, everything) == [bar]) is is_listed


def test_rules_say_what_is_wanted() -> None:
    """The filter sees function and resource."""
    root = root_bus()
    card(root, "a", {0: ("mem32", MEG), 1: ("mem32", MEG)})
    card(root, "b", {0: ("mem32", MEG)})

    assert labels(sorted_by_alignment(root.rows, lambda row, bar: row.name == "b" or bar.index == 1)) == ["a:1", "b:0"]


@pytest.mark.parametrize(
    ("class_code", "command", "expected"),
    [
        pytest.param(0x020000, 0, False, id="network card"),
        pytest.param(0x0000FF, 0, True, id="no class"),
        pytest.param(0x060000, 0, True, id="host bridge"),
        pytest.param(0x060400, 0, False, id="PCI bridge"),
        pytest.param(0x080010, 0, False, id="interrupt controller, off"),
        pytest.param(0x080010, 1, True, id="interrupt controller, ports on"),
        pytest.param(0x080010, 2, True, id="interrupt controller, memory on"),
        pytest.param(0x080010, 4, False, id="bus mastering is no decode"),
    ],
)
def test_some_functions_are_never_touched(class_code: int, command: int, expected: bool) -> None:
    """Classless devices, host bridges, and interrupt controllers that firmware turned on keep what they have."""
    root = root_bus()
    row = card(root, "a", {0: ("mem32", MEG)}, class_code=class_code, command=command)

    assert is_skipped(row) is expected
    assert (sorted_by_alignment(root.rows, everything) == []) is expected


def test_a_place_is_written_and_noted() -> None:
    """Parent, flags, journal and log agree; the write carries the flags of that moment."""
    root = root_bus()
    bar = card(root, "a", {0: ("pref64", MEG)}).resources[0]
    bar.flags |= UNSET
    placing = new_placing()

    assert assign_resource(root, bar, placing)

    assert (bar.parent, bar.start, bar.size, bar.flags) == (root.windows[2], P, MEG, MEM | PREF | MEM_64 | SIZEALIGN)
    assert placing.journal == [BarWrite(root.rows[0], 0, P, bar.flags)]
    assert placing.tries == [Try(bar, bar.flags, P, MEG, True)]


def test_no_place_leaves_numbers_alone() -> None:
    """A failure sets UNSET, writes nothing, and is noted with the size that was asked for; the rest is up to the rules."""
    root = root_bus(aperture("mem", B, MEG))
    bar = card(root, "a", {0: ("mem32", 2 * MEG)}).resources[0]
    placing = new_placing()

    assert not assign_resource(root, bar, placing)

    assert (bar.parent, bar.start, bar.size, bar.flags) == (None, 0, 2 * MEG, MEM | SIZEALIGN | UNSET)
    assert placing.journal == []
    assert [(one.size, one.has_place, one.flags) for one in placing.tries] == [(2 * MEG, False, MEM | SIZEALIGN)]


def test_a_bogus_alignment_is_a_failure() -> None:
    """Alignment 0 is not tried anywhere, not even in an empty window."""
    root = root_bus()
    bar = card(root, "a", {0: ("mem32", MEG)}).resources[0]
    bar.flags = MEM

    assert not assign_resource(root, bar, new_placing())


@pytest.mark.parametrize(
    ("index", "is_written"),
    [
        pytest.param(0, True, id="BAR"),
        pytest.param(5, True, id="last BAR"),
        pytest.param(6, False, id="ROM: its register is never written"),
        pytest.param(8, False, id="window: written with the bridge"),
    ],
)
def test_whose_register_is_written_at_once(index: int, is_written: bool) -> None:
    """BARs as they are placed; everything else later or never."""
    root = root_bus()
    resource = bridge(root, "b").resources[index]
    resource.flags = MEM | STARTALIGN | UNSET
    placing = new_placing()

    settle(resource, placing)

    assert resource.flags == MEM
    assert bool(placing.journal) is is_written


@pytest.mark.parametrize(
    ("climbs", "is_subtractive", "expected"),
    [
        pytest.param(True, True, P, id="subtractive: the bus above is tried"),
        pytest.param(True, False, None, id="any other bridge: only the own bus"),
        pytest.param(False, True, None, id="never while BARs are movable"),
    ],
)
def test_below_a_subtractive_bridge_the_bus_above_will_do(climbs: bool, is_subtractive: bool, expected: int | None) -> None:
    """Such a bridge forwards what nobody else claims, so a place anywhere above is a place."""
    root = root_bus()
    inner = below(bridge(root, "t"))
    inner.is_subtractive = is_subtractive
    bar = card(inner, "a", {0: ("pref64", MEG)}).resources[0]

    assign_resource(inner, bar, new_placing(climbs=climbs))

    assert (bar.start if bar.parent is not None else None) == expected


@pytest.mark.parametrize(
    ("kind", "start", "window"),
    [
        pytest.param("mem32", B + MEG, 1, id="where it lies"),
        pytest.param("pref64", P + MEG, 2, id="in the prefetchable window"),
        pytest.param("pref32", B + MEG, 1, id="a prefetchable BAR in a memory window, if that is first to contain it"),
        pytest.param("mem32", P + MEG, None, id="never a plain BAR in a prefetchable window"),
        pytest.param("io", 0x1100, 0, id="ports"),
        pytest.param("mem32", B + 64 * MEG, None, id="outside"),
        pytest.param("mem32", B + 8 * MEG, None, id="on another"),
    ],
)
def test_a_fixed_bar_goes_to_its_own_address_or_nowhere(kind: str, start: int, window: int | None) -> None:
    """The first window of its bus that contains it; a failure changes nothing, so nobody notices."""
    root = root_bus()
    seat(card(root, "other", {0: ("mem32", MEG)}).resources[0], root.windows[1], B + 8 * MEG)
    bar = card(root, "a", {0: (kind, 0x100 if kind == "io" else MEG)}).resources[0]
    bar.set_span(start, start + bar.size - 1)
    before = (bar.start, bar.last, bar.flags)

    assert insert_fixed(root, bar) is (window is not None)

    assert bar.parent is (None if window is None else root.windows[window])
    assert (bar.start, bar.last, bar.flags) == before


def test_the_shadow_of_a_rom_needs_no_place() -> None:
    """It is a copy in RAM: success, and nothing done."""
    root = root_bus()
    rom = card(root, "vga", {6: ("rom", 64 * K)}).resources[6]
    rom.flags = MEM | PCI_FIXED | ROM_SHADOW

    assert insert_fixed(root, rom)
    assert rom.parent is None


def test_a_window_without_type_takes_no_fixed_bar() -> None:
    """A failed window has flags 0; its old range means nothing."""
    root = root_bus()
    row = bridge(root, "b")
    bar = card(below(row), "a", {0: ("mem32", MEG)}).resources[0]
    open_window(row, 1, root.windows[1], B, MEG, "mem").flags = 0
    bar.set_span(B, B + MEG - 1)

    assert not insert_fixed(below(row), bar)


@pytest.mark.parametrize(("count", "expected"), [(0, [("b", "windows", None)]), (1, [])])
def test_only_bridges_that_nobody_enabled_are_programmed_while_placing(count: int, expected: list[tuple[str, str, None]]) -> None:
    """An enabled bridge forwards to somebody: its registers wait for the end, if they are written at all."""
    row = bridge(root_bus(), "b", enable_cnt=count)
    placing = new_placing()

    program_if_closed(row, placing)

    assert written(placing) == expected


BARS = st.lists(
    st.tuples(st.sampled_from(["io", "mem32", "mem64", "pref32", "pref64", "rom"]), st.integers(0, 6)), min_size=1, max_size=12
)


def filled(bars: list[tuple[str, int]]) -> tuple[Segment, list[Resource]]:
    """A small root bus with these BARs tried in order of alignment."""
    root = root_bus(aperture("io", 0x1000, 0x1000, 0), aperture("mem", B, 64 * MEG, 1), aperture("pref64", P, 32 * MEG, 2))
    for number, (kind, order) in enumerate(bars):
        card(root, f"c{number}", {0: (kind, 0x10 << order if kind == "io" else MEG << order)})
    placing = new_placing()
    queue = sorted_by_alignment(root.rows, everything)
    for bar in queue:
        assign_resource(root, bar, placing)
    return root, queue


@given(BARS)
def test_no_two_children_of_a_window_overlap(bars: list[tuple[str, int]]) -> None:
    """Every placed BAR lies inside its window, at its alignment, alone; every other one has UNSET and no parent."""
    root, queue = filled(bars)

    for window in root.windows:
        ends = [window.start - 1, *(place for child in window.children for place in (child.start, child.last)), window.last + 1]
        assert all(one < two for one, two in zip(ends[::2], ends[1::2], strict=True))
    for bar in queue:
        assert (bar.parent is None) == bool(bar.flags & UNSET)
        assert bar.parent is None or (bar.start % bar.size == 0 and any(bar is child for child in bar.parent.children))


@given(BARS)
def test_placing_is_deterministic(bars: list[tuple[str, int]]) -> None:
    """The same table gives the same addresses."""
    assert spans(*filled(bars)[1]) == spans(*filled(bars)[1])


@given(BARS)
def test_placing_again_changes_nothing(bars: list[tuple[str, int]]) -> None:
    """Taken out and put back in the same order, everything finds the same place."""
    root, queue = filled(bars)
    before = spans(*queue)

    for bar in queue:
        bar.detach()
        bar.set_span(0, bar.size - 1)
    for bar in queue:
        assign_resource(root, bar, new_placing())

    assert spans(*queue) == before
