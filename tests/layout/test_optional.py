"""Required sizes first, optional additions where they fit: pass 2 of the unpatched kernel."""

from __future__ import annotations

import pytest

from movsdk.layout.optional import Failure, Lists, assign_bus, assign_rows
from movsdk.layout.placing import Placing
from movsdk.layout.sizing import Extra, Extras, size_bus
from movsdk.layout.table import IO, MEG, MEM, SIZEALIGN, STARTALIGN, UNSET, Reserve, Resource, Row, Segment
from tests.layout.tables import (
    KINDS,
    B,
    K,
    P,
    Terms,
    aperture,
    below,
    bridge,
    card,
    new_placing,
    open_window,
    root_bus,
    spans,
    written,
)


def hotplug_port(*apertures: Resource) -> tuple[Segment, Row, Row]:
    """A root port with an empty hot-plug bridge behind it."""
    root = root_bus(*apertures)
    outer = bridge(root, "rp")
    return root, outer, bridge(below(outer), "hp", is_hotplug=True)


def assigned(root: Segment, reserve: Reserve) -> tuple[Placing, Lists]:
    """Size with a list of wishes, then place."""
    lists, placing = Lists(Extras(), []), new_placing()
    size_bus(root, Terms(reserve), lists.extras)
    assign_bus(root, lists, placing)
    return placing, lists


def wish(window: Resource, size: int, kind: str, add: int, min_align: int | None = None) -> Extra:
    """A window of `size` bytes at its alignment 1 MiB (4 KiB for I/O), and what it would like to have more."""
    start = 0x1000 if kind == "io" else MEG
    window.set_span(start, start + size - 1)
    window.flags = KINDS[kind] | STARTALIGN
    return Extra(window, add, min_align or start)


def test_everything_gets_its_wish_if_there_is_room() -> None:
    """One round at the enlarged sizes; the list of wishes is empty afterwards."""
    root, outer, inner = hotplug_port()

    placing, lists = assigned(root, Reserve(0, 2 * MEG, 0))

    assert spans(outer.windows[1], inner.windows[1]) == [(B, 3 * MEG), (B, 2 * MEG)]
    assert (lists.extras, lists.failures) == ([], [])
    assert written(placing) == [("hp", "windows", None), ("rp", "windows", None)]


def test_wishes_that_do_not_fit_are_dropped_from_the_root_down() -> None:
    """2 MiB of memory: the port gets what it needs, its hot-plug bridge nothing, and neither counts as a failure."""
    root, outer, inner = hotplug_port(aperture("mem", B, 2 * MEG))

    _, lists = assigned(root, Reserve(0, 2 * MEG, 0))

    assert spans(outer.windows[1], inner.windows[1]) == [(B, MEG), None]
    assert (lists.extras, lists.failures) == ([], [])
    assert outer.windows[1].flags & STARTALIGN  # left over from the failed attempt to grow
    assert inner.windows[1].flags == 0


@pytest.mark.parametrize(
    ("placed", "failed", "is_kept"),
    [
        pytest.param("io", "io", False, id="I/O for I/O"),
        pytest.param("io", "mem32", True, id="I/O is no help to memory"),
        pytest.param("mem", "mem32", False, id="memory for memory"),
        pytest.param("mem", "io", True, id="memory is no help to I/O"),
        pytest.param("mem", "pref64", False, id="memory for prefetchable memory"),
        pytest.param("pref64", "pref64", False, id="prefetchable for prefetchable"),
        pytest.param("pref64", "mem32", True, id="prefetchable is no help to memory"),
        pytest.param("pref32", "mem32", False, id="except where it sits in a memory window"),
    ],
)
def test_only_what_could_help_gives_its_wish_back(placed: str, failed: str, is_kept: bool) -> None:
    """After a failure, enlarged windows of a type that cannot make room for it keep their place."""
    root = root_bus(aperture("io", 0x1000, 0x4000, 0), aperture("mem", B, 64 * MEG, 1), aperture("pref64", P, 64 * MEG, 2))
    window = bridge(root, "b").windows[{"io": 0, "mem": 1}.get(placed, 2)]
    extra = wish(window, 0x1000 if placed == "io" else MEG, placed, 0x1000 if placed == "io" else MEG)
    card(root, "big", {0: (failed, 0x8000 if failed == "io" else 128 * MEG)})
    placing = new_placing()

    lists = Lists([extra], [])
    assign_rows(root.rows, root, lists, placing)

    assert lists.extras == []
    tried = [one.has_place for one in placing.tries if one.resource is window]
    assert tried == ([True] if is_kept else [True, True, True])  # enlarged, as needed, grown again
    assert window.size == 2 * (0x1000 if placed == "io" else MEG)


def test_failures_are_listed_latest_first_and_wiped() -> None:
    """The list holds each resource as it was when it failed; the resource itself forgets everything."""
    root = root_bus(aperture("mem", B, MEG))
    bars = [card(root, name, {0: ("mem32", size)}).resources[0] for name, size in (("a", 2 * MEG), ("b", 4 * MEG))]
    lists = Lists(Extras(), [])

    assign_rows(root.rows, root, lists, new_placing())

    flags = MEM | SIZEALIGN | UNSET
    assert lists.failures == [Failure(bars[0], 0, 2 * MEG - 1, flags), Failure(bars[1], 0, 4 * MEG - 1, flags)]
    assert [(bar.start, bar.last, bar.flags) for bar in bars] == [(0, 0, 0), (0, 0, 0)]


def test_a_rom_that_fails_is_no_failure() -> None:
    """It is wiped like a BAR, but no second try is made for its sake."""
    root = root_bus(aperture("mem", B, MEG))
    rom = card(root, "a", {6: ("rom", 2 * MEG)}).resources[6]
    lists = Lists(Extras(), [])

    assign_rows(root.rows, root, lists, new_placing())

    assert (lists.failures, rom.flags) == ([], 0)


def test_a_rom_alone_does_not_cost_the_others_their_wish() -> None:
    """While everything is enlarged, a ROM without a place is lost for good and the others keep what they got."""
    root = root_bus(aperture("mem", B, 3 * MEG))
    window = bridge(root, "b").windows[1]
    extra = wish(window, MEG, "mem", 2 * MEG)
    rom = card(root, "a", {6: ("rom", 64 * K)}).resources[6]
    lists = Lists([extra], [])

    assign_rows(root.rows, root, lists, new_placing())

    assert (spans(window), rom.flags, lists.extras) == ([(B, 3 * MEG)], 0, [])


def test_nobody_has_to_ask_for_failures() -> None:
    """A rescan of the unpatched kernel keeps no list; what fails is wiped all the same."""
    root = root_bus(aperture("mem", B, MEG))
    bar = card(root, "a", {0: ("mem32", 2 * MEG)}).resources[0]

    assign_rows(root.rows, root, Lists(Extras(), None), new_placing())

    assert bar.flags == 0


def test_a_window_of_size_zero_without_a_wish_is_passed_over() -> None:
    """Nothing to place and no failure: it stays as it is."""
    root = root_bus()
    window = bridge(root, "b").windows[1]
    wish(window, 0, "mem", 0)
    placing = new_placing()

    assign_rows(root.rows, root, Lists(Extras(), []), placing)

    assert (window.start, window.size, window.flags, placing.tries) == (MEG, 0, MEM | STARTALIGN, [])


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param([1, 0], [(B, MEG), (B + MEG, 5 * MEG)], id="the second grows where it is, the first cannot"),
        pytest.param([0, 1], [(B + 2 * MEG, 5 * MEG), (B + MEG, MEG)], id="the first moves away to grow"),
    ],
)
def test_wishes_are_granted_one_by_one(order: list[int], expected: list[tuple[int, int]]) -> None:
    """If not all fit together, each in turn may grow over free space, or move if nothing is inside yet."""
    root = root_bus(aperture("mem", B, 8 * MEG))
    windows = [bridge(root, name).windows[1] for name in ("a", "b")]
    wishes = [wish(window, MEG, "mem", 4 * MEG) for window in windows]
    lists = Lists([wishes[number] for number in order], [])

    assign_rows(root.rows, root, lists, new_placing())

    assert spans(*windows) == expected
    assert lists.extras == []
    granted = [window.size > MEG for window in windows]
    assert [not window.flags & STARTALIGN for window in windows] == granted
    assert root.windows[0].children == sorted(windows, key=lambda window: window.start)


def test_a_window_of_size_zero_gets_its_wish_after_the_others() -> None:
    """The hot-plug bridge that needs nothing is placed last, and wiped if there is nothing left."""
    root = root_bus(aperture("mem", B, 4 * MEG))
    windows = [bridge(root, name).windows[1] for name in ("empty", "full", "poor")]
    wishes = [wish(windows[0], 0, "mem", 2 * MEG), wish(windows[1], MEG, "mem", 4 * MEG), wish(windows[2], 0, "mem", 2 * MEG)]

    assign_rows(root.rows, root, Lists(wishes, []), new_placing())

    assert spans(*windows) == [(B + MEG, 2 * MEG), (B, MEG), None]
    assert windows[2].flags == 0


def test_a_wish_of_somebody_elsewhere_waits() -> None:
    """Wishes of other buses stay on the list for when their bus is placed, whatever happens here."""
    for room in (MEG, 4 * MEG):
        root = root_bus(aperture("mem", B, room))
        row = bridge(root, "b")
        extra = wish(bridge(below(row), "c").windows[1], MEG, "mem", MEG)
        lists = Lists([extra, wish(row.windows[1], MEG, "mem", MEG)], [])

        assign_rows(root.rows, root, lists, new_placing())

        assert lists.extras == [extra]


def test_a_window_in_its_alignment_keeps_its_turn() -> None:
    """A wish at the alignment it has already does not move it behind others of that alignment."""
    root = root_bus(aperture("mem", B, 64 * MEG))
    window = bridge(root, "b").windows[1]
    extra = wish(window, 3 * MEG, "mem", MEG, min_align=MEG)
    bars = [card(root, f"c{size}", {0: ("mem32", size)}).resources[0] for size in (MEG, 64 * K)]

    assign_rows(root.rows, root, Lists([extra], []), new_placing())

    assert spans(window, *bars) == [(B, 4 * MEG), (B + 4 * MEG, MEG), (B + 5 * MEG, 64 * K)]


def test_a_window_with_something_inside_does_not_move_to_grow() -> None:
    """What it holds would be left behind."""
    root = root_bus(aperture("mem", B, 8 * MEG))
    windows = [bridge(root, name).windows[1] for name in ("a", "b")]
    wishes = [wish(window, MEG, "mem", 4 * MEG) for window in windows]
    windows[0].children.append(Resource(0))

    assign_rows(root.rows, root, Lists(wishes, []), new_placing())

    assert spans(*windows) == [(B, MEG), (B + MEG, 5 * MEG)]


def test_a_wish_of_one_that_was_wiped_is_forgotten() -> None:
    """There is nothing left to enlarge."""
    root = root_bus(aperture("mem", B, 2 * MEG))
    window = bridge(root, "b").windows[1]
    lists = Lists([wish(window, 4 * MEG, "mem", MEG)], [])

    assign_rows(root.rows, root, lists, new_placing())

    assert (lists.extras, window.flags) == ([], 0)


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param([2 * MEG], [(B, 4 * MEG), (B + 4 * MEG, 2 * MEG)], id="before a BAR that was ahead of it"),
        pytest.param([64 * K], [(B, 4 * MEG), (B + 4 * MEG, 64 * K)], id="not behind one that followed it"),
        pytest.param([8 * MEG], [(B + 8 * MEG, 4 * MEG), (B, 8 * MEG)], id="still behind a larger alignment"),
        pytest.param([4 * MEG, 64 * K], [(B + 4 * MEG, 4 * MEG), (B, 4 * MEG), (B + 8 * MEG, 64 * K)], id="behind an equal one"),
        pytest.param(
            [8 * MEG, 2 * MEG, 64 * K],
            [(B + 8 * MEG, 4 * MEG), (B, 8 * MEG), (B + 12 * MEG, 2 * MEG), (B + 14 * MEG, 64 * K)],
            id="between",
        ),
    ],
)
def test_a_wish_for_alignment_moves_a_window_up_the_list(others: list[int], expected: list[tuple[int, int]]) -> None:
    """The enlarged window begins at the alignment of those who want the space, and is tried before all that need less."""
    root = root_bus()
    window = bridge(root, "b").windows[1]
    extra = wish(window, 3 * MEG, "mem", MEG, min_align=4 * MEG)
    bars = [card(root, f"c{size}", {0: ("mem32", size)}).resources[0] for size in others]

    assign_rows(root.rows, root, Lists([extra], []), new_placing())

    assert spans(window, *bars) == expected


@pytest.mark.parametrize(("is_subtractive", "expected"), [(True, (P, 4 * MEG)), (False, (B, MEG))])
def test_below_a_subtractive_bridge_a_window_may_grow_on_the_bus_above(is_subtractive: bool, expected: tuple[int, int]) -> None:
    """Where the kernel looks for more, too; it comes to that because the card's BAR fits nowhere and ends the first round."""
    root = root_bus()
    outer = bridge(root, "outer")
    open_window(outer, 1, root.windows[1], B, 2 * MEG, "mem")
    inner = below(outer)
    inner.is_subtractive = is_subtractive
    window = bridge(inner, "b").windows[2]
    card(inner, "big", {0: ("pref64", 2048 * MEG)})

    assign_rows(inner.rows, inner, Lists([wish(window, MEG, "pref64", 3 * MEG)], []), new_placing())

    assert spans(window) == [expected]


def test_io_wishes_are_apart_from_memory() -> None:
    """Too little I/O for the wish: the window has to do without, memory keeps its wish."""
    root = root_bus(aperture("io", 0x1000, 0x1000, 0), aperture("mem", B, 64 * MEG, 1))
    row = bridge(root, "hp", is_hotplug=True)
    card(below(row), "e", {0: ("io", 0x20)})

    _, lists = assigned(root, Reserve(0x2000, 2 * MEG, 0))

    assert spans(*row.windows[:2]) == [(0x1000, 0x1000), (B, 2 * MEG)]
    assert row.windows[0].flags & IO
    assert lists.failures == []
