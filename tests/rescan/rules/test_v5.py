"""Rules v5: who may move, what windows must cover, release, sizes, and the retry loop."""

from __future__ import annotations

import pytest
from attrs import evolve

from movsdk.layout.table import IO, MEG, MEM, MEM_64, PCI_FIXED, PREF, SIZEALIGN, STARTALIGN, UNSET, Reserve
from movsdk.pci_regs import CLASS_DISPLAY_VGA
from movsdk.rescan.rules.record import DriverFacts
from movsdk.rescan.rules.v5 import V5, counts, opt_in
from tests.layout.tables import B, P, below, bridge, card, closed, root_bus, seat, sized, spans
from tests.rescan.rules.turns import bound, hookless, moves_of, nested, shown, turn

MOVES = moves_of(V5)
VGA = CLASS_DISPLAY_VGA << 8


@pytest.mark.parametrize(
    ("has_hooks", "has_bar_fixed", "expected"),
    [
        pytest.param(True, False, (False,) * 7, id="the hooks"),
        pytest.param(False, True, (False,) * 7, id="a driver of later days stands for empty hooks"),
        pytest.param(True, True, (False,) * 7, id="its word on single BARs is not asked for"),
        pytest.param(False, False, None, id="nothing"),
    ],
)
def test_opting_in(has_hooks: bool, has_bar_fixed: bool, expected: tuple[bool, ...] | None) -> None:
    """Hooks make a whole device movable."""
    assert opt_in(DriverFacts(has_hooks, has_bar_fixed, lambda _bar: True)) == expected


@pytest.mark.parametrize(
    ("class_code", "flags", "driver", "expected"),
    [
        pytest.param(0x020000, 0, "none", False, id="unbound"),
        pytest.param(0x020000, 0, "movable", False, id="movable"),
        pytest.param(0x020000, 0, "mixed", False, id="mixed: all of it"),
        pytest.param(0x020000, 0, "hookless", True, id="hookless"),
        pytest.param(0x020000, UNSET, "hookless", True, id="without an address all the same"),
        pytest.param(0x020000, PCI_FIXED, "movable", True, id="the platform's word"),
        pytest.param(VGA, 0, "none", True, id="VGA, whatever BAR"),
        pytest.param(VGA, 0, "movable", False, id="VGA with hooks"),
    ],
)
def test_a_whole_device_stays_or_moves(class_code: int, flags: int, driver: str, expected: bool) -> None:
    """I/O, memory and ROM alike; flags of a BAR play no role but the platform's mark."""
    row = card(root_bus(), "a", {0: ("io", 0x100), 1: ("mem32", MEG)}, class_code=class_code)
    for bar in row.resources[:2]:
        bar.flags |= flags
    if driver == "hookless":
        hookless(row)
    elif driver != "none":
        bound(row, *([1] if driver == "mixed" else []))

    assert [MOVES.fixed(row, index) for index in (0, 1)] == [expected, expected]
    assert not MOVES.fixed(row, 8)


def test_who_was_given_up_stays_so() -> None:
    """Marking notes what has a place and forgives nobody."""
    _, _, _, row = nested("io", "mem", "pref64")
    row.bars_disabled = True

    MOVES.mark(row)

    assert (row.res_mask, row.bars_disabled) == (0b111, True)


def test_ranges_start_anew_at_0() -> None:
    """Start 0 means "nothing yet": a fixed BAR that really lies at 0 loses its start to the next one."""
    root = root_bus()
    row = bridge(root, "b")
    for name, start in (("a", 0), ("b", 0x3000)):
        bar = hookless(card(below(row), name, {0: ("io", 0x100)})).resources[0]
        bar.set_span(start, start + 0xFF)
        bar.parent = root.windows[0]

    MOVES.ranges(turn(V5, root))

    assert below(row).fixed_range == [(0x3000, 0x30FF), (0, 0), (0, 0)]


# --- release ---------------------------------------------------------------------------------------------
def test_windows_are_closed_at_once_and_forget_their_size() -> None:
    """Each type by its own walk: nested windows forget too. Registers of a bridge pass nothing until the end."""
    root, outer, inner, _ = nested("io", "mem", "pref64")
    now = turn(V5, root)

    MOVES.release(now)

    assert [(window.size, window.flags) for window in inner.windows] == [(1, IO), (1, MEM), (1, MEM | PREF | MEM_64)]
    assert closed(now.placing) == [(name, [number]) for number in range(3) for name in ("inner", "outer")]
    assert [window.parent for window in outer.windows] == [None, None, None]


def test_a_window_inside_one_of_another_type_ends_without_alignment() -> None:
    """Cut with its holder it keeps type and size and gets a second alignment flag when sized: bogus from now on."""
    root, outer, inner, _ = nested("mem", bars={})
    inner.windows[1].detach()
    window = seat(inner.windows[2], outer.windows[1], B, MEG, "pref64")
    now = turn(V5, root)

    MOVES.release(now)
    assert (window.size, window.flags) == (MEG, MEM | PREF | MEM_64 | SIZEALIGN)

    MOVES.size(now)
    assert (window.flags & (SIZEALIGN | STARTALIGN), window.alignment) == (SIZEALIGN | STARTALIGN, 0)

    MOVES.place(now)
    assert window.parent is None


def test_root_bus_devices_are_released_too() -> None:
    """At last everything that hangs on the apertures; what is fixed keeps address and flags."""
    root = root_bus()
    movable, fixed = (card(root, name, {0: ("mem32", MEG)}) for name in "mf")
    hookless(fixed)
    for row, start in ((movable, B), (fixed, B + MEG)):
        seat(row.resources[0], root.windows[1], start)

    MOVES.release(turn(V5, root))

    assert shown(movable.resources[0], fixed.resources[0]) == [(0, MEG, MEM | SIZEALIGN), (B + MEG, MEG, MEM | SIZEALIGN)]
    assert spans(movable.resources[0], fixed.resources[0]) == [None, None]


# --- sizing ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("pref", "ranges", "expected"),
    [
        pytest.param(64, [(0, 0), (B, B + 3 * MEG), (0, 0)], [None, None, None], id="beside pref64, memory forgets its own"),
        pytest.param(64, [(0, 0), (0, 0), (P, P + 3 * MEG)], [None, (4 * MEG, MEG), (4 * MEG, MEG)], id="and takes the other's"),
        pytest.param(32, [(0, 0), (B, B + MEG - 1), (0, 0)], [None, (MEG, MEG), (MEG, MEG)], id="32-bit: both take memory's"),
        pytest.param(None, [(0, 0), (B, B + MEG - 1), (0, 0)], [None, (MEG, MEG), None], id="no prefetchable window"),
        pytest.param(64, [(0x2000, 0x20FF), (0, 0), (0, 0)], [(0x1000, 0x1000), None, None], id="I/O"),
        pytest.param(64, [(0, 0), (0, 0), (P, P)], [None, None, None], id="one address is no range"),
    ],
)
def test_the_wrong_index(pref: int | None, ranges: list[tuple[int, int] | None], expected: list[tuple[int, int] | None]) -> None:
    """Which range a window must be as long as goes by the mask of the computation, not by the window: the bug of v5."""
    root = root_bus()
    row = bridge(root, "b", pref=pref, is_hotplug=True)
    below(row).fixed_range = ranges

    MOVES.size(turn(V5, root, reserve=Reserve(256, 2 * MEG, 2 * MEG)))

    assert sized(row) == expected


def test_fixed_memory_adds_its_plain_size() -> None:
    """No alignment, no bucket: 1 MiB fixed and 16 MiB movable make a window at 16 MiB."""
    root = root_bus()
    row = bridge(root, "b")
    hookless(card(below(row), "f", {0: ("mem32", MEG)}))
    card(below(row), "m", {0: ("mem32", 16 * MEG)})

    MOVES.size(turn(V5, root))

    assert sized(row)[1] == (32 * MEG, 16 * MEG)


def test_fixed_io_keeps_its_alignment() -> None:
    """Only the sizing of memory was changed: 16 KiB of fixed ports align the I/O window."""
    root = root_bus()
    row = bridge(root, "b")
    hookless(card(below(row), "f", {0: ("io", 0x4000)}))

    MOVES.size(turn(V5, root))

    assert sized(row)[0] == (0x4000, 0x4000)


@pytest.mark.parametrize(
    ("kind", "is_disabled", "expected"),
    [
        pytest.param("mem32", False, True, id="memory"),
        pytest.param("mem32", True, False, id="memory of one given up"),
        pytest.param("io", True, True, id="I/O of one given up counts all the same"),
    ],
)
def test_who_counts(kind: str, is_disabled: bool, expected: bool) -> None:
    """A given-up device keeps making I/O windows larger."""
    root = root_bus()
    row = card(root, "a", {0: (kind, 0x1000)}, bars_disabled=is_disabled)

    assert counts(turn(V5, root), row, 0) is expected


# --- the retry loop --------------------------------------------------------------------------------------
def test_only_what_worked_before_counts() -> None:
    """BARs without a place, old or new, are tried but not required; given-up devices hide what is below them."""
    root, outer, _, row = nested("mem", bars={0: ("mem32", MEG)})
    MOVES.mark(row)
    other = card(root, "other", {0: ("mem32", MEG)}, is_added=True)
    other.resources[0].flags |= UNSET
    now = turn(V5, root)
    assert MOVES.accept(now)

    row.resources[0].detach()
    assert not MOVES.accept(now)

    outer.bars_disabled = True
    assert MOVES.accept(now)


def test_newcomers_are_given_up_bridges_first() -> None:
    """In list order, each before what is behind it, with a release before every new attempt."""
    root, outer, inner, row = nested("mem", bars={0: ("mem32", MEG)})
    for each in (inner, row):
        each.is_added = False
    late = card(root, "late", {0: ("mem32", MEG)})
    released: list[str] = []
    now = turn(V5, root)
    now.moves = evolve(MOVES, release=lambda _turn: released.append(",".join(r.name for r in root.walk() if r.bars_disabled)))

    while MOVES.fallback(now):
        pass

    assert released == ["inner", "inner,card", "inner,card,late"]
    assert (late.bars_disabled, outer.bars_disabled, now.expands, now.tries_failed) == (True, False, True, True)


def test_given_up_bridges_are_not_programmed() -> None:
    """Nor is what is below them, nor new ones."""
    root, outer, inner, _ = nested("mem")
    new = bridge(root, "new")
    card(below(new), "x", {})
    assert [row.name for row in MOVES.programmed(root)] == ["inner", "outer"]

    inner.bars_disabled = True
    assert [row.name for row in MOVES.programmed(root)] == ["outer"]

    outer.bars_disabled = True
    assert MOVES.programmed(root) == []
