"""Rules v9: who may move, what windows must cover, what is released."""

from __future__ import annotations

import pytest

from movsdk.layout.table import (
    IO,
    MEG,
    MEM,
    MEM_64,
    PCI_FIXED,
    PREF,
    SIZEALIGN,
    UNSET,
)
from movsdk.pci_regs import CLASS_DISPLAY_VGA
from movsdk.rescan.rules.record import DriverFacts
from movsdk.rescan.rules.v9 import V9, opt_in, opt_in_as_posted
from tests.layout.tables import B, below, bridge, card, root_bus, seat, spans
from tests.rescan.rules.turns import bound, hookless, moves_of, nested, shown, turn

MOVES = moves_of(V9)
VGA = CLASS_DISPLAY_VGA << 8


# --- who may move ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("has_hooks", "has_bar_fixed", "answers", "as_posted"),
    [
        pytest.param(True, True, (False, True), (False, True), id="bar_fixed answers"),
        pytest.param(False, True, (False, True), (False, True), id="bar_fixed alone is enough"),
        pytest.param(True, False, (False, False), None, id="the two hooks: movable; as posted they are not enough"),
        pytest.param(False, False, None, None, id="nothing: fixed"),
    ],
)
def test_opting_in(
    has_hooks: bool, has_bar_fixed: bool, answers: tuple[bool, bool] | None, as_posted: tuple[bool, bool] | None
) -> None:
    """`bar_fixed` where the driver has it, else both rescan hooks."""
    facts = DriverFacts(has_hooks, has_bar_fixed, lambda bar: bar == 1)

    def first_two(found: tuple[bool, ...] | None) -> tuple[bool, ...] | None:
        return None if found is None else found[:2]

    assert (first_two(opt_in(facts)), first_two(opt_in_as_posted(facts))) == (answers, as_posted)


@pytest.mark.parametrize(
    ("kind", "flags", "start", "class_code", "driver", "expected"),
    [
        pytest.param("mem32", 0, B, 0x020000, "none", False, id="unbound: movable"),
        pytest.param("mem32", 0, B, 0x020000, "movable", False, id="the driver says movable"),
        pytest.param("mem32", 0, B, 0x020000, "fixed", True, id="the driver says fixed"),
        pytest.param("mem32", 0, B, 0x020000, "hookless", True, id="the driver says nothing: fixed"),
        pytest.param("io", 0, 0x1000, 0x020000, "hookless", True, id="every BAR of it"),
        pytest.param("mem32", 0, 0, 0x020000, "hookless", True, id="also one that lost its place"),
        pytest.param("mem32", UNSET, B, 0x020000, "hookless", False, id="what has no address can move"),
        pytest.param("mem32", PCI_FIXED, B, 0x020000, "movable", True, id="the platform's word beats the driver's"),
        pytest.param("mem32", PCI_FIXED | UNSET, B, 0x020000, "none", True, id="even without an address"),
        pytest.param("mem32", 0, B, VGA, "none", True, id="VGA memory that has an address"),
        pytest.param("mem32", 0, 0, VGA, "none", False, id="VGA memory that has none"),
        pytest.param("io", 0, 0x1000, VGA, "none", False, id="VGA ports"),
        pytest.param("mem32", 0, B, VGA, "movable", False, id="a VGA driver's word comes first"),
        pytest.param("rom", 0, B, 0x020000, "hookless", True, id="a ROM is a BAR"),
    ],
)
def test_which_bars_must_stay(kind: str, flags: int, start: int, class_code: int, driver: str, expected: bool) -> None:
    """The first rule that applies decides; asked afresh each time, because flags change meanwhile."""
    index = 6 if kind == "rom" else 0
    row = card(root_bus(), "a", {index: (kind, 0x1000)}, class_code=class_code)
    row.resources[index].set_span(start, start + 0xFFF)
    row.resources[index].flags |= flags
    if driver == "hookless":
        hookless(row)
    elif driver != "none":
        bound(row, *([index] if driver == "fixed" else []))

    assert MOVES.fixed(row, index) is expected


def test_a_window_never_must_stay() -> None:
    """Whatever its bridge is bound to."""
    row = hookless(bridge(root_bus(), "b"))
    row.windows[1].flags = MEM

    assert [MOVES.fixed(row, index) for index in (7, 8, 9)] == [False, False, False]


def test_marking_gives_everybody_another_chance() -> None:
    """What has a place is noted bit by bit, ROM included; who was given up is no longer."""
    _, _, _, row = nested("io", "mem", "pref64")
    row.bars_disabled = True
    row.resources[1].flags |= UNSET

    MOVES.mark(row)

    assert (row.res_mask, row.bars_disabled) == (0b101, False)


# --- what windows must cover -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "index"),
    [
        pytest.param("io", 0, id="I/O"),
        pytest.param("mem32", 1, id="memory"),
        pytest.param("mem64", 1, id="64-bit memory"),
        pytest.param("pref32", 1, id="32-bit prefetchable: the memory window"),
        pytest.param("pref64", 2, id="64-bit prefetchable: its own, though it sits in a memory window"),
    ],
)
def test_a_fixed_bar_belongs_to_the_window_of_its_own_type(kind: str, index: int) -> None:
    """Not to the one it sits in."""
    root, outer, inner, row = nested("io", "mem", bars={0: (kind, 0x100 if kind == "io" else MEG)})
    bar = hookless(row).resources[0]

    MOVES.ranges(turn(V9, root))

    expected = [None, None, None]
    expected[index] = (bar.start, bar.last)  # type: ignore[call-overload]
    assert (below(inner).fixed_range, below(outer).fixed_range) == (expected, expected)


def test_ranges_join_over_buses() -> None:
    """A bridge must cover the fixed BARs of everything behind it, and the gaps between them."""
    root, outer, inner, row = nested("mem", bars={0: ("mem32", MEG)})
    hookless(row)
    other = hookless(card(below(outer), "other", {0: ("mem32", 0x1000)}))
    seat(other.resources[0], root.windows[1], B + 16 * MEG)

    MOVES.ranges(turn(V9, root))

    assert below(inner).fixed_range[1] == (B, B + MEG - 1)
    assert below(outer).fixed_range[1] == root.fixed_range[1] == (B, B + 16 * MEG + 0xFFF)


@pytest.mark.parametrize("spoil", ["movable", "unset", "detached"])
def test_what_may_move_or_has_no_place_binds_no_window(spoil: str) -> None:
    """Only assigned fixed BARs count."""
    root, _, inner, row = nested("mem", bars={0: ("mem32", MEG)})
    (bound if spoil == "movable" else hookless)(row)
    if spoil == "unset":
        row.resources[0].flags |= UNSET
    if spoil == "detached":
        row.resources[0].detach()
    below(inner).fixed_range = [(0, 1), (0, 1), (0, 1)]

    MOVES.ranges(turn(V9, root))

    assert below(inner).fixed_range == [None, None, None]


# --- release ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kinds", "sizes"),
    [
        pytest.param(
            ["io", "mem", "pref64"], [1, 4 * MEG, 4 * MEG], id="I/O above: memory and prefetchable windows keep their sizes"
        ),
        pytest.param(["mem", "pref64"], [1, 1, 4 * MEG], id="memory above: the prefetchable window does"),
        pytest.param(["pref64"], [1, 1, 1], id="neither: nothing is kept"),
    ],
)
def test_nested_windows_keep_their_size_if_the_bus_above_is_cut(kinds: list[str], sizes: list[int]) -> None:
    """The first window that is released above takes everything on the bus along; such a window has no type any more."""
    root, outer, inner, _ = nested(*kinds)
    now = turn(V9, root)

    MOVES.release(now)

    assert [window.size for window in inner.windows] == sizes
    assert [bool(window.flags) for window in inner.windows] == [
        kind in kinds and size == 1 for kind, size in zip(("io", "mem", "pref64"), sizes, strict=True)
    ]
    assert [(window.size, window.start) for window in outer.windows] == [(1, 0)] * 3
    assert (now.journal, [window.children for window in root.windows]) == ([], [[], [], []])


def test_bars_are_released_to_0_and_fixed_ones_keep_their_address() -> None:
    """A movable BAR keeps its size and gets no UNSET; a fixed one leaves the tree but not its place."""
    root, _, _, row = nested("io", "mem", "pref64")
    bound(row, 1)

    MOVES.release(turn(V9, root))

    assert shown(*row.resources[:3]) == [
        (0, 0x100, IO | SIZEALIGN),
        (B, MEG, MEM | SIZEALIGN),
        (0, MEG, MEM | PREF | MEM_64 | SIZEALIGN),
    ]
    assert spans(*row.resources[:3]) == [None, None, None]


def test_devices_on_the_root_bus_are_never_released() -> None:
    """Nor are BARs of bridges there."""
    root, outer, *_ = nested("mem")
    row = card(root, "e", {0: ("mem32", MEG)})
    seat(row.resources[0], root.windows[1], B + 16 * MEG)
    outer.resources[0].flags = MEM | SIZEALIGN
    outer.resources[0].last = MEG - 1
    seat(outer.resources[0], root.windows[1], B + 32 * MEG)

    MOVES.release(turn(V9, root))

    assert spans(row.resources[0], outer.resources[0]) == [(B + 16 * MEG, MEG), (B + 32 * MEG, MEG)]
