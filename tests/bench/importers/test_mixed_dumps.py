"""Dumps as people attach them: any wording, any mixture, any place; what is assumed, missing or left out is said by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.address import Span
from movsdk.bench.assembly import assemble
from movsdk.bench.config_facts import is_hotplug_port
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import Imported, import_dumps
from movsdk.bench.scenario import Aperture, BarDecl, BridgeSpec, Facts, FunctionSpec, RamRange
from movsdk.bench.scenario_schema import parse
from movsdk.bench.scenario_text import to_plain
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind
from tests.bench.importers import samples

MIB = 1 << 20


def imported(folder: Path, *texts: str, root: str | None = None) -> Imported:
    """The machine that `texts` show, in files whose names say nothing; silicon can be built of it, and it reads back equal."""
    paths = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.txt"
        path.write_text(text)
        paths.append(path)
    found = import_dumps([read_dump(paths, root)])
    assemble(found.scenario)
    assert parse(to_plain(found.scenario)) == found.scenario
    return found


def bridge(found: Imported, name: str) -> BridgeSpec:
    spec = found.scenario.find(name)
    assert isinstance(spec, BridgeSpec)
    return spec


def config(spec: FunctionSpec) -> bytes:
    assert spec.config is not None
    return spec.config


def test_words_alone_make_a_machine(tmp_path: Path) -> None:
    """lspci -vv without numbers: classes by name, slots and MSI-X in bytes that are made, all of it said."""
    found = imported(tmp_path, samples.LAPTOP)

    port, ssd = bridge(found, "00:1c.0"), found.scenario.find("01:00.0")
    assert (port.hotplug, port.io, port.prefetchable, port.driver) == (True, True, 64, "port")
    assert is_hotplug_port(config(port))
    assert (ssd.bars, ssd.driver, ssd.on) == ((BarDecl(0, BarKind.MEM64, 16384),), "nvme", "00:1c.0")
    msix = config(ssd)[0xB0:0xBC]
    assert msix.hex(" ") == "11 00 20 80 00 20 00 00 00 30 00 00"
    assert config(ssd)[9:12].hex() == "020801"
    notes = "\n".join(found.notes)
    assert "config bytes of 4 functions are made from words" in notes
    assert "left out: 0000:01:00.0 expansion ROM" in notes
    assert "0.txt:28): no source shows its size" in notes
    assert "assumed: no source names the mem apertures of root bus 0000:00; [0xdfb00000-0xdfefffff]" in notes


def test_sizes_a_bar_could_have_are_kept(tmp_path: Path) -> None:
    """Resizable BARs in words; the Linux driver that we do not have; a shadow ROM is no BAR."""
    found = imported(tmp_path, samples.GPU)

    gpu = found.scenario.find("01:00.0")
    sizes = tuple(256 * MIB << n for n in range(5))
    assert (gpu.driver, gpu.facts) == ("fixed", Facts(driver="amdgpu", resizable=((0, sizes),)))
    assert [bar.n for bar in gpu.bars] == [0, 5]
    assert bridge(found, "00:01.0").prefetchable == 64  # above 4 GiB, whatever the remark in brackets says


def test_several_root_buses_are_named_and_one_is_chosen(tmp_path: Path) -> None:
    """One that decodes nothing needs no choice; another domain is another root."""
    with pytest.raises(BadInput) as caught:
        imported(tmp_path, samples.EPYC)
    assert str(caught.value) == (
        f"{tmp_path}/0.txt: 3 root buses, and a scenario has one: 0000:00 (2 functions), 0000:40 (3 functions), "
        "10000:00 (1 functions); choose with --root 0000:00"
    )

    found = imported(tmp_path, samples.EPYC, root="0000:40")

    assert [spec.id for spec in found.scenario.devices] == ["40:00.0", "40:01.0", "41:00.0"]
    assert config(found.scenario.find("40:01.0"))[0x18:0x1B] == bytes([0, 1, 2])
    assert "left out: root bus 10000:00 (1 functions)" in found.notes
    assert imported(tmp_path, samples.EPYC, root="10000:00").scenario.domain == 0x10000
    for bad, problem in {"0000:41": "no root bus 0000:41; there are 0000:00", "x": "is no root bus; write domain"}.items():
        with pytest.raises(BadInput, match=problem):
            imported(tmp_path, samples.EPYC, root=bad)


def test_bars_of_virtual_functions_need_a_log(tmp_path: Path) -> None:
    """lspci prints their addresses only; without a size that is said, with a log they are kept."""
    alone = imported(tmp_path, samples.SRIOV)
    log = """\
pci 0000:00:00.0: [15b3:1015] type 00 class 0x020000
pci 0000:00:00.0: reg 0x10: [mem 0x4000000000-0x4001ffffff 64bit pref]
pci 0000:00:00.0: VF(n) BAR0 space: [mem 0x401c000000-0x401c7fffff 64bit pref] (contains BAR0 for 8 VFs)
"""
    both = imported(tmp_path, samples.SRIOV, log)

    assert alone.scenario.find("00:00.0").facts.vf_bars == ()
    assert any("left out: sizes of the BARs of 0000:00:00.0's virtual functions" in note for note in alone.notes)
    assert both.scenario.find("00:00.0").facts.vf_bars == (BarDecl(0, BarKind.PREF64, MIB),)


def test_what_enhanced_allocation_holds_is_pinned(tmp_path: Path) -> None:
    """No register moves it; lspci calls it [virtual]."""
    found = imported(tmp_path, samples.ENHANCED)

    spec = found.scenario.find("00:00.0")
    assert (spec.bars, spec.pci_fixed) == ((BarDecl(0, BarKind.MEM64, 1 << 30),), (0,))
    assert found.scenario.domain == 2
    assert int.from_bytes(config(spec)[0x10:0x18], "little") == 0x843000000004
    assert any("held by Enhanced Allocation" in note for note in found.notes)


def test_todays_log_is_a_machine(tmp_path: Path) -> None:
    """Apertures, RAM, ports, drivers; what firmware left, not what the kernel made of it; its complaints are told."""
    found = imported(tmp_path, samples.NEW_LOG)

    scenario = found.scenario
    assert scenario.windows == (
        Aperture("io", Span(0, 0xFFFF)),
        Aperture("mem", Span(0x80000000, 0xFEBFFFFF)),
        Aperture("mem", Span(0x4000000000, 0x7FFFFFFFFF)),
    )
    assert scenario.ram[1] == RamRange(Span(0x100000, 0x7FFFFFFF), "System RAM")
    assert bridge(found, "00:1c.0").hotplug
    assert config(scenario.find("00:1c.0"))[0x20:0x22] == b"\x00\x80"
    ssd = scenario.find("01:00.0")
    assert (ssd.driver, ssd.facts.vf_bars) == ("nvme", (BarDecl(0, BarKind.MEM64, 0x8000),))
    assert ssd.bars == (BarDecl(0, BarKind.MEM64, 0x8000), BarDecl(6, BarKind.ROM, 0x10000))
    said = [note for note in found.notes if "the kernel said" in note]
    assert [note.partition("0000:")[2][:30] for note in said] == [
        "00:1c.0: bridge window [mem 0x",
        "01:00.0: VF BAR 0 [mem size 0x",
    ]


def test_an_old_log_is_one_too(tmp_path: Path) -> None:
    """`reg 10:`, BAR numbers of windows, syslog's prefix; a BAR that found no place has its size all the same."""
    found = imported(tmp_path, samples.OLD_LOG)

    card = found.scenario.find("02:00.0")
    assert [(bar.n, bar.kind, bar.size) for bar in card.bars] == [
        (0, BarKind.IO, 0x100),
        (1, BarKind.MEM32, 0x100),
        (2, BarKind.MEM32, 0x1000),
        (6, BarKind.ROM, 0x10000),
    ]
    assert found.scenario.ram == (RamRange(Span(0x100000, 0x3FFFFFFF), "System RAM"),)
    assert sum("the kernel said" in note for note in found.notes) == 3


def test_a_log_gives_the_sizes_that_bytes_do_not(tmp_path: Path) -> None:
    """lspci -xxx shows addresses only; iomem, the log or lspci -vv have the sizes."""
    rows = ["00: 36 1b 10 00 06 00 00 00 02 02 08 01 00 00 00 00", "10: 04 00 40 fe 00 00 00 00 00 00 00 00 00 00 00 00"]
    rows += [f"{at:02x}: " + " ".join(["00"] * 16) for at in (0x20, 0x30)]
    dump = "00:04.0 x: y\n" + "\n".join(rows) + "\n"
    dump = dump.replace("00:04.0", "00:00.0")
    log = "pci 0000:00:00.0: [1b36:0010] type 00 class 0x010802\npci 0000:00:00.0: reg 0x10: [mem 0xfe400000-0xfe403fff 64bit]\n"
    iomem = "fe000000-feafffff : PCI Bus 0000:00\n  fe400000-fe403fff : 0000:00:00.0\n"

    for other in (log, iomem):
        assert imported(tmp_path, dump, other).scenario.find("00:00.0").bars == (BarDecl(0, BarKind.MEM64, 0x4000),)
    with pytest.raises(BadInput, match=r"0\.txt:1: the size of 0000:00:00\.0 BAR 0 is in none of the dumps"):
        imported(tmp_path, dump)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            "00:00.0 Ethernet controller [0200]: V NIC [15b3:1015]\n"
            "\tRegion 0: Memory at 4000000000 (64-bit, prefetchable) [size=16M]\n",
            r"1\.txt:9: 0000:00:00\.0 BAR 0 is \[0x4000000000-0x4000ffffff\], but \[0x4000000000-0x4001ffffff\] in .*0\.txt:2",
        ),
        ("00:00.0 nvme\n", r"0000:00:00\.0 has the driver mlx, but nvme in .*1\.txt:1"),
        ("00:01.0 nvme\n", r"has no 0000:00:0[01]\.0, which [01]\.txt:1 has; cut off, or of another moment"),
    ],
    ids=["two sizes", "two drivers", "two lists"],
)
def test_contradictions_name_both_sources(other: str, message: str, tmp_path: Path) -> None:
    """Device, BAR, file and line of each; nothing is chosen in silence."""
    resource = "0000:00:00.0\n0x0000004000000000 0x0000004001ffffff 0x000000000014220c\n"
    resource += "0x0000000000000000 0x0000000000000000 0x0000000000000000\n" * 6
    texts = (resource, "\n" * 7 + other) if "Region" in other else (samples.SRIOV + "\tKernel driver in use: mlx\n", other)

    with pytest.raises(BadInput, match=message):
        imported(tmp_path, *texts)


def test_devices_that_cannot_be_played_are_named(tmp_path: Path) -> None:
    """Asleep, CardBus and what is below it, virtual functions, a function without function 0."""
    rows = "\n".join(f"{at:02x}: " + " ".join(["ff"] * 16) for at in range(0, 64, 16))
    text = f"""\
00:00.0 Host bridge: x
00:01.0 VGA compatible controller: Gone (rev ff) (prog-if ff)
\t!!! Unknown header type 7f
00:02.0 3D controller: Asleep
{rows}
00:03.1 Audio device: No brother
\tRegion 0: Memory at e0000000 (32-bit, non-prefetchable) [size=4K]
00:1e.0 CardBus bridge: Old
\tBus: primary=00, secondary=03, subordinate=06, sec-latency=176
"""
    found = imported(tmp_path, text)

    assert [spec.id for spec in found.scenario.devices] == ["00:00.0"]
    left = [note for note in found.notes if note.startswith("left out")]
    assert [note.split()[2] for note in left] == ["0000:00:01.0", "0000:00:02.0", "0000:00:1e.0", "0000:00:03.1"]
    assert "answers no config reads" in left[0]
    assert "so no scan finds it" in left[3]


def test_zeros_for_others_than_root_are_said_and_replaced(tmp_path: Path) -> None:
    """The log's apertures serve; without a log they are implied, and that is said."""
    zeros = "00000000-00000000 : PCI Bus 0000:00\n  00000000-00000000 : 0000:00:00.0\n"

    found = imported(tmp_path, samples.SRIOV, zeros)

    assert any("1.txt:1: all addresses are zero; the kernel shows them to root only; not used" in note for note in found.notes)
    assert found.scenario.windows == (Aperture("mem", Span(0x4000000000, 0x4001FFFFFF)),)


def test_a_bar_in_no_aperture_is_said(tmp_path: Path) -> None:
    """A dump cut at a line end: beyond the end of iomem it is refused, within it is told."""
    within = "4000000000-40000fffff : PCI Bus 0000:00\n5000000000-50000fffff : PCI Bus 0000:40\n"
    found = imported(tmp_path, samples.SRIOV, within)
    assert any("0000:00:00.0 BAR 0 [0x4000000000-0x4001ffffff] lies in no aperture" in note for note in found.notes)

    with pytest.raises(BadInput, match=r"1\.txt:2: ends at 0x3ffff, but 0000:00:00\.0 BAR 0 is at .* the file is cut off"):
        imported(tmp_path, samples.SRIOV, "00000000-0003ffff : PCI Bus 0000:00\n")


def test_numbers_that_lspci_does_not_show_are_counted_and_said(tmp_path: Path) -> None:
    """-v has no region numbers; the registers tell them where there are bytes."""
    words = """\
00:00.0 Ethernet controller [0200]: V NIC [10ec:8168]
\tFlags: bus master, fast devsel, latency 0, IRQ 16
\tI/O ports at d000 [size=256]
\tMemory at f7c00000 (64-bit, non-prefetchable) [size=4K]
"""
    rows = "00: ec 10 68 81 07 00 00 00 00 00 00 02 00 00 00 00\n10: 01 d0 00 00 00 00 00 00 04 00 c0 f7 00 00 00 00\n"
    rows += "".join(f"{at:02x}: " + " ".join(["00"] * 16) + "\n" for at in (0x20, 0x30))

    alone, both = imported(tmp_path, words), imported(tmp_path, words + rows)

    assert [bar.n for bar in alone.scenario.find("00:00.0").bars] == [0, 1]
    assert any("shows no BAR numbers; they are counted" in note for note in alone.notes)
    assert [bar.n for bar in both.scenario.find("00:00.0").bars] == [0, 2]
    assert not any("counted" in note for note in both.notes)


def test_what_the_log_found_and_nobody_else_is_gone(tmp_path: Path) -> None:
    """A log is a history; the present is elsewhere."""
    log = "pci 0000:00:00.0: [15b3:1015] type 00 class 0x020000\npci 0000:00:05.0: [15b3:1015] type 00 class 0x020000\n"

    notes = imported(tmp_path, samples.SRIOV, log).notes

    assert f"left out: 0000:00:05.0 ({tmp_path}/1.txt:2): the log found it, but it is not there any more" in notes


def test_a_size_that_changed_since_the_log_is_said(tmp_path: Path) -> None:
    """A resized BAR, or two machines: both sources by name, the later counts."""
    log = "pci 0000:00:00.0: [15b3:1015] type 00 class 0x020000\npci 0000:00:00.0: reg 0x10: [mem 0x0-0xffffff 64bit pref]\n"

    found = imported(tmp_path, samples.SRIOV, log)

    held = f"16777216 bytes in the log ({tmp_path}/1.txt:2), 33554432 in {tmp_path}/0.txt:3"
    assert f"0000:00:00.0 BAR 0 has {held}; the later counts" in found.notes
    assert found.scenario.find("00:00.0").bars[0].size == 32 * MIB
