"""What people really post: old laptops, single-board computers, a few functions cut out of a machine, all in one mail."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.address import Span
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import Imported, import_dumps
from movsdk.bench.player import Player
from movsdk.bench.scenario import BarDecl
from movsdk.errors import BadInput
from movsdk.kernel.device import Device
from movsdk.pci_regs import BarKind
from movsdk.rescan.rules import by_name
from tests.bench.importers import samples
from tests.bench.importers.dumps import BOOT

IDE = """\
00:1f.0 ISA bridge: Some LPC Controller
    Flags: bus master, medium devsel, latency 0
    Kernel modules: some-rng

00:1f.2 IDE interface: Some SATA Controller [IDE mode] (rev 01) (prog-if 80 [Master])
    Flags: bus master, 66MHz, medium devsel, latency 0, IRQ 21
    I/O ports at 01f0 [size=8]
    I/O ports at 03f4 [size=1]
    I/O ports at 0170 [size=8]
    I/O ports at 0374 [size=1]
    I/O ports at 3040 [size=16]
    Capabilities: <access denied>
"""
BOARD = """\
[    0.100001] PCI host bridge to bus 0000:00
[    0.100002] pci_bus 0000:00: root bus resource [bus 00-ff]
[    0.100003] pci_bus 0000:00: root bus resource [mem 0x600000000-0x603ffffff] (bus address [0xf8000000-0xfbffffff])
[    0.100004] pci 0000:00:00.0: [6d76:2711] type 01 class 0x060400
[    0.100005] pci 0000:01:00.0: [6d76:3483] type 00 class 0x0c0330
[    0.100006] pci 0000:01:00.0: reg 0x10: [mem 0x00000000-0x00000fff 64bit]
[    0.100007] pci 0000:00:00.0: BAR 14: assigned [mem 0x600000000-0x6000fffff]
[    0.100008] pci 0000:01:00.0: BAR 0: assigned [mem 0x600000000-0x600000fff 64bit]
[    0.100009] pci 0000:00:00.0: PCI bridge to [bus 01]
[    0.100010] pci 0000:00:00.0:   bridge window [mem 0x600000000-0x6000fffff]
"""
MAIL = """\
Hello,

resizing fails, though there is plenty of room:

pci_bus 0000:5d: root bus resource [mem 0xb8800000-0xc5ffffff window]
pci_bus 0000:5d: root bus resource [mem 0xb000000000-0xbfffffffff window] <<<

5d:00.0 PCI bridge: Some Root Port (rev 07) (prog-if 00 [Normal decode])
        Bus: primary=5d, secondary=5e, subordinate=61, sec-latency=0
        Memory behind bridge: b9000000-ba0fffff [size=17M]
        Prefetchable memory behind bridge: 000000bfe0000000-000000bff07fffff [size=264M]
        Kernel driver in use: pcieport

and below the switch, which is not shown:

{below}:00.0 VGA compatible controller: Some Graphics (rev 05) (prog-if 00 [VGA controller])
        Region 0: Memory at b9000000 (64-bit, non-prefetchable) [disabled] [size=16M]
        Region 2: Memory at bfe0000000 (64-bit, prefetchable) [disabled] [size=256M]

What now?
"""


def imported(folder: Path, *texts: str) -> Imported:
    paths = [folder / f"{number}.txt" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return import_dumps([read_dump(paths)])


def booted(found: Imported) -> dict[str, Device]:
    player = Player(found.scenario, by_name("off"))
    player.step(found.scenario.events[0])
    return {device.bdf.short: device for device in player.world.system.devices()}


def test_fixed_ports_of_an_ide_controller_are_no_bars(tmp_path: Path) -> None:
    """lspci shows them as its first four regions, 1 byte long some of them; said, and its own BAR is number 4."""
    found = imported(tmp_path, IDE)

    assert found.scenario.find("00:1f.2").bars == (BarDecl(4, BarKind.IO, 16),)
    assert sum("no register holds it" in note for note in found.notes) == 4


def test_a_host_bridge_that_translates_is_told_as_the_bus_has_it(tmp_path: Path) -> None:
    """A 32-bit window at 24 GiB can be no machine; at its bus address everything is in its place. What sysfs says agrees."""
    resource = ["0x0000000600000000 0x0000000600000fff 0x0000000000140204", *["0x0 0x0 0x0"] * 6]
    bridge = [
        *["0x0 0x0 0x0"] * 7,
        "0x0 0x0 0x0",
        "0x0000000600000000 0x00000006000fffff 0x0000000000000200",
        *["0x0 0x0 0x0"] * 2,
    ]
    files = f"0000:00:00.0\n{chr(10).join(bridge)}\n0000:01:00.0\n{chr(10).join(resource)}\n"
    iomem = """\
00000000-3fffffff : System RAM
f8000000-fbffffff : System RAM
600000000-603ffffff : pcie@7d500000
  600000000-603ffffff : PCI Bus 0000:00
    600000000-6000fffff : PCI Bus 0000:01
      600000000-600000fff : 0000:01:00.0
"""

    for found in (imported(tmp_path, BOARD), imported(tmp_path, BOARD, files), imported(tmp_path, BOARD, files, iomem)):
        assert [window.span for window in found.scenario.windows if not window.is_io] == [Span(0xF8000000, 0xFBFFFFFF)]
        bar = booted(found)["01:00.0"].resources[0]
        assert (bar.start, bar.last) == (0xF8000000, 0xF8000FFF)
        assert any("translates [mem 0x600000000-0x603ffffff]" in note for note in found.notes)
        assert not any(piece.span.overlaps(Span(0xF8000000, 0xFBFFFFFF)) for piece in found.scenario.ram)


def test_log_and_lspci_in_one_mail_are_both_read(tmp_path: Path) -> None:
    """Apertures out of the log's lines, functions out of lspci's, prose passed over."""
    found = imported(tmp_path, MAIL.format(below="5e"))

    assert [window.span for window in found.scenario.windows] == [
        Span(0xB8800000, 0xC5FFFFFF),
        Span(0xB0_0000_0000, 0xBF_FFFF_FFFF),
    ]
    assert found.scenario.find("5e:00.0").bars == (BarDecl(0, BarKind.MEM64, 16 << 20), BarDecl(2, BarKind.PREF64, 256 << 20))


def test_everything_in_one_file_is_as_in_several(tmp_path: Path) -> None:
    """lspci -xxxx, iomem and ioports one after the other: the same machine, and line numbers are those of the file."""
    names = ("lspci-xxxx.txt", "iomem.txt", "ioports.txt")
    texts = [(BOOT / name).read_text() for name in names]

    apart, together = imported(tmp_path, *texts).scenario, imported(tmp_path, "".join(texts)).scenario

    assert (together.devices, together.windows, together.ram, together.reserved) == (
        apart.devices,
        apart.windows,
        apart.ram,
        apart.reserved,
    )
    lost = texts[1].splitlines(keepends=True)
    deep = next(n for n, line in enumerate(lost) if line.startswith("    ") and lost[n - 1].startswith("  "))
    line = len(texts[0].splitlines()) + deep
    with pytest.raises(BadInput, match=rf"0\.txt:{line}: indented deeper"):
        imported(tmp_path, texts[0] + "".join(lost[: deep - 1] + lost[deep:]))


def test_a_function_below_a_bridge_that_was_not_dumped_is_refused(tmp_path: Path) -> None:
    """It is no root bus: the message names the bridge that passes its bus on."""
    with pytest.raises(BadInput) as caught:
        imported(tmp_path, MAIL.format(below="60"))

    assert "0000:60:00.0 is on bus 60, and 0000:5d:00.0 passes on buses 5e-61, but no bridge leads to it" in str(caught.value)


def test_names_alone_are_refused(tmp_path: Path) -> None:
    """lspci, -nn and -k: there is nothing to place; with sysfs files beside it there is."""
    names = "00:1f.0 IDE interface [0101]: Some [6d76:0001]\n\tSubsystem: Some\n\tKernel driver in use: ahci\n"

    with pytest.raises(BadInput, match=r"0\.txt:1: shows functions without BARs, windows or bus numbers, as lspci, lspci -nn"):
        imported(tmp_path, names)
    resource = "0000:00:1f.0\n" + "0x0 0x0 0x0\n" * 5 + "0xfea03000 0xfea03fff 0x40200\n" + "0x0 0x0 0x0\n"
    assert [bar.size for bar in imported(tmp_path, names, resource).scenario.find("00:1f.0").bars] == [4096]


def test_an_aperture_is_assumed_round_enhanced_allocation_too(tmp_path: Path) -> None:
    """BARs that the platform pinned are all that some dumps show; without an aperture they would have no place."""
    text = """\
0002:01:00.0 Ethernet controller: Some Network Interface (rev 08)
\tControl: I/O- Mem+ BusMaster+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR- FastB2B- DisINTx-
\tRegion 0: [virtual] Memory at 843000000000 (32-bit, non-prefetchable) [size=1G]
\tCapabilities: [98] Enhanced Allocation (EA): NumEntries=1
\t\tEntry 0: Enable+ Writable- EntrySize=4
\t\t\t BAR Equivalent Indicator: BAR 0
\t\t\t PrimaryProperties: memory space, non-prefetchable
\t\t\t SecondaryProperties: entry unavailable for use, PrimaryProperties should be used
\t\t\t Base: 843000000000
\t\t\t MaxOffset: 03fffffff
"""

    bar = booted(imported(tmp_path, text))["00:00.0"].resources[0]

    assert (bar.start, bar.last) == (0x8430_0000_0000, 0x8430_3FFF_FFFF)


def test_what_todays_kernel_says_of_room_is_passed_on() -> None:
    """A log of Linux 6.12: no space, a window that cannot fit, relaxed alignment: with file and line, in the kernel's words."""
    log = Path(__file__).parents[1] / "exporters" / "logs" / "linux-6.12-big.txt"

    notes = "\n".join(read_dump(log).notes)

    for words in (
        ":91: the kernel said of 0000:04:00.0: BAR 2 [mem size 0x200000000 64bit pref]: can't assign; no space",
        ":101: the kernel said of 0000:01:00.0: Assigned bridge window [mem 0xfe800000-0xfebfffff 64bit pref] to [bus 02-04]",
        ":102: the kernel said of 0000:02:01.0: bridge window [mem 0x00000000-0x001fffff 64bit pref] to [bus 04] requires",
    ):
        assert words in notes


def test_virtual_functions_are_told_by_the_numbers_of_the_physical_one(tmp_path: Path) -> None:
    """Where no link of sysfs says so: offset and stride. They are left out by name, and their region's size is kept."""
    text = samples.SRIOV.replace("Number of VFs: 0", "Number of VFs: 2") + "".join(
        f"""0000:00:00.{n} Ethernet controller [0200]: V NIC [Virtual Function] [15b3:1016]
\tControl: I/O- Mem- BusMaster+ SpecCycle-
\tRegion 0: Memory at 401c{n - 2}00000 (64-bit, prefetchable) [virtual] [size=1M]
\tKernel driver in use: some_vf
"""
        for n in (2, 3)
    )

    found = imported(tmp_path, text)

    assert [spec.id for spec in found.scenario.devices] == ["00:00.0"]
    assert found.scenario.find("00:00.0").facts.vf_bars == (BarDecl(0, BarKind.PREF64, 1 << 20),)
    assert sum("a virtual function (SR-IOV) of 0000:00:00.0" in note for note in found.notes) == 2


ARM = """\
09000000-09000fff : pl011@9000000
10000000-3efeffff : pcie@10000000
  10000000-101fffff : PCI Bus 0000:01
    10000000-10003fff : 0000:01:00.0
  10200000-10200fff : board
40000000-bfffffff : System RAM
8000000000-ffffffffff : pcie@10000000
"""
BELOW_A_PORT = """\
{root}:01.0 PCI bridge [0604]: V D [1b36:000c] (prog-if 00 [Normal decode])
\tControl: I/O- Mem+ BusMaster+ SpecCycle-
\tBus: primary=00, secondary={below}, subordinate={below}, sec-latency=0
\tMemory behind bridge: 10000000-101fffff [size=2M] [32-bit]
\tCapabilities: [50] Power Management version 3
\t\tStatus: D3 NoSoftRst- PME-Enable- DSel=0 DScale=0 PME-
\tCapabilities: [58] Express (v2) Root Port (Slot+), MSI 00
{below}:00.0 Non-Volatile memory controller [0108]: V D [1b36:0010] (prog-if 02 [NVM Express])
\tControl: I/O- Mem+ BusMaster+ SpecCycle-
\tRegion 0: Memory at 10000000 (64-bit, non-prefetchable) [size=16K]
\tExpansion ROM at 10100000 [virtual] [disabled] [size=64K]
\tKernel driver in use: nvme
"""


def test_a_host_bridge_of_a_device_tree_has_the_name_of_its_node(tmp_path: Path) -> None:
    """Both its ranges are apertures, the one that nothing lies in too, and none is RAM; the board's piece inside is busy."""
    found = imported(tmp_path, BELOW_A_PORT.format(root="0000:00", below="0000:01").replace("=0000:01", "=01"), ARM).scenario

    spans = [Span(0x10000000, 0x3EFEFFFF), Span(0x80_0000_0000, 0xFF_FFFF_FFFF)]
    assert [window.span for window in found.windows if not window.is_io] == spans
    assert [piece.name for piece in found.ram] == ["pl011@9000000", "System RAM"]
    assert [piece.name for piece in found.reserved] == ["board"]


def test_a_volume_management_device_is_a_root_of_its_own(tmp_path: Path) -> None:
    """Its domain has five digits, its root bus any number; its aperture is a BAR of a function in another domain."""
    text = "0000:00:0e.0 RAID bus controller [0104]: V D [8086:a77f]\n\tRegion 2: Memory at 10000000 (32-bit) [size=32M]\n"
    iomem = """\
00000000-0fffffff : System RAM
10000000-1fffffff : PCI Bus 0000:00
  10000000-11ffffff : 0000:00:0e.0
    10000000-11ffffff : VMD MEMBAR1
      10000000-101fffff : PCI Bus 10000:e1
        10000000-10003fff : 10000:e1:00.0
"""
    dump = text + BELOW_A_PORT.format(root="10000:e0", below="10000:e1").replace("=10000:e1", "=e1")
    for name, content in (("l.txt", dump), ("i.txt", iomem)):
        (tmp_path / name).write_text(content)

    found = import_dumps([read_dump([tmp_path / "l.txt", tmp_path / "i.txt"], "10000:e0")]).scenario

    assert found.domain == 0x10000
    assert [window.span for window in found.windows] == [Span(0x10000000, 0x11FFFFFF)]


def test_ports_that_slept_are_played_awake(tmp_path: Path) -> None:
    """Runtime power management put them into D3hot; at boot what is behind them must be found all the same. It is said."""
    found = imported(tmp_path, BELOW_A_PORT.format(root="00", below="01"))

    assert set(booted(found)) == {"00:01.0", "01:00.0"}
    assert any("asleep in the dump (D1 to D3): 0000:00:01.0; played awake" in note for note in found.notes)


def test_a_virtual_rom_is_a_bar_unless_it_is_the_copy_of_the_video_bios(tmp_path: Path) -> None:
    """lspci calls a ROM [virtual] if the kernel has not written its register, which it does only to read the ROM."""
    text = BELOW_A_PORT.format(root="00", below="01")

    assert BarDecl(6, BarKind.ROM, 64 << 10) in imported(tmp_path, text).scenario.find("01:00.0").bars
    shadow = text.replace("10100000 [virtual]", "000c0000 [virtual]")
    assert [bar.n for bar in imported(tmp_path, shadow).scenario.find("01:00.0").bars] == [0]


def test_a_bar_beside_the_windows_above_it_is_said(tmp_path: Path) -> None:
    """Both places by name: it cannot have answered there, or the bridge's line is lost. Subtractive bridges pass all."""
    text = BELOW_A_PORT.format(root="00", below="01").replace("10000000 (64-bit", "18000000 (64-bit")

    said = "01:00.0 BAR 0 [0x18000000-0x18003fff] lies in no window of 0000:00:01.0 above it (0.txt:1)"
    assert any(said in note for note in imported(tmp_path, text).notes)
    assert not any("no window" in note for note in imported(tmp_path, text.replace("prog-if 00", "prog-if 01")).notes)
    assert not any("no window" in note for note in imported(tmp_path, BELOW_A_PORT.format(root="00", below="01")).notes)
