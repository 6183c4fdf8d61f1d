"""Finding functions, and forgetting them."""

from __future__ import annotations

import pytest

from movsdk import pci_regs as regs
from movsdk.kernel.claim import claim_firmware_values
from movsdk.kernel.probe import forget_device, scan_slots
from tests.kernel.board import APERTURES, MEM32, MEM_START, Board

WINDOWS = {"mem": (MEM_START, MEM_START + 0x3F_FFFF)}


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
    assert {devfn >> 3 for bus, devfn in board.wire.asked if bus == 1} == ({0} if len(expected) == 3 else set(range(32)))


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


def test_a_card_that_says_it_is_a_bridge_is_nothing_the_kernel_knows() -> None:
    """Class 0604 with the header of an endpoint: the class is ignored, and the BARs are not looked at."""
    board = Board()
    board.card("odd", "01.0", [MEM32], class_code=0x060400)

    board.scan()

    assert (board["odd"].class_code, board["odd"].resources[0].flags) == (0, 0)
    assert board.log()[-1].endswith("ignoring class 0x060400 (doesn't match header type 00)")


# --- subtractive bridges, removal ------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("class_code", "expected"),
    [
        pytest.param(0x060401, True, id="as the specification has it"),
        pytest.param(0x068001, True, id="any bridge with that interface"),
        pytest.param(0x060400, False, id="positive decode"),
    ],
)
def test_a_bridge_is_transparent_by_its_programming_interface(class_code: int, expected: bool) -> None:
    """The kernel looks at nothing else; and only at bridges: interface 1 of another function is something else."""
    board = Board()
    board.bridge("b", "01.0", class_code=class_code)
    board.card("ahci", "02.0", class_code=0x010601)

    board.scan()

    assert (board["b"].is_transparent, board["ahci"].is_transparent) == (expected, False)


def test_closed_windows_are_not_inherited() -> None:
    """A window that the parent opens later is not among those that the bus saw when it was found."""
    board = Board(APERTURES)
    board.bridge("rp", "01.0", firmware={"bus": (0, 1, 2), "io": (0xF000, 0x0FFF), "mem": (MEM_START, MEM_START + 0xF_FFFF)})
    board.bridge("t", "00.0", on="rp", class_code=0x060401, firmware={"bus": (1, 2, 2)})

    board.scan()

    below = board["t"].row.child
    assert below is not None
    assert [window.index for window in below.windows] == [7, 8, 9, 10, 8, 9]


def test_below_a_subtractive_bridge_the_bus_sees_the_windows_above() -> None:
    """It forwards what nobody claims, so its bus inherits every window its parent has at that moment."""
    board = Board()
    board.bridge("t", "01.0", class_code=0x060401)
    board.bridge("plain", "02.0")
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
