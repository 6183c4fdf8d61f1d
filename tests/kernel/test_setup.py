"""Layout's journal into registers."""

from __future__ import annotations

import pytest

from mockbus import BarKind, BarSpec
from movsdk import pci_regs as regs
from movsdk.bench.state import bar_register_value, bridge_registers
from movsdk.kernel.setup import replay, write_bar, write_windows
from movsdk.layout.table import IO, MEM, MEM_64, PREF, BarWrite, Journal, WindowWrite
from movsdk.trace import What
from tests.kernel.board import MEM_START, PREF_START, Board

MEG = 0x10_0000
P64 = MEM | PREF | MEM_64
KINDS = {BarKind.IO: IO, BarKind.MEM32: MEM, BarKind.PREF32: MEM | PREF, BarKind.MEM64: MEM | MEM_64, BarKind.PREF64: P64}


def with_card(kind: BarKind, *, command: int = 0) -> Board:
    """A card with one BAR at number 2, scanned; the wire is empty."""
    board = Board()
    board.card("card", "01.0", [BarSpec(2, kind, 0x100 if kind is BarKind.IO else MEG)])
    board.machine.function("card").config_write(regs.COMMAND, 2, command)
    board.scan()
    board.wire.writes.clear()
    return board


def with_bridge(pref: int | None = 64, *, io: bool = True) -> Board:
    """A bridge, scanned; the wire is empty."""
    board = Board()
    board.bridge("b", "01.0", prefetchable=pref, io=io)
    board.scan()
    board.wire.writes.clear()
    return board


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        pytest.param(BarKind.IO, 0x1400, id="I/O"),
        pytest.param(BarKind.IO, 0x12_3400, id="I/O above 64 KiB"),
        pytest.param(BarKind.MEM32, MEM_START, id="mem32"),
        pytest.param(BarKind.PREF32, MEM_START, id="pref32"),
        pytest.param(BarKind.MEM64, PREF_START, id="mem64"),
        pytest.param(BarKind.PREF64, PREF_START + MEG, id="pref64"),
        pytest.param(BarKind.PREF64, MEM_START, id="pref64 below 4 GiB"),
    ],
)
def test_a_bar_register_gets_address_and_type(kind: BarKind, start: int) -> None:
    """Both halves of a 64-bit BAR; nothing else is written while decode is off; the timeline tells of it."""
    board = with_card(kind)
    board["card"].resources[2].flags = 0  # wiped meanwhile: the journal knows what it was

    replay([BarWrite(board["card"].row, 2, start, KINDS[kind])])

    assert bar_register_value(board["card"], 2) == start
    registers = [regs.bar_register(2), regs.bar_register(3)][: 2 if kind.is_64bit else 1]
    assert [offset for _, _, offset, _, _ in board.wire.writes] == registers
    event = board.system.trace.events[-1]
    assert (event.what, event.who, event.text) == (What.WRITE, "card", f"BAR 2 register <- {start:#x}")


@pytest.mark.parametrize(
    ("kind", "command", "expected"),
    [
        pytest.param(BarKind.PREF64, 0x7, [0x5, 0x7], id="64-bit: memory off, the rest stays, and back"),
        pytest.param(BarKind.MEM64, 0x2, [0x0, 0x2], id="64-bit, not prefetchable"),
        pytest.param(BarKind.PREF64, 0x1, [], id="64-bit, memory off anyway"),
        pytest.param(BarKind.MEM32, 0x7, [], id="32-bit: one write, nothing in between"),
        pytest.param(BarKind.IO, 0x7, [], id="I/O"),
    ],
)
def test_memory_decode_is_off_between_the_halves(kind: BarKind, command: int, expected: list[int]) -> None:
    """With half an address in the register, the device would answer where nobody wants it."""
    board = with_card(kind, command=command)

    write_bar(board["card"], 2, MEM_START)

    assert board.wire.to(regs.COMMAND) == expected
    assert board.registers("card", regs.COMMAND, 2) == command
    if expected:
        offsets = [offset for _, _, offset, _, _ in board.wire.writes]
        assert offsets == [regs.COMMAND, regs.bar_register(2), regs.bar_register(3), regs.COMMAND]


def test_without_flags_the_table_says_what_the_bar_is() -> None:
    """Restoring a device after sleep writes what the table has now."""
    board = with_card(BarKind.PREF64)

    write_bar(board["card"], 2, PREF_START)

    assert bar_register_value(board["card"], 2) == PREF_START


OPEN = (
    (0x2000, 0x3FFF, IO),
    (MEM_START, MEM_START + 3 * MEG - 1, MEM),
    (PREF_START, PREF_START + (1 << 33) - 1, P64),
)
GONE = (0, 0, 0)


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        pytest.param(OPEN, [[start, last] for start, last, _ in OPEN], id="open"),
        pytest.param((GONE, GONE, GONE), [None, None, None], id="without flags: closed"),
        pytest.param(
            ((0x1_2000, 0x2_3FFF, IO), GONE, (MEM_START, MEM_START + MEG - 1, P64)),
            [[0x1_2000, 0x2_3FFF], None, [MEM_START, MEM_START + MEG - 1]],
            id="upper halves of I/O",
        ),
        pytest.param((GONE, GONE, (PREF_START, PREF_START + MEG - 1, MEM | PREF)), [None, None, [0, MEG - 1]], id="32-bit flags"),
    ],
)
def test_window_registers_equal_the_table(windows: tuple[tuple[int, int, int], ...], expected: list[list[int] | None]) -> None:
    """Base, limit and upper halves. The upper half of a prefetchable window is written only if its flags say 64 bits."""
    board = with_bridge()

    write_windows(board["b"], WindowWrite(board["b"].row, (windows[0], windows[1], windows[2])))

    shown = bridge_registers(board["b"].config_read)
    assert [shown["io"], shown["mem"], shown["pref"]] == expected


CLOSED = (GONE, GONE, GONE)
HIGH_IO = ((0x1_2000, 0x2_3FFF, IO), GONE, GONE)
OTHER_PREF = (OPEN[0], OPEN[1], (PREF_START + (1 << 33), PREF_START + (1 << 34) - 1, P64))
REGISTERS = {
    "io": {regs.IO_BASE, regs.IO_BASE_UPPER16},
    "mem": {regs.MEMORY_BASE},
    "pref": {regs.PREF_MEMORY_BASE, regs.PREF_BASE_UPPER32, regs.PREF_LIMIT_UPPER32},
}
Windows = tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        pytest.param("io", OPEN, CLOSED, id="I/O closes"),
        pytest.param("io", CLOSED, HIGH_IO, id="I/O opens above 64 KiB"),
        pytest.param("io", HIGH_IO, OPEN, id="I/O moves"),
        pytest.param("pref", OPEN, CLOSED, id="prefetchable closes"),
        pytest.param("pref", OPEN, OTHER_PREF, id="prefetchable moves"),
    ],
)
def test_no_write_in_between_opens_a_range_nobody_chose(kind: str, before: Windows, after: Windows) -> None:
    """Registers of a window are several: while they are written it is shut, or already where it is to be."""
    board = with_bridge()
    write_windows(board["b"], WindowWrite(board["b"].row, before))
    seen: list[list[int] | None] = []
    original = board.wire.config_write

    def watch(bus: int, devfn: int, offset: int, size: int, value: int) -> None:
        original(bus, devfn, offset, size, value)
        if offset in REGISTERS[kind]:
            seen.append(bridge_registers(lambda at, width: board.registers("b", at, width))[kind])

    board.wire.config_write = watch  # type: ignore[method-assign]
    write_windows(board["b"], WindowWrite(board["b"].row, after))

    assert [window for window in seen[:-1] if window is not None] == []
    assert seen[-1] == bridge_registers(board["b"].config_read)[kind]


@pytest.mark.parametrize(("number", "kind"), list(enumerate(REGISTERS)), ids=list(REGISTERS))
def test_windows_that_a_write_leaves_out_stay(number: int, kind: str) -> None:
    """Closing one window touches no other register."""
    board = with_bridge()
    write_windows(board["b"], WindowWrite(board["b"].row, (OPEN[0], OPEN[1], OPEN[2])))
    before = bridge_registers(board["b"].config_read)
    board.wire.writes.clear()

    write_windows(board["b"], WindowWrite.closed(board["b"].row, number))

    assert bridge_registers(board["b"].config_read) == before | {kind: None}
    assert {offset for _, _, offset, _, _ in board.wire.writes} == REGISTERS[kind]
    assert board.log()[-1] == f"windows <- {kind} closed"


@pytest.mark.parametrize(
    ("io", "pref", "shown"), [(False, None, ([0, 0xFFF], [0, MEG - 1])), (True, 32, ([0x2000, 0x3FFF], [0, MEG - 1]))]
)
def test_registers_that_are_not_there_read_zero(io: bool, pref: int | None, shown: tuple[list[int], list[int]]) -> None:
    """Writing a window the bridge does not implement, or an upper half it does not have, has no effect."""
    board = with_bridge(pref, io=io)

    write_windows(board["b"], WindowWrite(board["b"].row, (OPEN[0], OPEN[1], OPEN[2])))

    found = bridge_registers(board["b"].config_read)
    assert (found["io"], found["mem"]) == (shown[0], [OPEN[1][0], OPEN[1][1]])
    assert pref == 32 or found["pref"] == shown[1]


def test_a_journal_is_replayed_in_order_and_once() -> None:
    """BARs and windows as they come; afterwards the journal is empty."""
    board = with_card(BarKind.MEM32)
    row = board["card"].row
    journal: Journal = [BarWrite(row, 2, start, MEM) for start in (MEM_START, MEM_START + MEG, MEM_START)]

    replay(journal)

    assert board.wire.to(regs.bar_register(2)) == [MEM_START, MEM_START + MEG, MEM_START]
    assert journal == []
