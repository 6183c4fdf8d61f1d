"""What the versions share."""

from __future__ import annotations

import pytest

from movsdk.errors import BadInput
from movsdk.layout.table import IO, MEG, MEM, MEM_64, PREF, UNSET, Reserve
from movsdk.rescan.rules import RULES, by_name
from movsdk.rescan.rules.record import (
    Moves,
    Rules,
    assigned_mask,
    bridges_last_first,
    nothing_lost,
    placed_bars,
    range_index,
    span_of,
)
from tests.layout.tables import B, Terms, below, bridge, card, root_bus, seat
from tests.rescan.rules.turns import nested, turn


@pytest.mark.parametrize("name", ["v9", "v5", "off"])
def test_rules_are_found_by_name(name: str) -> None:
    """The name is the one in scenarios; each says in a sentence what it is."""
    rules = by_name(name)

    assert (rules.name, rules is RULES[name], bool(rules.about)) == (name, True, True)
    assert (rules.moves is None) == (name == "off")


def test_an_unknown_name_lists_the_known_ones() -> None:
    """One clear line."""
    with pytest.raises(BadInput, match=r"rules 'v99' are not known; use one of v9, v5, .*off"):
        by_name("v99")


MOVING = [pytest.param(rules, id=name) for name, rules in RULES.items() if rules.moves is not None]


@pytest.mark.parametrize("rules", MOVING)
def test_every_order_has_the_same_steps(rules: Rules) -> None:
    """Drivers are paused before anything is released and resumed before anybody new is bound."""
    assert rules.moves is not None
    order = rules.moves.order

    assert set(order) - {"pin"} == {"wake", "pause", "ranges", "scan", "release", "attempts", "bridges", "resume", "bind"}
    for before, after in [("wake", "pause"), ("pause", "release"), ("ranges", "release"), ("scan", "release")]:
        assert order.index(before) < order.index(after)
    assert order[-5:] == ("release", "attempts", "bridges", "resume", "bind")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param(IO, 0, id="I/O"),
        pytest.param(MEM, 1, id="memory"),
        pytest.param(MEM | MEM_64, 1, id="64-bit memory"),
        pytest.param(MEM | PREF, 1, id="32-bit prefetchable"),
        pytest.param(MEM | PREF | MEM_64, 2, id="64-bit prefetchable"),
    ],
)
def test_which_window_covers_a_fixed_bar(flags: int, expected: int) -> None:
    """By type: I/O, memory, 64-bit prefetchable."""
    assert range_index(flags) == expected


def test_the_length_of_a_range() -> None:
    """In bytes; nothing to cover is 0, one address is 1."""
    assert (span_of(None), span_of((B, B)), span_of((B, B + MEG - 1))) == (0, 1, MEG)


def test_what_has_a_place() -> None:
    """BARs and ROM with flags and a parent and an address; bit n is slot n. Windows are not counted."""
    root = root_bus()
    bars = {0: ("mem32", MEG), 2: ("mem32", MEG), 4: ("mem32", MEG), 6: ("rom", MEG)}
    row = card(root, "a", bars)
    for number in (0, 2, 6):
        seat(row.resources[number], root.windows[1], B + number * MEG)
    row.resources[2].flags |= UNSET

    assert [bar.index for bar in placed_bars(row)] == [0, 6]
    assert assigned_mask(row) == 0b100_0001


@pytest.mark.parametrize(
    ("mask", "disabled", "expected"),
    [
        pytest.param(0b111, "", True, id="all still there"),
        pytest.param(0b011, "", True, id="more than before"),
        pytest.param(0b1111, "", False, id="one less"),
        pytest.param(0b1111, "card", True, id="of a device given up"),
        pytest.param(0b1111, "outer", True, id="below one given up"),
    ],
)
def test_nothing_lost(mask: int, disabled: str, expected: bool) -> None:
    """Every BAR that had a place when the rescan began has one; devices given up do not count, nor what is below them."""
    root, *_, row = nested("io", "mem", "pref64")
    row.res_mask = mask
    for each in root.walk():
        each.bars_disabled = each.name == disabled

    assert nothing_lost(root) is expected


def test_bridges_are_listed_last_first() -> None:
    """Children before their parent; a bridge that is not wanted hides what is below it."""
    root, *_ = nested("mem")
    card(below(bridge(root, "second")), "x", {})

    assert [row.name for row in bridges_last_first(root, lambda _row: True)] == ["inner", "outer", "second"]
    assert [row.name for row in bridges_last_first(root, lambda row: row.name != "outer")] == ["second"]


@pytest.mark.parametrize("rules", MOVING)
def test_sizing_asks_the_version(rules: Rules) -> None:
    """The five answers of a version decide a size as they would alone."""
    assert rules.moves is not None
    moves: Moves = rules.moves
    root = root_bus()
    row = bridge(root, "hp", is_hotplug=True)
    now = turn(rules, root, reserve=Reserve(256, 2 * MEG, 2 * MEG))

    moves.size(now)

    reserve = moves.size.reserve_of(now, row)
    assert row.windows[1].size == (reserve.mem or 1)
    assert Terms(reserve).reserve_of(row) == reserve
