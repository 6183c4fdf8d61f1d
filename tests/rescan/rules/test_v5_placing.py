"""Rules v5: one list by alignment, walked twice."""

from __future__ import annotations

import pytest

from movsdk.layout.table import M64, MEG, MEM, PCI_FIXED, PREF, STARTALIGN, UNSET, Resource, Row, Segment
from movsdk.rescan.rules.v5 import V5
from movsdk.rescan.rules.v5_placing import PLACEMENT, least_start, lowest
from tests.layout.tables import B, aperture, below, bridge, card, root_bus, seat, spans, written
from tests.rescan.rules.turns import hookless, moves_of, turn

MOVES = moves_of(V5)
NONE = (0, 0)


def wanting(row: Row, size: int, covered: tuple[int, int] = NONE) -> Resource:
    """A memory window as sizing leaves it, with what it must cover."""
    window = row.windows[1]
    window.set_span(MEG, MEG + size - 1)
    window.flags = MEM | STARTALIGN
    below(row).fixed_range = [NONE, covered, NONE]
    return window


def fixed_bar(on: Segment, name: str, start: int, size: int = MEG) -> Resource:
    """A BAR of a driver without hooks, as release leaves it."""
    bar = hookless(card(on, name, {0: ("mem32", size)})).resources[0]
    bar.set_span(start, start + size - 1)
    return bar


def tried(root: Segment) -> list[str]:
    """Everything that was tried, in order."""
    now = turn(V5, root)
    MOVES.place(now)
    return [one.resource.row.name for one in now.placing.tries if one.resource.row is not None]


def test_what_is_fixed_comes_first_but_by_alignment() -> None:
    """Two walks over one list; addresses play no role in the order."""
    root = root_bus()
    card(root, "large", {0: ("mem32", 8 * MEG)})
    wanting(bridge(root, "high"), 2 * MEG, (B + 32 * MEG, B + 33 * MEG))
    wanting(bridge(root, "low"), 2 * MEG, (B + 16 * MEG, B + 17 * MEG))
    card(root, "small", {0: ("mem32", 0x1000)})

    assert tried(root) == ["high", "low", "large", "small"]


@pytest.mark.parametrize(
    ("size", "hull", "expected"),
    [
        pytest.param(4 * MEG, (B + 8 * MEG, B + 9 * MEG - 1), B + 5 * MEG, id="as low as still reaches their end"),
        pytest.param(MEG, (B, B + 4 * MEG - 1), B, id="never above their start"),
        pytest.param(16 * MEG, (MEG, 2 * MEG - 1), MEG, id="not even round the end of the address space"),
    ],
)
def test_least_address_of_a_window(size: int, hull: tuple[int, int], expected: int) -> None:
    """v5 clamps where v9 wraps."""
    assert least_start(hull, wanting(bridge(root_bus(), "b"), size)) == expected


def test_the_least_address_stands_clear_of_the_neighbour_almost() -> None:
    """It may begin no lower than the last byte of a neighbour's fixed BARs: the kernel forgets to add 1."""
    root = root_bus()
    neighbour = wanting(bridge(root, "n"), MEG, (B + 6 * MEG, B + 7 * MEG - 1))
    window = wanting(bridge(root, "b"), 4 * MEG, (B + 8 * MEG, B + 9 * MEG - 1))

    found = lowest(turn(V5, root))

    assert (found[id(window)], found[id(neighbour)]) == (B + 7 * MEG - 1, B + 6 * MEG)


def test_a_window_may_miss_what_it_should_cover() -> None:
    """No check afterwards: the window ends up behind its fixed BARs, and they find no place."""
    root = root_bus()
    seat(card(root, "in the way", {0: ("mem32", MEG)}).resources[0], root.windows[1], B + 8 * MEG)
    row = bridge(root, "b")
    window = wanting(row, 4 * MEG, (B + 8 * MEG, B + 9 * MEG - 1))
    bar = fixed_bar(below(row), "f", B + 8 * MEG)

    MOVES.place(turn(V5, root))

    assert spans(window, bar) == [(B + 9 * MEG, 4 * MEG), None]


@pytest.mark.parametrize(
    ("start", "flags", "expected"),
    [
        pytest.param(B + MEG, 0, (B + MEG, MEG), id="at its address"),
        pytest.param(B + MEG, UNSET, None, id="not if it has none"),
        pytest.param(0, 0, (B, MEG), id="at 0: it never had a place, and gets one like any other"),
        pytest.param(B + MEG, PCI_FIXED, None, id="what the platform pinned is not even listed, and lost"),
    ],
)
def test_a_fixed_bar(start: int, flags: int, expected: tuple[int, int] | None) -> None:
    """Its driver has no hooks; a failure changes nothing."""
    root = root_bus()
    bar = fixed_bar(root, "f", start)
    bar.flags |= flags

    MOVES.place(turn(V5, root))

    assert spans(bar) == [expected]
    assert expected is not None or bar.start == start


def test_a_failed_window_may_be_tried_twice() -> None:
    """Wiped, it looks like one without fixed BARs and comes up again in the second walk, which leaves it "unset"."""
    root = root_bus(aperture("pref64", B, MEG))
    row = bridge(root, "b")
    window = row.windows[2]
    window.set_span(MEG, 3 * MEG - 1)
    window.flags = MEM | PREF | 0x8 | STARTALIGN
    below(row).fixed_range = [NONE, NONE, (B, B + 2 * MEG)]
    assert PLACEMENT.is_anchored(turn(V5, root), window)

    MOVES.place(turn(V5, root))

    assert (window.start, window.size, window.flags, window.parent) == (0, 1, UNSET, None)


def test_given_up_devices_are_left_alone() -> None:
    """Neither placed nor entered nor programmed."""
    root = root_bus()
    row = bridge(root, "gone", bars_disabled=True)
    wanting(row, MEG)
    bar = card(below(row), "e", {0: ("mem32", MEG)}).resources[0]
    other = bridge(root, "here")
    now = turn(V5, root)

    MOVES.place(now)

    assert spans(row.windows[1], bar) == [None, None]
    assert not bar.flags & UNSET
    assert written(now.placing) == [("here", "windows", None)]
    assert other.windows[1].flags == 0


def test_bars_that_fail_keep_their_size() -> None:
    """UNSET, and the next rescan tries again."""
    root = root_bus(aperture("mem", B, MEG))
    bar = card(root, "a", {0: ("mem32", 2 * MEG)}).resources[0]

    MOVES.place(turn(V5, root))

    assert (bar.start, bar.size, bool(bar.flags & UNSET)) == (0, 2 * MEG, True)
    assert bar.last < M64
