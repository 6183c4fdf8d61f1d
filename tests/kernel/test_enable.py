"""Which COMMAND bits an enable sets, on the device and on the bridges above it."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from mockbus import BarKind, BarSpec
from movsdk.errors import PciError
from movsdk.kernel.claim import claim_firmware_values
from movsdk.kernel.enable import BASE, EnableRules, disable_device, enable_bridge, enable_device, reenable_bridge
from movsdk.layout.table import IO, MEM, UNSET
from movsdk.pci_regs import COMMAND, COMMAND_IO, COMMAND_MASTER, COMMAND_MEMORY
from tests.kernel.board import IO_START, MEM_START, PREF_START, Board

MEG = 0x10_0000
RW, ALL = COMMAND_IO | COMMAND_MEMORY, COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER
SPECS = {
    0: (BarSpec(0, BarKind.MEM32, MEG), MEM_START),
    1: (BarSpec(1, BarKind.IO, 0x100), IO_START),
    2: (BarSpec(2, BarKind.PREF64, MEG), PREF_START),
    6: (BarSpec(6, BarKind.ROM, MEG), MEM_START + MEG),
}
WINDOWS: dict[str, Any] = {
    "io": (IO_START, 0x1FFF),
    "mem": (MEM_START, MEM_START + 4 * MEG - 1),
    "pref": (PREF_START, PREF_START + 4 * MEG - 1),
}


def board_with(*bars: int, bridges: int = 1, windows: tuple[str, ...] = ("io", "mem", "pref")) -> Board:
    """A card with these BARs, all at firmware's addresses, below `bridges` bridges; every decode bit is off."""
    board, on = Board(), "root"
    for number in range(bridges):
        left = {"bus": (number, number + 1, bridges), **{kind: WINDOWS[kind] for kind in windows}}
        board.bridge(f"b{number}", "00.0", on=on, firmware=left)
        on = f"b{number}"
    firmware = {number: SPECS[number][1] for number in bars}
    board.card("card", "00.0", [SPECS[number][0] for number in bars], on=on, firmware=firmware)
    for label in board.machine.labels:
        board.machine.function(label).config_write(COMMAND, 2, 0)
    board.scan()
    claim_firmware_values(board.system.root)
    return board


def command(board: Board, label: str = "card") -> int:
    """The register, which the kernel's copy always equals."""
    value = board.registers(label, COMMAND, 2)
    assert board[label].row.command == value
    return value


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        pytest.param([0], COMMAND_MEMORY, id="memory"),
        pytest.param([1], COMMAND_IO, id="I/O"),
        pytest.param([0, 1, 2], RW, id="both"),
        pytest.param([6], 0, id="a ROM is not looked at"),
        pytest.param([], 0, id="nothing to decode"),
    ],
)
def test_a_device_decodes_what_it_has(bars: list[int], expected: int) -> None:
    """One bit a kind of BAR. Bus mastering is the driver's own business."""
    board = board_with(*bars)

    enable_device(board["card"])

    assert (command(board), board["card"].is_enabled) == (expected, True)


def test_bits_that_are_set_stay() -> None:
    """Enabling adds bits, it never takes one away; where nothing is missing, nothing is written or logged."""
    board = board_with(0)
    board.machine.function("card").config_write(COMMAND, 2, 0x0540 | COMMAND_IO)

    enable_device(board["card"])
    assert command(board) == 0x0540 | RW

    disable_device(board["card"])
    log = board.log()
    board.wire.writes.clear()
    enable_device(board["card"])
    assert (board.wire.writes, board.log()) == ([], log)


def test_the_log_tells_of_a_change() -> None:
    """In the kernel's words, and only if there is one."""
    board = board_with(0)

    enable_device(board["card"])
    enable_device(board["card"])

    assert [line for line in board.log() if "enabling" in line and "0000:01:00.0" in line] == [
        "pci 0000:01:00.0: enabling device (0000 -> 0002)"
    ]


@pytest.mark.parametrize(
    ("flags", "detached", "slot"),
    [
        pytest.param(UNSET, False, 0, id="a BAR that failed"),
        pytest.param(0, True, 0, id="a BAR that was released"),
    ],
)
def test_an_unassigned_bar_stops_it(flags: int, detached: bool, slot: int) -> None:
    """EINVAL names BAR, size and remedy; COMMAND and count are as before, but the bridges above forward already."""
    board = board_with(0, 1)
    bar = board["card"].resources[slot]
    bar.flags |= flags
    if detached:
        bar.detach()

    with pytest.raises(PciError) as caught:
        enable_device(board["card"])

    assert caught.value.errno == errno.EINVAL
    assert str(caught.value.message) == (
        "card (0000:01:00.0): cannot enable, BAR 0 0x100000 bytes is not assigned; "
        "make room for it (rescan with movable BARs, or a larger window) and probe again"
    )
    assert (command(board), board["card"].row.enable_cnt, command(board, "b0")) == (0, 0, ALL)


def test_a_rom_without_a_place_does_not_stop_it() -> None:
    """Nobody reads a ROM to drive a device."""
    board = board_with(0, 6)
    board["card"].resources[6].detach()

    enable_device(board["card"])

    assert command(board) == COMMAND_MEMORY


def test_bridges_are_enabled_from_the_root_down() -> None:
    """Each gets the bits of its windows and bus mastering before the device below it decodes."""
    board = board_with(0, bridges=3)
    board.wire.writes.clear()

    enable_device(board["card"])

    writes = [bus for bus, _, offset, _, _ in board.wire.writes if offset == COMMAND]
    assert writes == [0, 0, 1, 1, 2, 2, 3]
    assert [command(board, f"b{number}") for number in range(3)] == [ALL, ALL, ALL]
    assert [board[f"b{number}"].row.enable_cnt for number in range(3)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        pytest.param(("mem",), COMMAND_MEMORY | COMMAND_MASTER, id="memory"),
        pytest.param(("io",), COMMAND_IO | COMMAND_MASTER, id="I/O"),
        pytest.param(("pref",), COMMAND_MEMORY | COMMAND_MASTER, id="prefetchable memory"),
        pytest.param((), COMMAND_MASTER, id="no window: bus mastering all the same"),
    ],
)
def test_a_bridge_forwards_what_it_has_windows_for(windows: tuple[str, ...], expected: int) -> None:
    """And lets the devices below it start transactions."""
    board = board_with(windows=windows)

    enable_bridge(board["b0"])

    assert (command(board, "b0"), board["b0"].is_busmaster) == (expected, True)


def test_a_bridge_that_cannot_be_enabled_masters_the_bus_all_the_same() -> None:
    """The kernel logs the failure and goes on: DMA from below may pass."""
    board = board_with(0)
    board["b0"].row.windows[1].flags |= UNSET

    enable_device(board["card"])

    assert (command(board, "b0"), board["b0"].row.enable_cnt) == (COMMAND_MASTER, 0)
    assert "pci 0000:00:00.0: Error enabling bridge (-22), continuing" in board.log()


def test_disabling_leaves_decode_on() -> None:
    """The last user's leaving ends bus mastering, nothing else; bridges stay enabled."""
    board = board_with(0)
    card = board["card"]
    enable_device(card)
    enable_device(card)
    board.machine.function("card").config_write(COMMAND, 2, COMMAND_MEMORY | COMMAND_MASTER)

    disable_device(card)
    assert (card.row.enable_cnt, board.registers("card", COMMAND, 2)) == (1, COMMAND_MEMORY | COMMAND_MASTER)

    disable_device(card)
    assert (card.row.enable_cnt, command(board), command(board, "b0")) == (0, COMMAND_MEMORY, ALL)


def test_one_disable_too_many_is_logged() -> None:
    """The count goes below zero as in Linux, and the log has the line a developer looks for."""
    board = board_with(0)

    disable_device(board["card"])

    assert board["card"].row.enable_cnt == -1
    assert board.log()[-1] == "pci 0000:01:00.0: disabling already-disabled device"


# --- windows that came later (patch 16) ------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(BASE, COMMAND_MEMORY | COMMAND_MASTER, id="unpatched: never"),
        pytest.param(EnableRules(reenables_bridges="windows"), ALL, id="v5"),
        pytest.param(EnableRules(reenables_bridges="all"), ALL, id="v9"),
    ],
)
def test_an_enabled_bridge_that_gained_a_window(rules: EnableRules, expected: int) -> None:
    """With the series, the next device that is enabled below makes the bridge forward it."""
    board = board_with(0, windows=("mem",))
    enable_bridge(board["b0"])
    window = board["b0"].row.windows[0]
    window.flags = IO
    window.set_span(IO_START, 0x1FFF)
    assert board.system.root.segment.windows[0].insert(window)
    board.system.enable_rules = rules

    enable_device(board["card"])

    assert command(board, "b0") == expected


@pytest.mark.parametrize("only_windows", [True, False])
def test_it_is_all_or_nothing(only_windows: bool) -> None:
    """One window without a place, and COMMAND is left alone: no half truth."""
    board = board_with(0)
    board["b0"].row.windows[1].detach()

    reenable_bridge(board["b0"], only_windows=only_windows)

    assert command(board, "b0") == 0
    assert board.log()[-1] == "pci 0000:00:00.0: memory window not assigned, COMMAND left as it is"


@pytest.mark.parametrize(
    ("index", "only_windows", "expected"),
    [
        pytest.param(0, True, RW, id="v5 does not look at BARs"),
        pytest.param(0, False, 0, id="v9 does"),
        pytest.param(6, False, RW, id="nobody looks at the ROM"),
    ],
)
def test_whose_word_counts(index: int, only_windows: bool, expected: int) -> None:
    """An unassigned resource of the bridge itself."""
    board = board_with(0)
    board["b0"].resources[index].flags = MEM

    reenable_bridge(board["b0"], only_windows=only_windows)

    assert command(board, "b0") == expected


def test_a_bridge_that_lost_bus_mastering_gets_it_back() -> None:
    """The next enable below an enabled bridge sees to it, in every version."""
    board = board_with(0)
    enable_bridge(board["b0"])
    board["b0"].is_busmaster = False
    board.machine.function("b0").config_write(COMMAND, 2, RW)

    enable_device(board["card"])

    assert command(board, "b0") == ALL
