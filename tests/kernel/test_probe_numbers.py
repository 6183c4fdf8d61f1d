"""Numbering the buses behind bridges."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from movsdk import pci_regs as regs
from movsdk.kernel.probe import number_hot_added, scan_child_bus, scan_slots
from tests.kernel.board import Board


def numbers(board: Board, label: str) -> tuple[int, int, int]:
    """Primary, secondary and subordinate as silicon holds them."""
    packed = board.registers(label, regs.PRIMARY_BUS, 4)
    return packed & 0xFF, packed >> 8 & 0xFF, packed >> 16 & 0xFF


def tree(*bridges: tuple[str, str, dict[str, Any]]) -> Board:
    """Bridges as (label, on, facts), slot by slot in the order given."""
    board = Board()
    for number, (label, on, facts) in enumerate(bridges):
        board.bridge(label, f"{number:02x}.0", on=on, **facts)
    return board


def numbered(*bus: int) -> dict[str, Any]:
    """What a bridge has that firmware numbered."""
    return {"firmware": {"bus": bus}}


HP = {"hotplug": True}


@pytest.mark.parametrize(
    ("bridges", "buses", "expected"),
    [
        pytest.param(
            [("a", "root", {}), ("b", "a", {}), ("c", "root", {})], 1, {"a": (1, 2), "b": (2, 2), "c": (3, 3)}, id="depth first"
        ),
        pytest.param([("hp", "root", HP), ("x", "root", {})], 8, {"hp": (1, 8), "x": (9, 9)}, id="hot-plug bridges keep room"),
        pytest.param([("rp", "root", {}), ("hp", "rp", HP)], 8, {"rp": (1, 9), "hp": (2, 9)}, id="also further down"),
        pytest.param(
            [("hp", "root", HP), *((f"b{n}", "hp", {}) for n in range(3))],
            2,
            {"hp": (1, 4), "b0": (2, 2), "b1": (3, 3), "b2": (4, 4)},
            id="no more room than is used already",
        ),
        pytest.param(
            [("late", "root", {}), ("fw", "root", {"firmware": {"bus": (0, 5, 7)}})],
            1,
            {"late": (8, 8), "fw": (5, 7)},
            id="firmware",
        ),
        pytest.param(
            [("fw", "root", {"firmware": {"bus": (0, 1, 4)}}), ("hp", "fw", HP)],
            8,
            {"fw": (1, 4), "hp": (2, 4)},
            id="cut at the end",
        ),
        pytest.param(
            [("fw", "root", numbered(0, 1, 9)), ("hp", "fw", HP), ("x", "fw", {})],
            2,
            {"fw": (1, 9), "hp": (2, 3), "x": (4, 4)},
            id="what firmware left free is not spread",
        ),
        pytest.param(
            [("fw", "root", numbered(0, 5, 9)), ("in", "fw", numbered(0, 6, 7))],
            1,
            {"fw": (5, 9), "in": (6, 7)},
            id="primary 0 means the bus it is on",
        ),
    ],
)
def test_bus_numbers(bridges: list[tuple[str, str, dict[str, Any]]], buses: int, expected: dict[str, tuple[int, int]]) -> None:
    """Firmware's numbers are kept, all others follow the highest in use; silicon and memory agree."""
    board = tree(*bridges)
    board.system.reserve = evolve(board.system.reserve, buses=buses)

    highest = board.scan()

    assert board.numbers == expected
    assert {label: numbers(board, label)[1:] for label in expected} == expected
    assert highest == max(last for _, last in expected.values())


@pytest.mark.parametrize(
    "firmware",
    [
        pytest.param((1, 5, 7), id="a primary that is another bus"),
        pytest.param((0, 0, 7), id="a secondary that is no number"),
        pytest.param((0, 7, 5), id="a range that ends before it begins"),
    ],
)
def test_numbers_that_make_no_sense_are_given_anew(firmware: tuple[int, int, int]) -> None:
    """They are cleared at once, so nobody routes by them while the others are numbered."""
    board = tree(("odd", "root", numbered(*firmware)), ("good", "root", numbered(0, 3, 3)))

    board.scan()

    assert (board.numbers, numbers(board, "odd")) == ({"odd": (4, 4), "good": (3, 3)}, (0, 4, 4))


def test_a_rescan_renumbers_nobody() -> None:
    """Numbers given once stay, also where a newcomer needs more than its parent has."""
    board = tree(("rp", "root", {}), ("late", "rp", {"present": False}))
    board.scan()
    board.machine.plug("late")

    board.scan()

    assert board.numbers == {"rp": (1, 1), "late": (2, 2)}
    assert numbers(board, "rp") == (0, 1, 1)


def test_counting_used_numbers_goes_wrong_below_zero() -> None:
    """A slip of the kernel: a bridge that firmware numbered higher makes the count of used numbers shrink."""
    board = tree(("fw", "root", numbered(0, 5, 7)), ("hp", "root", HP))

    scan_child_bus(board.system.root, available=20)

    assert board.numbers == {"fw": (5, 7), "hp": (8, 27)}  # 8 to 20 would be right


# --- hot-add without movable BARs ------------------------------------------------------------------------
def hot_added(*bridges: tuple[str, str, dict[str, Any]], last: int = 16) -> Board:
    """A port with buses 1 to `last`, and a chassis of bridges that was just plugged into it and numbered."""
    port = ("port", "root", HP | numbered(0, 1, last))
    board = tree(port, *((label, on, facts | {"present": False}) for label, on, facts in bridges))
    board.scan()
    for label, on, _ in bridges:
        if on == "port":
            board.machine.plug(label)
    bus = board["port"].subordinate
    assert bus is not None
    scan_slots(bus)
    number_hot_added(bus)
    return board


@pytest.mark.parametrize(
    ("bridges", "expected"),
    [
        pytest.param([("c", "port", {})], {"c": (2, 2)}, id="a plain bridge takes one"),
        pytest.param([("c", "port", HP)], {"c": (2, 16)}, id="a hot-plug bridge takes what is left"),
        pytest.param(
            [("c", "port", {}), ("n", "c", {}), ("h", "n", HP)],
            {"c": (2, 16), "n": (3, 16), "h": (4, 16)},
            id="passed on by a single one",
        ),
        pytest.param(
            [("c", "port", {}), ("n", "c", {}), ("k", "n", HP), ("h", "c", HP)],
            {"c": (2, 16), "n": (3, 4), "k": (4, 4), "h": (5, 16)},
            id="not if a hot-plug bridge is beside it",
        ),
        pytest.param(
            [("c", "port", {}), ("h", "c", HP), ("n", "c", {}), ("m", "c", {})],
            {"c": (2, 16), "h": (3, 14), "n": (15, 15), "m": (16, 16)},
            id="one is kept for each bridge",
        ),
        pytest.param(
            [("c", "port", {}), ("n", "c", {}), ("in", "n", {}), ("h", "c", HP), ("m", "c", {})],
            {"c": (2, 16), "n": (3, 4), "in": (4, 4), "h": (5, 15), "m": (16, 16)},
            id="and what is used already counts",
        ),
        pytest.param(
            [("c", "port", {}), ("a", "c", HP), ("b", "c", HP)], {"c": (2, 16), "a": (3, 9), "b": (10, 16)}, id="two share alike"
        ),
        pytest.param(
            [("c", "port", {}), ("n", "c", {}), ("h", "c", HP)],
            {"c": (2, 16), "n": (3, 3), "h": (4, 16)},
            id="hot-plug ones only",
        ),
        pytest.param(
            [("c", "port", HP), ("d", "port", {})], {"c": (2, 16), "d": (3, 3)}, id="what is only reserved counts as free"
        ),
    ],
)
def test_a_hot_added_chassis_spreads_free_numbers(
    bridges: list[tuple[str, str, dict[str, Any]]], expected: dict[str, tuple[int, int]]
) -> None:
    """The lowest free number of the port's range, and all behind it to be shared by hot-plug bridges."""
    board = hot_added(*bridges)

    assert board.numbers == {"port": (1, 16), **expected}
    assert {label: numbers(board, label)[1:] for label in expected} == expected


def test_a_hot_add_looks_behind_old_bridges_too() -> None:
    """All bridges on the port's bus are gone through, so what was plugged further down is found with the newcomer."""
    board = tree(("port", "root", HP | numbered(0, 1, 9)), ("old", "port", numbered(1, 2, 5)), ("in", "old", {"present": False}))
    board.scan()
    bus = board["port"].subordinate
    assert bus is not None
    board["old"].row.is_added = True
    board.machine.plug("in")

    scan_slots(bus)
    number_hot_added(bus)

    assert board.numbers == {"port": (1, 9), "old": (2, 5), "in": (3, 3)}


def test_no_number_left() -> None:
    """The bridge stays without a bus, nothing below is found, and the log says why."""
    board = hot_added(("c", "port", {}), last=1)

    assert board.numbers == {"port": (1, 1)}
    assert board.log()[-1].endswith("No bus number available for hot-added bridge")


def test_the_last_bus_number_is_255() -> None:
    """200 bridges with one below each want 400 numbers: the rest stays unseen and is said, and nobody shares a bus."""
    pairs = [(f"r{n}", "root", f"{n // 8:02x}.{n % 8}") for n in range(200)]
    board = Board()
    for label, on, slot in pairs:
        board.bridge(label, slot, on=on)
        board.bridge(f"b{label}", "00.0", on=label)
    root = board.system.root

    assert scan_child_bus(root, 0) == 255

    found = [bus.number for bus in board.system.buses()]
    assert sorted(found) == list(range(256))
    assert sum("No bus number available" in event.text for event in board.system.trace.events) == 200 - 127
