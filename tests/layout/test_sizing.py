"""How big bridge windows must be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from movsdk.layout.sizing import restore_window_types, size_bus
from movsdk.layout.table import IO, MEG, MEM, MEM_64, PREF, UNSET, Reserve, Row, Segment
from tests.layout.tables import (
    B,
    K,
    P,
    Terms,
    aperture,
    below,
    bridge,
    card,
    open_window,
    root_bus,
    seat,
    sized,
)

Bars = Mapping[int, tuple[str, int]]


def one_bridge(bars: Bars, **facts: Any) -> tuple[Segment, Row]:
    """A root bus with a bridge that has these BARs behind it."""
    root = root_bus()
    row = bridge(root, "b", **facts)
    card(below(row), "e", bars)
    return root, row


@pytest.mark.parametrize(
    ("pref", "mem", "prefetchable"),
    [
        pytest.param(64, [1, 2, 4], [8], id="64-bit: only pref64 goes there, pref32 and mem64 into memory"),
        pytest.param(32, [1, 2], [4, 8], id="32-bit: everything prefetchable"),
        pytest.param(None, [1, 2, 4, 8], [], id="none: all into memory"),
    ],
)
def test_what_a_window_is_sized_for(pref: int | None, mem: list[int], prefetchable: list[int]) -> None:
    """The prefetchable window decides which resources are counted where."""
    root, row = one_bridge(
        {0: ("mem32", 1 * MEG), 1: ("mem64", 2 * MEG), 3: ("pref32", 4 * MEG), 4: ("pref64", 8 * MEG)}, pref=pref
    )

    size_bus(root, Terms(), None)

    at_least = [sum(sizes) * MEG for sizes in (mem, prefetchable)]
    assert [window.size if window.flags else 0 for window in row.windows[1:]] == at_least


@pytest.mark.parametrize(
    ("sizes", "size", "alignment"),
    [
        pytest.param([4 * K], MEG, MEG, id="small: one granule"),
        pytest.param([4 * K] * 300, 2 * MEG, MEG, id="small ones add up"),
        pytest.param([64 * MEG, 16 * MEG], 96 * MEG, 32 * MEG, id="w10: half the largest alignment will do"),
        pytest.param([1 * MEG, 1 * MEG, 16 * MEG], 24 * MEG, 8 * MEG, id="w08"),
        pytest.param([32 * MEG, 1 * MEG], 48 * MEG, 16 * MEG, id="w11"),
        pytest.param([16 * MEG, 16 * MEG], 32 * MEG, 16 * MEG, id="equal ones keep their alignment"),
        pytest.param([2 * MEG, 1 * MEG], 3 * MEG, 1 * MEG, id="2 M beside 1 M: no need to begin at 2 M"),
        pytest.param([2 * MEG, 1 * MEG, 1 * MEG], 4 * MEG, 1 * MEG, id="one granule in front of 2 M, one behind"),
    ],
)
def test_size_and_alignment_of_a_memory_window(sizes: list[int], size: int, alignment: int) -> None:
    """The sum, rounded up to an alignment at which the largest BAR finds a place among the smaller ones."""
    root = root_bus()
    row = bridge(root, "b")
    for number, each in enumerate(sizes):
        card(below(row), f"e{number}", {0: ("mem32", each)})

    size_bus(root, Terms(), None)

    assert sized(row)[1] == (size, alignment)


def test_windows_of_bridges_count_like_bars_of_their_alignment() -> None:
    """Leaves first; a child window bigger than its alignment adds its size and takes part in no bucket (w11: 48 M + 8 M)."""
    root = root_bus()
    outer = bridge(root, "rp")
    inner = bridge(below(outer), "hp")
    card(below(inner), "d2", {0: ("pref64", 32 * MEG)})
    card(below(inner), "d1", {0: ("pref64", 1 * MEG)})
    card(below(outer), "x", {0: ("pref64", 8 * MEG)})

    size_bus(root, Terms(), None)

    assert (sized(inner)[2], sized(outer)[2]) == ((48 * MEG, 16 * MEG), (56 * MEG, 8 * MEG))


def test_a_window_bigger_than_its_alignment_leaves_no_gap_to_fill() -> None:
    """48 M at 16 M beside 32 M: only resources no larger than their alignment can make the window begin elsewhere."""
    root = root_bus()
    outer = bridge(root, "rp")
    inner = bridge(below(outer), "hp")
    card(below(inner), "a", {0: ("mem32", 32 * MEG)})
    card(below(inner), "b", {0: ("mem32", 1 * MEG)})
    card(below(outer), "x", {0: ("mem32", 32 * MEG)})

    size_bus(root, Terms(), None)

    assert (sized(inner)[1], sized(outer)[1]) == ((48 * MEG, 16 * MEG), (96 * MEG, 32 * MEG))


@pytest.mark.parametrize(
    ("bars", "terms", "size"),
    [
        pytest.param([], {}, None, id="nothing: no window"),
        pytest.param([0x20, 0x100], {}, 0x1000, id="small: one granule"),
        pytest.param([0x100] * 17, {}, 0x2000, id="small ones add up"),
        pytest.param([0x400], {}, 0x1000, id="big ones too"),
        pytest.param([], {"small_io": 256, "big_io": 0x2000}, 0x3000, id="w11: floor of the small and big parts are added"),
        pytest.param([0x200], {"small_io": 256}, 0x1000, id="a floor lifts its own part"),
        pytest.param([0x800, 0x100], {"small_io": 0x800, "big_io": 0x800}, 0x1000, id="floors are not added to what is there"),
        pytest.param([0x800, 0x100], {"small_io": 0x801}, 0x2000, id="one byte more"),
        pytest.param([0x400] * 4, {"small_io": 0x100}, 0x2000, id="1 KiB is big"),
        pytest.param([0x200] * 8, {"small_io": 0x100}, 0x1000, id="512 bytes are small"),
    ],
)
def test_size_of_an_io_window(bars: list[int], terms: dict[str, int], size: int | None) -> None:
    """Resources below 1 KiB and the others are summed apart, each sum has its own floor."""
    root = root_bus()
    row = bridge(root, "b")
    for number, each in enumerate(bars):
        card(below(row), f"e{number}", {0: ("io", each)})

    size_bus(root, Terms(**terms), None)  # type: ignore[arg-type]

    assert sized(row)[0] == (None if size is None else (size, 0x1000))


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        pytest.param(1, MEG, id="one byte is no size"),
        pytest.param(2, MEG, id="less than needed"),
        pytest.param(5 * MEG, 5 * MEG, id="a window never shrinks on its own"),
        pytest.param(5 * MEG + 2, 6 * MEG, id="rounded up"),
    ],
)
def test_an_old_size_is_a_minimum(old: int, expected: int) -> None:
    """What is left in start and last of an unassigned window counts, except the size 1 of a forgotten one."""
    root, row = one_bridge({0: ("mem32", MEG)})
    row.windows[1].set_span(0, old - 1)

    size_bus(root, Terms(), None)

    assert sized(row)[1] == (expected, MEG)


def test_ports_of_8_kib_align_their_window() -> None:
    """An I/O window begins at the largest alignment in it, at least at 4 KiB."""
    root, row = one_bridge({0: ("io", 0x2000)})

    size_bus(root, Terms(), None)

    assert sized(row)[0] == (0x2000, 0x2000)


def test_an_assigned_window_is_left_alone() -> None:
    """Whatever appears behind it must fit into it as it is."""
    root, row = one_bridge({0: ("mem32", 16 * MEG)})
    window = open_window(row, 1, root.windows[1], B, MEG, "mem")

    size_bus(root, Terms(), None)

    assert (window.start, window.size) == (B, MEG)


def test_assigned_children_are_not_counted() -> None:
    """Only what still needs a place makes a window bigger."""
    root, row = one_bridge({0: ("mem32", MEG), 1: ("mem32", 2 * MEG)})
    seat(below(row).rows[0].resources[1], root.windows[1], B)

    size_bus(root, Terms(), None)

    assert sized(row)[1] == (MEG, MEG)


def test_resources_that_the_rules_leave_out_cost_nothing() -> None:
    """A given-up newcomer, for example."""
    root, row = one_bridge({0: ("mem32", MEG), 1: ("mem32", 16 * MEG)})

    size_bus(root, Terms(left_out=frozenset({("e", 1)})), None)

    assert sized(row)[1] == (MEG, MEG)


def test_a_plain_resource_adds_its_size_and_no_alignment() -> None:
    """How v5 counts a fixed BAR: nothing in the buckets, so the window may begin anywhere."""
    root, row = one_bridge({0: ("mem32", 16 * MEG), 1: ("mem32", MEG)})

    size_bus(root, Terms(plain=frozenset({("e", 0)})), None)

    assert sized(row)[1] == (17 * MEG, MEG)


@pytest.mark.parametrize(
    ("pref", "asked"),
    [
        pytest.param(64, [("b", 9, True), ("b", 8, True)], id="64-bit"),
        pytest.param(32, [("b", 9, False), ("b", 8, False)], id="32-bit"),
        pytest.param(None, [("b", 8, False)], id="none"),
    ],
)
def test_rules_hear_which_mask_is_in_use(pref: int | None, asked: list[tuple[str, int, bool]]) -> None:
    """Beside a 64-bit prefetchable window the memory window is computed with the wide mask: v5 stumbles over that."""
    root, _ = one_bridge({}, pref=pref)
    terms = Terms(mem={"b:8": 3 * MEG})

    size_bus(root, terms, None)

    assert terms.asked == asked


def test_a_floor_makes_a_window_out_of_nothing() -> None:
    """A window that must cover fixed BARs is at least as long as they lie apart."""
    root, row = one_bridge({})

    size_bus(root, Terms(mem={"b:8": 3 * MEG + 1}), None)

    assert sized(row) == [None, (4 * MEG, MEG), None]


def test_alignments_from_256_gib_on_are_refused() -> None:
    """linux 5.10 gives such a BAR up while sizing: it loses its type and counts no more."""
    root, row = one_bridge({0: ("pref64", 1 << 38), 2: ("pref64", 1 << 37)})

    size_bus(root, Terms(), None)

    assert [bar.flags for bar in below(row).rows[0].resources[:3:2]] != [0, 0]
    assert below(row).rows[0].resources[0].flags == 0
    assert sized(row)[2] == (1 << 37, 1 << 37)


@pytest.mark.parametrize(
    ("io", "pref", "flags"),
    [
        pytest.param(True, 64, [IO, MEM, MEM | PREF | MEM_64], id="all"),
        pytest.param(False, 32, [0, MEM, MEM | PREF], id="no I/O, 32 bits"),
        pytest.param(False, None, [0, MEM, 0], id="memory is always there"),
    ],
)
def test_a_bridge_gets_back_the_windows_it_implements(io: bool, pref: int | None, flags: list[int]) -> None:
    """Flags are added to whatever is there."""
    row = bridge(root_bus(), "b", io=io, pref=pref)
    for window in row.windows:
        window.flags = UNSET

    restore_window_types(row)

    assert [window.flags for window in row.windows] == [each | UNSET for each in flags]


def test_a_window_that_is_not_implemented_still_counts_while_it_has_flags() -> None:
    """A hot-added bridge reads zero registers as windows; they are sized although it has no such hardware."""
    root, row = one_bridge({0: ("pref64", MEG)}, pref=None, io=False)
    row.windows[0].flags, row.windows[2].flags = IO, MEM | PREF
    row.windows[0].set_span(0, 0xFFF)
    row.windows[2].set_span(0, MEG - 1)

    size_bus(root, Terms(), None)

    assert sized(row) == [(0x1000, 0x1000), None, (MEG, MEG)]


def test_the_root_bus_is_never_sized() -> None:
    """Apertures are the host bridge's; devices on the root bus need no window."""
    root = root_bus(aperture("pref64", P, 16 * MEG))
    card(root, "e", {0: ("pref64", 64 * MEG)})

    size_bus(root, Terms(Reserve(io=256, mem=2 * MEG, pref=2 * MEG)), None)

    assert [(window.start, window.size) for window in root.windows] == [(P, 16 * MEG)]
