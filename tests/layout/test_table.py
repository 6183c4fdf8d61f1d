"""Resources, their tree, and the journal."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movsdk.layout.table import (
    IO,
    M64,
    MEG,
    MEM,
    MEM_64,
    PREF,
    SIZEALIGN,
    STARTALIGN,
    Flag,
    Resource,
    WindowWrite,
    align_up,
    find_window,
)
from tests.layout.tables import B, aperture, below, bridge, card, root_bus, seat


@pytest.mark.parametrize(
    ("address", "alignment", "expected"),
    [
        pytest.param(0, 0x1000, 0, id="zero"),
        pytest.param(0x1000, 0x1000, 0x1000, id="aligned"),
        pytest.param(0x1001, 0x1000, 0x2000, id="next"),
        pytest.param(M64, 0x1000, 0, id="wraps"),
    ],
)
def test_addresses_are_aligned_upwards_modulo_two_to_the_64(address: int, alignment: int, expected: int) -> None:
    """The kernel's arithmetic is unsigned 64 bit: past the end it begins again at 0."""
    assert align_up(address, alignment) == expected


@pytest.mark.parametrize(
    ("flags", "start", "last", "size", "alignment"),
    [
        pytest.param(0, 0, 0, 1, 0, id="never touched counts one byte"),
        pytest.param(MEM | SIZEALIGN, 0, MEG - 1, MEG, MEG, id="a BAR by its size"),
        pytest.param(MEM | STARTALIGN, 2 * MEG, 5 * MEG - 1, 3 * MEG, 2 * MEG, id="a sized window by its start"),
        pytest.param(MEM, 2 * MEG, 5 * MEG - 1, 3 * MEG, 0, id="a placed window by nothing"),
        pytest.param(MEM | SIZEALIGN | STARTALIGN, MEG, 2 * MEG - 1, MEG, 0, id="both flags: bogus"),
        pytest.param(MEM, 0, M64, 0, 0, id="everything wraps to zero"),
    ],
)
def test_size_and_alignment(flags: int, start: int, last: int, size: int, alignment: int) -> None:
    """Which of its numbers a resource is aligned to is a matter of two flags."""
    resource = Resource(0, None, start, last, flags)

    assert (resource.size, resource.alignment) == (size, alignment)


@pytest.mark.parametrize(
    ("start", "last", "fits"),
    [
        pytest.param(0x1000, 0x1FFF, True, id="the first bytes"),
        pytest.param(0x4000, 0x4FFF, True, id="exactly between two"),
        pytest.param(0xF000, 0xFFFF, True, id="the last bytes"),
        pytest.param(0x0FFF, 0x1FFE, False, id="begins before the window"),
        pytest.param(0xF001, 0x10000, False, id="ends behind the window"),
        pytest.param(0x3FFF, 0x4000, False, id="overlaps the one before"),
        pytest.param(0x4FFF, 0x5000, False, id="overlaps the one behind"),
        pytest.param(0x2000, 0x7FFF, False, id="covers another"),
        pytest.param(0x4FFF, 0x4FFE, False, id="empty"),
    ],
)
def test_a_resource_goes_into_a_free_place_or_nowhere(start: int, last: int, fits: bool) -> None:
    """`insert` keeps the children of a window inside, apart, and in order."""
    window = Resource(1, None, 0x1000, 0xFFFF, IO)
    neighbours = [Resource(0, None, 0x3000, 0x3FFF, IO), Resource(0, None, 0x5000, 0x5FFF, IO)]
    for neighbour in reversed(neighbours):
        assert window.insert(neighbour)
    newcomer = Resource(0, None, start, last, IO)

    assert window.insert(newcomer) is fits

    assert newcomer.parent is (window if fits else None)
    assert window.children == sorted([*neighbours, *([newcomer] if fits else [])], key=lambda child: child.start)


@given(st.lists(st.tuples(st.integers(0, 0xFF), st.integers(1, 0x20)), max_size=20), st.data())
def test_no_two_children_of_a_window_overlap(places: list[tuple[int, int]], data: st.DataObject) -> None:
    """Whatever is inserted and detached in whatever order."""
    window = Resource(1, None, 0, 0xFF, MEM)
    resources = [Resource(0, None, start, start + size - 1, MEM) for start, size in places]

    for resource in resources:
        window.insert(resource)
    for resource in data.draw(st.permutations(list(window.children))):
        if data.draw(st.booleans()):
            resource.detach()

    children = window.children
    assert all(one.last < two.start for one, two in pairwise(children))
    assert [one for one in resources if one.parent is window] == sorted(children, key=resources.index)


def test_detaching_twice_changes_nothing() -> None:
    """A resource without a parent has left already; others stay."""
    window, one, two = aperture("mem", B, MEG), Resource(0, None, B, B + 0xFF), Resource(0, None, B + 0x100, B + 0x1FF)
    window.insert(one)
    window.insert(two)

    one.detach()
    one.detach()

    assert window.children == [two]


def test_a_moved_resource_can_still_leave() -> None:
    """The kernel changes start and last of a resource that still hangs in the tree; `detach` finds it all the same."""
    window, one, two = aperture("mem", B, MEG), Resource(0, None, B, B + 0xFF), Resource(0, None, B + 0x100, B + 0x1FF)
    window.insert(one)
    window.insert(two)
    one.set_span(0, 0xFF)
    two.set_span(0, 0xFF)

    two.detach()

    assert window.children == [one]


def test_wiping_keeps_the_place_in_the_tree() -> None:
    """`wipe` forgets numbers and flags, as ``reset_resource()`` does; a parent it leaves alone."""
    window, resource = aperture("mem", B, MEG), Resource(0, None, B, B + 0xFF, MEM)
    window.insert(resource)

    resource.wipe()

    assert (resource.start, resource.last, resource.flags, resource.parent) == (0, 0, 0, window)


@pytest.mark.parametrize(
    ("windows", "mask", "wanted", "index"),
    [
        pytest.param([("mem", True), ("mem", False)], MEM | PREF, MEM, 1, id="the first unassigned"),
        pytest.param([("mem", True), ("mem", True)], MEM | PREF, MEM, 0, id="else the first assigned"),
        pytest.param([("pref64", False), ("mem", False)], MEM | PREF, MEM, 1, id="of that type"),
        pytest.param([("pref64", False)], MEM | PREF, MEM | PREF, 0, id="bits outside the mask do not matter"),
        pytest.param([("pref32", False)], MEM | PREF | MEM_64, MEM | PREF | MEM_64, None, id="bits inside it do"),
        pytest.param([], MEM, MEM, None, id="none"),
    ],
)
def test_the_window_of_a_type(windows: list[tuple[str, bool]], mask: int, wanted: int, index: int | None) -> None:
    """Sizing asks for an unassigned window first, because that one can still grow."""
    found = [aperture(kind, B, MEG, number) for number, (kind, _) in enumerate(windows)]
    for window, (_, is_assigned) in zip(found, windows, strict=True):
        window.parent = window.parent if is_assigned else None

    assert find_window(root_bus(*found) if found else below(bridge(root_bus(), "b")), mask, wanted) is (
        None if index is None else found[index]
    )


def test_an_empty_window_is_nobodys() -> None:
    """A window without flags is not found, whatever is asked."""
    assert find_window(below(bridge(root_bus(), "b")), 0, 0) is None


def test_functions_are_walked_bridges_first() -> None:
    """Depth first in list order: a bridge, what is behind it, then its neighbour."""
    root = root_bus()
    outer = bridge(root, "outer")
    inner = bridge(below(outer), "inner")
    card(below(inner), "a", {})
    card(below(outer), "b", {})
    card(root, "c", {})

    assert [row.name for row in root.walk()] == ["outer", "inner", "a", "b", "c"]


def test_window_writes_say_which_registers_they_leave_alone() -> None:
    """`all_of` carries the table's numbers as they are now; `closed` touches one window."""
    root = root_bus()
    row = bridge(root, "b")
    seat(row.windows[1], root.windows[1], B, MEG, "mem")

    before = WindowWrite.all_of(row)
    row.windows[1].wipe()

    assert before.windows == ((0, 0, 0), (B, B + MEG - 1, MEM), (0, 0, 0))
    assert [WindowWrite.closed(row, number).windows for number in range(3)] == [
        ((0, 0, 0), None, None),
        (None, (0, 0, 0), None),
        (None, None, (0, 0, 0)),
    ]


def test_plain_ints_and_flags_are_the_same_bits() -> None:
    """Hot loops use ints, drivers see `Flag`."""
    assert Flag(MEM | PREF | MEM_64) == Flag.MEM | Flag.PREFETCH | Flag.MEM_64
