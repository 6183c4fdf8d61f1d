"""Firmware's addresses, taken over where they make sense."""

from __future__ import annotations

from typing import Any

import pytest

from mockbus import BarKind, BarSpec
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.kernel.claim import claim, claim_firmware_values
from movsdk.layout.table import MEM, PCI_FIXED, ROM_SHADOW, SIZEALIGN, UNSET, Resource
from tests.kernel.board import APERTURES, IO_START, MEM_START, PREF_START, Board

MEG = 0x10_0000
WINDOWS: dict[str, Any] = {
    "bus": (0, 1, 1),
    "io": (IO_START, 0x1FFF),
    "mem": (MEM_START, MEM_START + 4 * MEG - 1),
    "pref": (PREF_START, PREF_START + 4 * MEG - 1),
}


def claimed(board: Board) -> Board:
    """Scanned, and firmware's values claimed."""
    board.scan()
    claim_firmware_values(board.system.root)
    return board


def holder(resource: Resource) -> str | None:
    """Which window holds it: ``win1`` or ``b:8``."""
    parent = resource.parent
    if parent is None:
        return None
    return f"win{parent.index}" if parent.row is None else f"{parent.row.name}:{parent.index}"


# --- BARs ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "size", "address", "expected"),
    [
        pytest.param(BarKind.MEM32, MEG, MEM_START, "b:8", id="memory"),
        pytest.param(BarKind.IO, 0x100, IO_START + 0x100, "b:7", id="I/O"),
        pytest.param(BarKind.PREF64, MEG, PREF_START + MEG, "b:9", id="prefetchable"),
        pytest.param(BarKind.PREF32, MEG, MEM_START, "b:8", id="prefetchable in a memory window"),
        pytest.param(BarKind.MEM64, MEG, MEM_START, "b:8", id="64-bit in a 32-bit window"),
        pytest.param(BarKind.MEM64, MEG, PREF_START, None, id="plain memory in a prefetchable window"),
        pytest.param(BarKind.MEM32, MEG, MEM_START + 4 * MEG, None, id="outside the windows of its bus"),
        pytest.param(BarKind.MEM32, 2 * MEG, MEM_START + 3 * MEG & -2 * MEG, "b:8", id="up to the last byte"),
        pytest.param(BarKind.IO, 0x100, 0x2000, None, id="I/O outside"),
    ],
)
def test_a_bar_is_claimed_in_the_first_window_that_contains_it(
    kind: BarKind, size: int, address: int, expected: str | None
) -> None:
    """I/O against memory and the range are all that is compared, then whether a prefetchable window may hold it."""
    board = Board()
    board.bridge("b", "01.0", firmware=WINDOWS)
    board.card("card", "00.0", [BarSpec(0, kind, size)], on="b", firmware={0: address})

    bar = claimed(board)["card"].resources[0]

    assert holder(bar) == expected
    if expected is None:
        assert (bar.start, bar.size, bool(bar.flags & UNSET)) == (0, size, True)
        assert board.log()[-1].endswith("can't claim BAR 0; address conflict or no compatible bridge window")
    else:
        assert (bar.start, bar.size, bar.flags & UNSET) == (address, size, 0)


def test_nothing_is_written() -> None:
    """A claim that fails leaves the register as it is; the BAR is assigned later like any other."""
    board = Board()
    board.card("card", "01.0", [BarSpec(0, BarKind.MEM32, MEG)], firmware={0: 0x1000_0000})
    board.scan()
    board.wire.writes.clear()

    claim_firmware_values(board.system.root)

    assert board.wire.writes == []
    assert board.registers("card", regs.bar_register(0), 4) == 0x1000_0000


def test_a_bar_at_0_was_left_empty() -> None:
    """It is neither claimed nor marked; assignment will see to it."""
    board = Board()
    board.card("card", "01.0", [BarSpec(0, BarKind.MEM32, MEG)], firmware={0: 0})

    bar = claimed(board)["card"].resources[0]

    assert (bar.parent, bar.flags) == (None, MEM | SIZEALIGN)


def test_who_comes_first_keeps_an_address() -> None:
    """Two BARs on one address: the first in list order has it, the other gets a new one."""
    board = Board()
    for slot in ("01.0", "02.0"):
        board.card(slot, slot, [BarSpec(0, BarKind.MEM32, MEG)], firmware={0: MEM_START})
    claimed(board)

    assert [holder(board[slot].resources[0]) for slot in ("01.0", "02.0")] == ["win1", None]


def test_bars_that_decode_come_before_those_that_do_not() -> None:
    """What is in use wins over what merely holds a value, whatever the order of the devices."""
    board = Board()
    for slot in ("01.0", "02.0"):
        board.card(slot, slot, [BarSpec(0, BarKind.MEM32, MEG)], firmware={0: MEM_START})
    board.machine.function("01.0").config_write(regs.COMMAND, 2, regs.COMMAND_IO)
    claimed(board)

    assert [holder(board[slot].resources[0]) for slot in ("01.0", "02.0")] == [None, "win1"]


def test_roms_come_last() -> None:
    """A ROM never takes an address from a BAR, not even from one that does not decode."""
    board = Board()
    board.card("rom", "01.0", [BarSpec(6, BarKind.ROM, MEG)], firmware={6: MEM_START})
    board.card("bar", "02.0", [BarSpec(0, BarKind.MEM32, MEG)], firmware={0: MEM_START})
    board.machine.function("bar").config_write(regs.COMMAND, 2, 0)
    claimed(board)

    assert (holder(board["rom"].resources[6]), holder(board["bar"].resources[0])) == (None, "win1")
    assert board["rom"].resources[6].flags & UNSET


# --- windows ---------------------------------------------------------------------------------------------
def test_windows_are_claimed_from_the_root_down() -> None:
    """A bridge in the windows of the one above it."""
    board = Board()
    board.bridge("outer", "01.0", firmware=WINDOWS | {"bus": (0, 1, 2)})
    board.bridge("inner", "00.0", on="outer", firmware=WINDOWS | {"bus": (1, 2, 2)})
    claimed(board)

    assert [holder(window) for window in board["outer"].row.windows] == ["win0", "win1", "win2"]
    assert [holder(window) for window in board["inner"].row.windows] == ["outer:7", "outer:8", "outer:9"]


@pytest.mark.parametrize(
    ("mem", "expected"),
    [
        pytest.param((0, MEG - 1), None, id="at 0: never set up"),
        pytest.param((0x1000_0000, 0x100F_FFFF), None, id="where no aperture is"),
        pytest.param((MEM_START - MEG, MEM_START + MEG - 1), (MEM_START, MEG), id="begins too early: cut"),
        pytest.param((0x8FF0_0000, 0x900F_FFFF), (0x8FF0_0000, MEG), id="ends too late: cut"),
        pytest.param((MEM_START - MEG, 0x900F_FFFF), (MEM_START, 0x1000_0000), id="both"),
    ],
)
def test_a_window_is_cut_to_what_the_parent_offers_or_wiped(mem: tuple[int, int], expected: tuple[int, int] | None) -> None:
    """A cut window is written to the bridge at once; a wiped one starts from scratch, its register is left for later."""
    board = Board()
    board.bridge("b", "01.0", firmware={"bus": (0, 1, 1), "mem": mem})
    board.scan()
    board.wire.writes.clear()

    claim_firmware_values(board.system.root)

    window = board["b"].row.windows[1]
    if expected is None:
        assert (window.parent, window.start, window.last, window.flags) == (None, 0, 0, 0)
        assert board.wire.writes == []
    else:
        assert (holder(window), window.start, window.size) == ("win1", *expected)
        pair = expected[0] >> 16 | (expected[0] + expected[1] - 1) & 0xFFF0_0000
        assert board.wire.to(regs.MEMORY_BASE) == [pair]
        assert board.wire.to(regs.IO_BASE) == []


def test_of_two_windows_on_one_range_the_second_is_wiped() -> None:
    """What the parent offers covers it already, so there is nothing to cut."""
    board = Board()
    for number in (1, 2):
        board.bridge(f"b{number}", f"0{number}.0", firmware={"bus": (0, number, number), "mem": (MEM_START, MEM_START + MEG - 1)})
    board.scan()
    board.wire.writes.clear()

    claim_firmware_values(board.system.root)

    assert [holder(board[f"b{number}"].row.windows[1]) for number in (1, 2)] == ["win1", None]
    assert (board["b2"].row.windows[1].flags, board.wire.writes) == (0, [])


def test_buses_that_firmware_numbered_claim_first() -> None:
    """Windows are claimed in the order in which buses were made, not in that of the slots."""
    board = Board()
    mem = (MEM_START, MEM_START + MEG - 1)
    board.bridge("unnumbered", "01.0", firmware={"mem": mem})
    board.bridge("numbered", "02.0", firmware={"bus": (0, 1, 1), "mem": mem})
    claimed(board)

    assert [holder(board[label].row.windows[1]) for label in ("unnumbered", "numbered")] == [None, "win1"]


def test_a_bridge_of_another_class_keeps_what_could_not_be_claimed() -> None:
    """The kernel calls that a success: the window is neither cut nor wiped. It has no place (UNSET), nor has what is in it."""
    board = Board()
    mem = (MEM_START - MEG, MEM_START + MEG - 1)
    board.bridge("b", "01.0", class_code=0x068000, firmware={"bus": (0, 1, 1), "mem": mem})
    board.card("card", "00.0", [BarSpec(0, BarKind.MEM32, MEG)], on="b", firmware={0: MEM_START})
    board.scan()
    board.wire.writes.clear()

    claim_firmware_values(board.system.root)

    window, bar = board["b"].row.windows[1], board["card"].resources[0]
    assert (window.parent, (window.start, window.last), window.flags) == (None, mem, MEM | UNSET)
    assert (bar.parent, bar.start, bar.flags & UNSET) == (None, 0, UNSET)
    assert board.wire.writes == []


def test_a_window_at_0_was_left_empty_even_where_0_is_an_address() -> None:
    """Zero registers are how a bridge wakes up."""
    board = Board((("mem", Span(0, 0xFF_FFFF)),))
    board.bridge("b", "01.0", firmware={"bus": (0, 1, 1), "mem": (0, MEG - 1)})

    assert claimed(board)["b"].row.windows[1].flags == 0


def test_ports_are_not_claimed_in_memory() -> None:
    """Though the numbers would fit."""
    board = Board((("mem", Span(0x1000, 0xFF_FFFF)), ("io", Span(0x1000, 0xFFFF))))
    board.card("card", "01.0", [BarSpec(0, BarKind.IO, 0x100)], firmware={0: 0x1400})

    assert holder(claimed(board)["card"].resources[0]) == "win1"


def test_windows_of_the_wrong_type_do_not_cut() -> None:
    """An I/O window is cut by I/O apertures only, though the numbers overlap."""
    board = Board((("mem", Span(0x1800, 0x27FF)), ("io", Span(0x2000, 0x2FFF))))
    board.bridge("b", "01.0", firmware={"bus": (0, 1, 1), "io": (0x1000, 0x2FFF)})
    claimed(board)

    window = board["b"].row.windows[0]
    assert (holder(window), window.start, window.last) == ("win1", 0x2000, 0x2FFF)


# --- what must not move ----------------------------------------------------------------------------------
def fixed_by_platform(board: Board, address: int) -> Resource:
    """A BAR that a header fix-up marked, at this address."""
    board.card("card", "01.0", [BarSpec(0, BarKind.MEM32, MEG)], firmware={0: address})
    board.scan()
    bar = board["card"].resources[0]
    bar.flags |= PCI_FIXED
    return bar


def test_a_fixed_bar_that_cannot_be_claimed_stays_where_it_is() -> None:
    """It has no place in the tree (UNSET), but its address is not touched."""
    board = Board()
    bar = fixed_by_platform(board, 0x1000_0000)

    claim_firmware_values(board.system.root)

    assert (bar.parent, bar.start, bar.size, bool(bar.flags & UNSET)) == (None, 0x1000_0000, MEG, True)


def test_rules_may_call_a_bar_fixed_before_it_is_claimed() -> None:
    """v9: asking for a fixed BAR succeeds at once, without claiming; the attempt will put it in its place."""
    board = Board()
    bar = fixed_by_platform(board, MEM_START)

    claim_firmware_values(board.system.root, lambda row, index: bool(row.resources[index].flags & PCI_FIXED))

    assert (bar.parent, bar.start, bar.flags & UNSET) == (None, MEM_START, 0)


def test_the_shadow_of_a_rom_is_claimed_without_a_place() -> None:
    """It is a copy in RAM: no bridge has to pass anything, nothing is marked."""
    board = Board()
    board.card("vga", "01.0", [BarSpec(6, BarKind.ROM, 0x10000)], class_code=0x030000)
    board.scan()
    rom = board["vga"].resources[6]
    rom.flags, rom.start, rom.last = MEM | PCI_FIXED | ROM_SHADOW, 0xC0000, 0xDFFFF

    claim_firmware_values(board.system.root)

    assert (rom.parent, rom.start, rom.flags) == (None, 0xC0000, MEM | PCI_FIXED | ROM_SHADOW)


def test_what_has_no_address_cannot_be_claimed() -> None:
    """UNSET says that start means nothing."""
    board = Board(APERTURES)
    board.card("card", "01.0", [BarSpec(0, BarKind.MEM32, MEG)], firmware={0: MEM_START})
    board.scan()
    bar = board["card"].resources[0]
    bar.flags |= UNSET

    assert not claim(board["card"], bar)
    assert bar.parent is None
