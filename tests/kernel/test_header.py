"""One function's header."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbus import BarKind, BarSpec, Msi, MsiX, Pm
from mockbus.capabilities import Pcie
from mockbus.model import PlainModel
from movsdk import pci_regs as regs
from movsdk.kernel.header import find_capability
from movsdk.layout.table import IO, MEM, MEM_64, PREF, SIZEALIGN
from tests.kernel.board import IO_START, MEM_START, PREF_START, Board

GIG = 1 << 30


def test_who_it_is() -> None:
    """Ids, class and subsystem come from the header, the name from the platform."""
    board = Board()
    model = PlainModel(0x1234, 0x5678, 0x030000)
    model.subsystem = (0xABCD, 0x4321)
    board.machine.add("card", "root", "05.0", model)
    board.scan()
    card = board["card"]

    assert (card.vendor, card.device_id, card.class_code) == (0x1234, 0x5678, 0x030000)
    assert (card.subvendor, card.subdevice) == (0xABCD, 0x4321)
    assert (str(card.bdf), str(card.slot_path)) == ("0000:00:05.0", "0000:05.0")


def test_without_a_name_the_address_is_the_name() -> None:
    """A real machine has no labels."""
    board = Board()
    board.system.label_of = lambda _bus, _devfn: None
    board.card("card", "05.0")
    board.scan()

    assert board.known == ["0000:00:05.0"]


@pytest.mark.parametrize(
    ("spec", "flags", "firmware"),
    [
        pytest.param(BarSpec(0, BarKind.IO, 0x20), IO, 0x1040, id="I/O"),
        pytest.param(BarSpec(0, BarKind.IO, 0x100), IO, 0x12_3400, id="I/O above 64 KiB keeps all its address bits"),
        pytest.param(BarSpec(0, BarKind.MEM32, 0x1000), MEM, MEM_START, id="mem32"),
        pytest.param(BarSpec(0, BarKind.MEM32, GIG), MEM, 0, id="1 GiB"),
        pytest.param(BarSpec(0, BarKind.PREF32, 0x1000), MEM | PREF, MEM_START, id="pref32"),
        pytest.param(BarSpec(0, BarKind.MEM64, 0x1000), MEM | MEM_64, PREF_START, id="mem64"),
        pytest.param(BarSpec(0, BarKind.PREF64, 0x1000), MEM | PREF | MEM_64, PREF_START + 0x1000, id="pref64"),
        pytest.param(BarSpec(0, BarKind.PREF64, 64 * GIG), MEM | PREF | MEM_64, 64 * GIG, id="64 GiB"),
        pytest.param(BarSpec(5, BarKind.MEM32, 0x1000), MEM, 0xFFFF_F000, id="the last BAR at the last address"),
        pytest.param(BarSpec(6, BarKind.ROM, 0x800), MEM | PREF, MEM_START, id="ROM: prefetchable"),
        pytest.param(BarSpec(6, BarKind.ROM, 0x100_0000), MEM | PREF, 0, id="16 MiB of ROM"),
    ],
)
def test_a_bar_has_type_size_and_the_address_firmware_left(spec: BarSpec, flags: int, firmware: int) -> None:
    """The size is found by writing ones; the register holds what it held, and so does COMMAND."""
    board = Board()
    function = board.card("card", "01.0", [spec], firmware={spec.n: firmware})
    before = bytes(function.config.data)

    board.scan()

    resource = board["card"].resources[spec.n]
    assert (resource.start, resource.size, resource.flags) == (firmware, spec.size, flags | SIZEALIGN)
    assert bytes(function.config.data) == before
    assert [one.flags for one in board["card"].resources if one is not resource] == [0] * 10


def test_bars_are_sized_with_decode_off() -> None:
    """While a register holds ones, the device must not answer there."""
    board = Board()
    board.card("card", "01.0", [BarSpec(0, BarKind.MEM32, 0x1000)], firmware={0: MEM_START})
    board.scan()

    offsets = [offset for _, _, offset, _, _ in board.wire.writes]
    assert board.wire.to(regs.COMMAND) == [0, regs.COMMAND_MEMORY]
    assert offsets[0] == offsets[-1] == regs.COMMAND


def test_a_64_bit_bar_takes_two_registers() -> None:
    """What looks like the next BAR is its upper half."""
    board = Board()
    board.card("card", "01.0", [BarSpec(0, BarKind.MEM64, 0x1000), BarSpec(2, BarKind.PREF64, 0x2000), BarSpec(4, BarKind.IO, 4)])
    board.scan()

    assert [bool(resource.flags) for resource in board["card"].resources[:6]] == [True, False, True, False, True, False]


def test_a_bridge_has_two_bars_and_its_rom_elsewhere() -> None:
    """Registers behind the second BAR are bus numbers and windows: never written as BARs. The ROM register stands at 0x38."""
    board = Board()
    board.bridge("b", "01.0", bars=(BarSpec(0, BarKind.MEM64, 0x1000), BarSpec(6, BarKind.ROM, 0x4000)))
    board.scan()

    resources = board["b"].resources
    assert [(resource.size, resource.flags) for resource in (resources[0], resources[6])] == [
        (0x1000, MEM | MEM_64 | SIZEALIGN),
        (0x4000, MEM | PREF | SIZEALIGN),
    ]
    assert 0xFFFF_FFFF not in board.wire.to(regs.PRIMARY_BUS)


@pytest.mark.parametrize(
    ("io", "pref", "expected"),
    [
        pytest.param(True, 64, (True, True, True), id="all"),
        pytest.param(True, 32, (True, True, False), id="32-bit prefetchable"),
        pytest.param(False, None, (False, False, False), id="memory only"),
    ],
)
@pytest.mark.parametrize("firmware", [None, {"io": (0x2000, 0x2FFF), "mem": (MEM_START, MEM_START + 0xF_FFFF)}])
def test_which_windows_a_bridge_implements(
    io: bool, pref: int | None, expected: tuple[bool, bool, bool], firmware: dict[str, tuple[int, int]] | None
) -> None:
    """Registers that hold something or accept a write; trying leaves them as they were."""
    board = Board()
    if not io and firmware is not None:
        firmware = {"mem": firmware["mem"]}
    function = board.bridge("b", "01.0", io=io, prefetchable=pref, firmware=firmware)
    before = bytes(function.config.data[regs.IO_BASE :])

    board.scan()

    row = board["b"].row
    assert (row.has_io, row.has_pref, row.pref_is_64bit) == expected
    assert bytes(function.config.data[regs.IO_BASE :]) == before


@pytest.mark.parametrize(
    ("pcie", "hotplug", "expected"),
    [
        pytest.param(regs.PcieType.ROOT_PORT, True, True, id="slot that can hot-plug"),
        pytest.param(regs.PcieType.ROOT_PORT, False, False, id="port without"),
        pytest.param(None, False, False, id="no capability"),
    ],
)
def test_hot_plug_ports_say_so(pcie: regs.PcieType | None, hotplug: bool, expected: bool) -> None:
    """By the slot bits of their PCI Express capability."""
    board = Board()
    board.bridge("p", "01.0", pcie=pcie, hotplug=hotplug)
    board.scan()

    assert (board["p"].row.is_hotplug, board["p"].pcie_type) == (expected, pcie)


def test_a_slot_without_hot_plug_is_no_hot_plug_port() -> None:
    """The slot must say that it can."""
    board = Board()
    config = board.bridge("p", "01.0", pcie=regs.PcieType.ROOT_PORT, hotplug=True).config
    at = next(at for at in range(0x40, 0x100, 4) if config.read(at, 1) == regs.CAP_ID_EXP) + regs.EXP_SLTCAP
    config.put(at, 4, config.read(at, 4) & ~regs.EXP_SLTCAP_HPC)
    board.scan()

    assert not board["p"].row.is_hotplug


def test_io_windows_of_16_bits_are_found_by_trying() -> None:
    """Their registers read zero until something is written, and again afterwards."""
    board = Board()
    source = board.bridge("source", "01.0")
    config = bytearray(source.config.data)
    config[regs.IO_BASE : regs.IO_BASE + 2] = bytes(2)
    function = board.bridge("b", "02.0", config=bytes(config))
    board.scan()

    assert (board["b"].row.has_io, function.config.read(regs.IO_BASE, 2)) == (True, 0)


def test_the_platform_has_the_last_word_on_a_header() -> None:
    """Fix-ups see the device with its BARs read."""
    board, seen = Board(), []
    board.card("card", "01.0", [BarSpec(0, BarKind.MEM32, 0x1000)])
    board.system.fixup_header = lambda device: seen.append((device.label, device.resources[0].size))
    board.scan()

    assert seen == [("card", 0x1000)]


# --- capabilities ----------------------------------------------------------------------------------------
def test_capabilities_are_found_along_their_list() -> None:
    """Each by its id; 0 for one that is not there."""
    board = Board()
    model = PlainModel()
    model.bars = (BarSpec(0, BarKind.MEM32, 0x1000),)
    model.capabilities = (Pm(), Msi(1), MsiX(2, (0, 0), (0, 0x800)), Pcie())
    board.machine.add("card", "root", "01.0", model)
    board.scan()
    found = [
        find_capability(board["card"], each) for each in (regs.CAP_ID_PM, regs.CAP_ID_MSI, regs.CAP_ID_MSIX, regs.CAP_ID_EXP)
    ]

    assert sorted(found) == found
    assert found[0] == 0x40
    assert len(set(found)) == 4
    assert find_capability(board["card"], 0x7E) == 0


@pytest.mark.parametrize(
    ("status", "pointer", "chain", "expected"),
    [
        pytest.param(0x10, 0x40, {0x40: (9, 0)}, 0x40, id="the first"),
        pytest.param(0x10, 0x40, {0x40: (1, 0x50), 0x50: (9, 0)}, 0x50, id="the second"),
        pytest.param(0x10, 0x43, {0x40: (9, 0)}, 0x40, id="low bits of a pointer do not count"),
        pytest.param(0x00, 0x40, {0x40: (9, 0)}, 0, id="STATUS denies it"),
        pytest.param(0x10, 0x2C, {0x2C: (9, 0)}, 0, id="a pointer into the header ends the list"),
        pytest.param(0x10, 0x40, {0x40: (1, 0x40)}, 0, id="a list that bites its tail ends"),
        pytest.param(0x10, 0x40, {0x40: (0xFF, 0x50), 0x50: (9, 0)}, 0, id="all-ones end the list"),
    ],
)
def test_broken_lists_end(status: int, pointer: int, chain: dict[int, tuple[int, int]], expected: int) -> None:
    """Whatever the bytes say, the walk comes to an end and invents nothing."""
    config = bytearray(256)
    config[0:4] = b"\xf4\x1a\x01\x00"
    config[regs.STATUS], config[regs.CAPABILITY_LIST] = status, pointer
    for offset, (ident, following) in chain.items():
        config[offset : offset + 2] = bytes([ident, following])
    board = Board()
    board.card("card", "01.0", config=bytes(config))
    board.scan()

    assert find_capability(board["card"], 9) == expected


# --- windows ---------------------------------------------------------------------------------------------
MEM_WINDOW, ZERO_IO, ZERO_MEM = (MEM_START, MEM_START + 0xF_FFFF), (0, 0xFFF), (0, 0xF_FFFF)
PREF_WINDOW, CROSSED = (PREF_START, PREF_START + GIG - 1), (1 << 33, (1 << 33) - 1)
CLOSED = {"io": (0xF000, 0xFFF), "mem": (0xFFF0_0000, 0xF_FFFF), "pref": (0xFFF0_0000, 0xF_FFFF)}
AS_LEFT = {"io": (IO_START, 0x2FFF), "mem": MEM_WINDOW, "pref": PREF_WINDOW}
P64 = MEM | PREF | MEM_64


@pytest.mark.parametrize(
    ("pref", "firmware", "expected"),
    [
        pytest.param(64, AS_LEFT, [(IO_START, 0x2FFF, IO), (*MEM_WINDOW, MEM), (*PREF_WINDOW, P64)], id="as firmware left them"),
        pytest.param(32, {"pref": MEM_WINDOW}, [..., ..., (*MEM_WINDOW, MEM | PREF)], id="32 bits"),
        pytest.param(None, None, [(*ZERO_IO, IO), (*ZERO_MEM, MEM), (*ZERO_MEM, MEM | PREF)], id="zeros, hardware or not"),
        pytest.param(64, None, [(*ZERO_IO, IO), (*ZERO_MEM, MEM), (*ZERO_MEM, P64)], id="64-bit zeros"),
        pytest.param(64, CLOSED, [(0, 0, 0)] * 3, id="closed"),
        pytest.param(64, {"io": (0x1_0000, 0x1_FFFF)}, [(0x1_0000, 0x1_FFFF, IO), ..., ...], id="I/O above 64 KiB"),
        pytest.param(64, {"pref": CROSSED}, [..., ..., (0, 0xFFFF_FFFF, P64)], id="upper halves the wrong way round"),
    ],
)
def test_windows_are_read_when_the_bus_is_first_scanned(
    pref: int | None, firmware: dict[str, tuple[int, int]] | None, expected: list[object]
) -> None:
    """Registers are believed, implemented or not; ``...`` stands for windows this case is not about."""
    board = Board()
    board.bridge("b", "01.0", prefetchable=pref, io=firmware is not None or pref is not None, firmware=firmware)
    board.scan()

    windows = [(window.start, window.last, window.flags) for window in board["b"].row.windows]
    assert [one if wanted is not ... else ... for one, wanted in zip(windows, expected, strict=True)] == expected


def test_windows_are_read_once_a_bus() -> None:
    """What a later scan finds in the registers is what the kernel itself wrote there."""
    board = Board()
    board.bridge("b", "01.0", firmware={"mem": (MEM_START, MEM_START + 0xF_FFFF)})
    board.scan()
    board["b"].row.windows[1].wipe()

    board.scan()

    assert board["b"].row.windows[1].flags == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["io", "mem32", "pref32", "mem64", "pref64"]), st.integers(2, 30), st.integers(0, 1 << 20)),
        max_size=6,
    ),
    st.integers(0, 7),
)
def test_looking_at_a_function_leaves_no_trace(bars: list[tuple[str, int, int]], command: int) -> None:
    """Whatever its BARs and decode bits are, a scan writes every register back."""
    board, specs, firmware, n = Board(), [], {}, 0
    for kind, order, address in bars:
        wide = kind.endswith("64")
        if n + wide > 5:
            break
        size = 1 << (min(order, 8) if kind == "io" else max(order, 4))
        specs.append(BarSpec(n, BarKind(kind), size))
        firmware[n] = address * size & (0xFFFF if kind == "io" else (1 << (64 if wide else 32)) - 1) & -size
        n += 1 + wide
    function = board.card("card", "01.0", specs, firmware=firmware)
    function.config_write(regs.COMMAND, 2, command)
    before = bytes(function.config.data)

    board.scan()

    assert bytes(function.config.data) == before
    assert {spec.n: (board["card"].resources[spec.n].start, board["card"].resources[spec.n].size) for spec in specs} == {
        spec.n: (firmware[spec.n], spec.size) for spec in specs
    }
