"""Finding functions and numbering buses."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from movsdk import pci_regs as regs
from movsdk.kernel.claim import claim_firmware_values
from movsdk.kernel.probe import forget_device, number_hot_added, scan_child_bus, scan_slots
from tests.kernel.board import APERTURES, MEM32, MEM_START, Board

WINDOWS = {"mem": (MEM_START, MEM_START + 0x3F_FFFF)}


def numbers(board: Board, label: str) -> tuple[int, int, int]:
    """Primary, secondary and subordinate as silicon holds them."""
    packed = board.registers(label, regs.PRIMARY_BUS, 4)
    return packed & 0xFF, packed >> 8 & 0xFF, packed >> 16 & 0xFF


# --- finding ---------------------------------------------------------------------------------------------
def test_functions_are_found_slot_by_slot() -> None:
    """All 32 slots, function 0 first; the others only where function 0 says there are some."""
    board = Board()
    for slot in ("1f.0", "02.3", "02.0", "00.0", "02.7"):
        board.card(slot, slot)
    board.scan()

    assert board.known == ["00.0", "02.0", "02.3", "02.7", "1f.0"]


def test_a_function_without_function_0_is_invisible() -> None:
    """Nobody asks for function 1 of a device that is not there, or that calls itself single."""
    board = Board()
    board.card("alone", "03.1")
    board.card("zero", "04.0")
    function = board.card("one", "04.1")
    board.machine.function("zero").config.put(regs.HEADER_TYPE, 1, regs.HEADER_TYPE_NORMAL)
    board.scan()

    assert board.known == ["zero"]
    assert function.present


@pytest.mark.parametrize(
    ("pcie", "expected"),
    [
        pytest.param(regs.PcieType.ROOT_PORT, ["port", "00.0", "00.1"], id="root port"),
        pytest.param(regs.PcieType.DOWNSTREAM, ["port", "00.0", "00.1"], id="downstream port"),
        pytest.param(regs.PcieType.UPSTREAM, ["port", "00.0", "00.1", "01.0"], id="inside a switch"),
        pytest.param(None, ["port", "00.0", "00.1", "01.0"], id="conventional"),
    ],
)
def test_below_a_pcie_port_only_device_0_is_asked_for(pcie: regs.PcieType | None, expected: list[str]) -> None:
    """A link has one device at its end; other numbers are not even tried."""
    board = Board()
    board.bridge("port", "01.0", pcie=pcie)
    for slot in ("00.0", "00.1") if pcie in (regs.PcieType.ROOT_PORT, regs.PcieType.DOWNSTREAM) else ("00.0", "00.1", "01.0"):
        board.card(slot, slot, on="port")
    board.scan()

    assert board.known == expected


def test_a_known_function_keeps_its_object_and_newcomers_come_last() -> None:
    """A second scan finds what was not there; list order is scan order, so newcomers stand at the tail."""
    board = Board()
    board.card("first", "05.0")
    board.card("late", "01.0", present=False)
    board.scan()
    first = board["first"]
    board.machine.plug("late")

    new = scan_slots(board.system.root)

    assert [device.label for device in new] == ["late"]
    assert board.known == ["first", "late"]
    assert board["first"] is first
    assert [row.name for row in board.system.root.segment.rows] == board.known


def test_who_is_pulled_without_notice_stays_known() -> None:
    """A scan reads known slots no further: only removal makes the kernel forget."""
    board = Board()
    board.card("card", "05.0", [MEM32])
    board.scan()
    board.machine.unplug("card")

    assert scan_slots(board.system.root) == []
    assert board.known == ["card"]


def test_the_order_of_discovery() -> None:
    """All functions of a bus, then what is behind bridges that firmware numbered, then what is behind the others."""
    board = Board()
    board.bridge("unnumbered", "01.0")
    board.card("a", "00.0", on="unnumbered")
    board.bridge("numbered", "02.0", firmware={"bus": (0, 5, 5)})
    board.card("b", "00.0", on="numbered")
    board.card("c", "03.0")
    board.scan()

    assert [device.label for device in board.system.discovered] == ["unnumbered", "numbered", "c", "b", "a"]
    assert board.known == ["unnumbered", "a", "numbered", "b", "c"]


# --- numbering -------------------------------------------------------------------------------------------
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
        pytest.param([("c", "port", {}), ("n", "c", {})], {"c": (2, 3), "n": (3, 3)}, id="a single bridge passes its share on"),
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


def test_no_number_left() -> None:
    """The bridge stays without a bus, nothing below is found, and the log says why."""
    board = hot_added(("c", "port", {}), last=1)

    assert board.numbers == {"port": (1, 1)}
    assert board.log()[-1].endswith("No bus number available for hot-added bridge")


# --- subtractive bridges, removal ------------------------------------------------------------------------
def test_below_a_subtractive_bridge_the_bus_sees_the_windows_above() -> None:
    """It forwards what nobody claims, so its bus inherits every window its parent has at that moment."""
    board = tree(("t", "root", {"class_code": 0x060401}), ("plain", "root", {}))
    told: list[str] = []
    board.system.on_subtractive = lambda bridge: told.append(bridge.label)

    board.scan()

    below, plain = (board[label].row.child for label in ("t", "plain"))
    assert below is not None
    assert plain is not None
    assert (below.is_subtractive, [window.index for window in below.windows]) == (True, [7, 8, 9, 10, 0, 1, 2])
    assert below.windows[4:] == board.system.root.segment.windows
    assert (plain.is_subtractive, [window.index for window in plain.windows]) == (False, [7, 8, 9, 10])
    assert told == ["t"]


def test_a_removed_bridge_leaves_nothing_behind() -> None:
    """Resources leave the tree, devices and buses leave the lists, and the numbers are free again."""
    board = Board(APERTURES)
    board.bridge("rp", "01.0", firmware={"bus": (0, 1, 2), **WINDOWS})
    board.bridge("b", "00.0", on="rp", firmware={"bus": (1, 2, 2), **WINDOWS})
    board.card("card", "00.0", [MEM32], on="b", firmware={0: MEM_START})
    board.scan()
    claim_firmware_values(board.system.root)
    card, bridge, port = board["card"], board["b"], board["rp"]
    assert card.resources[0].parent is bridge.resources[8]

    forget_device(bridge)

    assert board.known == ["rp"]
    assert [device.label for device in board.system.discovered] == ["rp"]
    assert (card.is_removed, bridge.is_removed, port.is_removed) == (True, True, False)
    assert port.resources[8].children == []
    assert card.resources[0].parent is None
    assert bridge.subordinate is None
    assert board.system.find_bus(2) is None
    assert port.subordinate is not None
    assert (port.subordinate.children, port.subordinate.segment.rows) == ([], [])
