"""Hot-plug reserve: a minimum while BARs move, a wish on a list in the unpatched kernel."""

from __future__ import annotations

import pytest

from movsdk.layout.sizing import Extras, size_bus
from movsdk.layout.table import MEG, Reserve
from tests.layout.tables import Terms, below, bridge, card, extras_of, root_bus, sized

RESERVE = Reserve(io=256, mem=2 * MEG, pref=2 * MEG)


@pytest.mark.parametrize(
    ("pref", "expected"),
    [
        pytest.param(64, [(0x1000, 0x1000), (2 * MEG, MEG), (2 * MEG, MEG)], id="each window its own"),
        pytest.param(None, [(0x1000, 0x1000), (4 * MEG, MEG), None], id="memory takes the prefetchable reserve over"),
    ],
)
def test_without_a_list_the_reserve_is_a_minimum(pref: int | None, expected: list[tuple[int, int] | None]) -> None:
    """While BARs move there is one size only: the larger of need and hot-plug reserve."""
    root = root_bus()
    row = bridge(root, "hp", pref=pref, is_hotplug=True)

    size_bus(root, Terms(RESERVE), None)

    assert sized(row) == expected


def test_the_reserve_is_a_maximum_and_no_addition() -> None:
    """A hot-plug bridge with 1 MiB behind it and 2 MiB reserved gets 2 MiB."""
    root = root_bus()
    row = bridge(root, "hp", is_hotplug=True)
    card(below(row), "e", {0: ("mem32", MEG)})

    size_bus(root, Terms(RESERVE), None)

    assert sized(row)[1] == (2 * MEG, MEG)


def test_with_a_list_the_reserve_is_optional() -> None:
    """An empty hot-plug window exists with size 0; its parent pays one granule for it, and the wishes add up, latest first."""
    root = root_bus()
    outer = bridge(root, "rp")
    inner = bridge(below(outer), "hp", is_hotplug=True)
    extras = Extras()

    size_bus(root, Terms(RESERVE), extras)

    assert sized(inner) == [(0, 0x1000), (0, MEG), (0, MEG)]
    assert sized(outer) == [(0, 0x1000), (MEG, MEG), (MEG, MEG)]
    assert extras_of(extras) == [
        ("rp", 8, 2 * MEG, MEG),
        ("rp", 9, 2 * MEG, MEG),
        ("rp", 7, 0x1000, 0x1000),
        ("hp", 8, 2 * MEG, MEG),
        ("hp", 9, 2 * MEG, MEG),
        ("hp", 7, 0x1000, 0x1000),
    ]


def test_room_that_was_there_before_holds_the_wishes_too() -> None:
    """Windows never shrink below their old size; what those below wish for is not put on top of it."""
    root = root_bus()
    outer = bridge(root, "rp")
    bridge(below(outer), "hp", is_hotplug=True)
    for window, old in zip(outer.windows, (0x4000, 8 * MEG, 2 * MEG), strict=True):
        window.set_span(0, old - 1)
    extras = Extras()

    size_bus(root, Terms(RESERVE), extras)

    assert sized(outer) == [(0x4000, 0x1000), (8 * MEG, MEG), (2 * MEG, MEG)]
    wishes = [wish for wish in extras_of(extras) if wish[0] == "rp"]
    assert wishes == [("rp", 9, MEG, MEG)]  # 1 MiB for the empty window behind it and 2 MiB that it wishes for


def test_optional_space_asks_for_the_alignment_of_those_below() -> None:
    """The parent of a window with an optional part wants that part at the child's alignment, the rest at its own."""
    root = root_bus()
    outer = bridge(root, "rp")
    inner = bridge(below(outer), "hp", is_hotplug=True)
    card(below(inner), "e", {0: ("mem32", 16 * MEG)})
    card(below(outer), "x", {0: ("mem32", 1 * MEG)})
    extras = Extras()

    size_bus(root, Terms(Reserve(0, 32 * MEG, 0)), extras)

    assert (sized(inner)[1], sized(outer)[1]) == ((16 * MEG, 16 * MEG), (24 * MEG, 8 * MEG))
    assert extras_of(extras) == [("rp", 8, 24 * MEG, 16 * MEG), ("hp", 8, 16 * MEG, 16 * MEG)]
