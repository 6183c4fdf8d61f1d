"""Rules v9: what each attempt asks for, sizes, and is content with."""

from __future__ import annotations

import pytest
from attrs import evolve

from movsdk.layout.table import (
    MEG,
    MEM,
    NO_RESERVE,
    STARTALIGN,
    UNSET,
    Reserve,
    Row,
)
from movsdk.pci_regs import CLASS_DISPLAY_VGA
from movsdk.rescan.rules.v9 import V9, is_enabled
from tests.layout.tables import B, P, below, bridge, card, open_window, root_bus, sized
from tests.rescan.rules.turns import hookless, moves_of, nested, turn

MOVES = moves_of(V9)
VGA = CLASS_DISPLAY_VGA << 8


# --- sizing ----------------------------------------------------------------------------------------------
def test_a_fixed_bar_counts_without_alignment() -> None:
    """Size as it is, alignment 1: 16 MiB fixed beside 1 MiB movable make 17 MiB that may begin anywhere."""
    root = root_bus()
    row = bridge(root, "b")
    hookless(card(below(row), "f", {0: ("mem32", 16 * MEG)})).resources[0].set_span(B, B + 16 * MEG - 1)
    card(below(row), "m", {0: ("mem32", MEG)})

    MOVES.size(turn(V9, root))

    assert sized(row)[1] == (17 * MEG, MEG)


@pytest.mark.parametrize(
    ("pref", "ranges", "expected"),
    [
        pytest.param(64, [None, (B, B + 3 * MEG), None], [None, (4 * MEG, MEG), None], id="memory"),
        pytest.param(64, [None, None, (P, P + 3 * MEG)], [None, None, (4 * MEG, MEG)], id="64-bit prefetchable"),
        pytest.param(32, [None, (B, B + MEG - 1), None], [None, (MEG, MEG), (MEG, MEG)], id="32-bit looks at memory's range"),
        pytest.param(32, [None, None, (P, P + MEG - 1)], [None, None, None], id="and not at its own"),
        pytest.param(64, [(0x2000, 0x2FFF), None, None], [(0x1000, 0x1000), None, None], id="I/O"),
    ],
)
def test_a_window_is_as_long_as_its_fixed_bars_lie_apart(
    pref: int, ranges: list[tuple[int, int] | None], expected: list[tuple[int, int] | None]
) -> None:
    """Which range counts goes by the window's flags."""
    root = root_bus()
    row = bridge(root, "b", pref=pref)
    below(row).fixed_range = ranges

    MOVES.size(turn(V9, root))

    assert sized(row) == expected


@pytest.mark.parametrize(
    ("is_hotplug", "expands", "expected"),
    [
        pytest.param(True, True, [(0x1000, 0x1000), (2 * MEG, MEG), (2 * MEG, MEG)], id="while it is asked for"),
        pytest.param(True, False, [None, None, None], id="not any more"),
        pytest.param(False, True, [None, None, None], id="only behind hot-plug bridges"),
    ],
)
def test_hot_plug_reserve(is_hotplug: bool, expands: bool, expected: list[tuple[int, int] | None]) -> None:
    """A minimum, dropped from the second attempt on."""
    root = root_bus()
    row = bridge(root, "hp", is_hotplug=is_hotplug)

    MOVES.size(turn(V9, root, reserve=Reserve(256, 2 * MEG, 2 * MEG), expands=expands))

    assert sized(row) == expected


@pytest.mark.parametrize(
    ("tries_failed", "facts", "expected"),
    [
        pytest.param(True, {"is_added": True}, True, id="everything is tried"),
        pytest.param(False, {"is_added": True}, False, id="then only what worked before"),
        pytest.param(False, {"is_added": True, "res_mask": 0b10}, True, id="bit by bit"),
        pytest.param(False, {"is_added": True, "res_mask": 0b01}, False, id="another bit"),
        pytest.param(False, {"is_added": False}, True, id="and newcomers"),
        pytest.param(False, {"is_added": False, "bars_disabled": True}, False, id="unless given up"),
        pytest.param(True, {"is_added": False, "bars_disabled": True}, True, id="at the beginning nobody is"),
    ],
)
def test_which_bars_an_attempt_tries(tries_failed: bool, facts: dict[str, int], expected: bool) -> None:
    """Windows are tried in any case."""
    root = root_bus()
    row = card(root, "a", {1: ("mem32", MEG)})
    for name, value in facts.items():
        setattr(row, name, value)
    now = turn(V9, root, tries_failed=tries_failed)

    assert (is_enabled(now, row, 1), is_enabled(now, row, 8)) == (expected, True)


# --- the retry loop --------------------------------------------------------------------------------------
def two_ports() -> tuple[list[Row], list[Row]]:
    """Two bridges, each with a bridge and a card below it."""
    root = root_bus()
    bridges, cards = [], []
    for name in ("a", "b"):
        outer = bridge(root, name, is_added=True)
        inner = bridge(below(outer), f"{name}{name}", is_added=True)
        bridges += [outer, inner]
        cards.append(card(below(inner), f"{name}-card", {0: ("mem32", MEG)}, is_added=True))
    return bridges, cards


def test_first_attempts_want_every_bar_of_the_domain() -> None:
    """One BAR or ROM with UNSET spoils it; a fixed BAR that lost its place has none, so nobody notices."""
    root, _, _, row = nested("mem", bars={0: ("mem32", MEG), 6: ("rom", 0x10000)})
    MOVES.mark(row)
    now = turn(V9, root)
    row.resources[0].detach()
    assert MOVES.accept(now)

    row.resources[6].flags |= UNSET
    assert not MOVES.accept(now)


def test_later_attempts_want_what_worked_before() -> None:
    """Nobody may have lost a BAR; newcomers need not have got any, and given-up devices do not count, nor what is below them."""
    bridges, cards = two_ports()
    root, row = bridges[0].segment, cards[0]
    now = turn(V9, root, tries_failed=False)
    row.res_mask, cards[1].resources[0].flags = 0b1, MEM | UNSET
    assert not MOVES.accept(now)

    bridges[0].bars_disabled = True
    assert MOVES.accept(now)


def test_each_fallback_asks_for_less() -> None:
    """No reserve, on top of what was placed; then only what worked before; then one newcomer less each time, deepest first."""
    bridges, cards = two_ports()
    for row in (bridges[0], bridges[1], *cards):
        row.is_added = False
    released: list[int] = []
    now = turn(V9, bridges[0].segment)
    now.moves = evolve(MOVES, release=lambda _turn: released.append(1))
    story = []

    while MOVES.fallback(now):
        given_up = [row.name for row in now.root.walk() if row.bars_disabled]
        story.append((now.expands, now.tries_failed, given_up, len(released)))

    assert story == [
        (False, True, [], 0),
        (False, False, [], 1),
        (False, False, ["a-card"], 2),
        (False, False, ["aa", "a-card"], 3),
        (False, False, ["a", "aa", "a-card"], 4),
        (False, False, ["a", "aa", "a-card", "b-card"], 5),
    ]


def test_known_bridges_are_programmed_at_the_end() -> None:
    """Children before their parent; what is new, and all below it, was written while placing."""
    bridges, _ = two_ports()
    bridges[2].is_added = False

    assert [row.name for row in MOVES.programmed(bridges[0].segment)] == ["aa", "a"]


def test_a_windows_alignment_is_where_it_begins() -> None:
    """Sizing leaves a window at its alignment; while it has a place it has none."""
    root, outer, *_ = nested("mem")
    assert (outer.windows[1].alignment, outer.windows[1].flags & STARTALIGN) == (0, 0)

    MOVES.release(turn(V9, root))
    MOVES.size(turn(V9, root, reserve=NO_RESERVE))

    assert outer.windows[1].flags == MEM | STARTALIGN
    assert open_window(bridge(root, "x"), 1, root.windows[1], B, MEG, "mem").alignment == 0
