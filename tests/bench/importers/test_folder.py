"""Dump folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.address import Bdf, SlotPath, Span
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.scenario import Aperture, RamRange, Reserved
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind
from tests.bench.importers import samples
from tests.bench.importers.dumps import BOOT, STORY, Edit, copy_of, replacing


def test_the_five_files_are_one_machine() -> None:
    """Functions by path, with bytes, resources and driver."""
    dump = read_dump(BOOT)

    nvme = dump.functions[SlotPath(0, ("04.0", "00.0", "00.0", "00.0"))]
    assert (str(nvme.bdf), nvme.driver, nvme.is_bridge) == ("0000:03:00.0", "nvme", False)
    assert nvme.ids == (0x1B36, 0x0010, 0x1AF4, 0x1100)
    assert dump.at(Bdf.parse("02:01.0")).buses == (2, 4, 4)
    assert dump.at(Bdf.parse("02:01.0")).ids == (0x104C, 0x8233)
    with pytest.raises(KeyError):
        dump.at(Bdf.parse("04:00.0"))


def test_a_path_survives_renumbering(tmp_path: Path) -> None:
    """Bus 3 renumbered to 9 everywhere is the same machine."""

    def renumber(text: str) -> str:
        return text.replace("0000:03:00.0", "0000:09:00.0").replace("00 00 00 00 02 03 03 00", "00 00 00 00 02 09 09 00", 1)

    renumbered = read_dump(copy_of(BOOT, tmp_path, lspci=renumber, resource=renumber, drivers=renumber, iomem=renumber))

    assert list(renumbered.functions) == list(read_dump(BOOT).functions)


def test_apertures_ram_and_busy_pieces_come_from_the_address_trees() -> None:
    """I/O first, then memory in file order, all of them plain; what is not PCI bounds placing."""
    dump = read_dump(BOOT)

    assert dump.windows == (
        Aperture("io", Span(0, 0xCF7)),
        Aperture("io", Span(0xD00, 0xFFFF)),
        Aperture("mem", Span(0xA0000, 0xBFFFF)),
        Aperture("mem", Span(0x20000000, 0xAFFFFFFF)),
        Aperture("mem", Span(0xC0000000, 0xFEBFFFFF)),
        Aperture("mem", Span(0x100000000, 0x8FFFFFFFF)),
    )
    assert len(dump.ram) == 14
    assert dump.ram[5] == RamRange(Span(0x100000, 0x1FFD6FFF), "System RAM")
    assert dump.reserved[-1] == Reserved("io", Span(0x600, 0x67F), "0000:00:1f.0")
    assert "0000:00:1f.3" not in {piece.name for piece in dump.reserved}


def test_ram_that_is_assumed_leaves_the_apertures_alone(tmp_path: Path) -> None:
    """It ends below the first aperture, and the one of VGA is a hole in it."""
    log = tmp_path / "dmesg"
    vga = "[    0.3] pci_bus 0000:00: root bus resource [mem 0x000a0000-0x000bffff window]\n"
    lines = "".join(line for line in samples.NEW_LOG.splitlines(keepends=True) if "e820" not in line)
    head, tail = lines.split("[    0.300002]", 1)
    log.write_text(f"{head}{vga}[    0.300002]{tail}")

    found = read_dump(log)

    assert [(ram.span.start, ram.span.last) for ram in found.ram] == [(0, 0x9_FFFF), (0xC_0000, 0x7FFF_FFFF)]
    assert any("RAM is taken to be [0x0-0x9ffff], [0xc0000-0x7fffffff]" in note for note in found.notes)


def test_bars_are_told_by_their_registers() -> None:
    """The upper half of a 64-bit BAR is no BAR; a bridge has two, and its ROM elsewhere."""
    dump = read_dump(STORY[1])

    ivshmem = list(dump.at(Bdf.parse("04:00.0")).bar_registers())
    port = list(dump.at(Bdf.parse("00:04.0")).bar_registers())

    assert [number for number, *_ in ivshmem] == [0, 1, 2, 4, 5, 6]
    assert (ivshmem[2][1], ivshmem[2][2]) == (0x0000000C, BarKind.PREF64)
    assert [(number, register) for number, register, *_ in port] == [(0, 0xFEA00000), (1, 0), (6, 0)]


def cut_last_device(text: str) -> str:
    return text[: text.rindex("0000:07:00.0")]


def in_domain_one(text: str) -> str:
    return text.replace("0000:07:00.0", "0001:07:00.0")


HOST_BRIDGE = "00: 86 80 c0 29 03 01 00 00 00 00 00 06 00 00 00 00"
PORT_2 = "10: 00 10 a0 fe 00 00 00 00 00 07 07 00 60 60 00 00"


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        (
            {"lspci": cut_last_device},
            "lspci-xxxx.txt: has no 0000:07:00.0, which resource.txt:159 has; cut off, or of another moment",
        ),
        (
            {"resource": cut_last_device},
            "resource.txt: has no 0000:07:00.0, which lspci-xxxx.txt:2413 has; cut off, or of another moment",
        ),
        (
            {"drivers": cut_last_device},
            "drivers.txt: has no 0000:07:00.0, which lspci-xxxx.txt:2413 has; cut off, or of another moment",
        ),
        ({"iomem": lambda text: text[:300]}, 'iomem.txt:10: not `first-last : name`, indented by twos: "  01800000-018b7ff"'),
        ({"ioports": lambda _text: ""}, "ioports.txt: is empty"),
        ({"lspci": replacing(HOST_BRIDGE, "1" + HOST_BRIDGE[1:])}, "lspci-xxxx.txt:2: row 10 where row 00 must follow"),
        (
            {"lspci": replacing(HOST_BRIDGE, HOST_BRIDGE[:-5] + "02 00")},
            ": no function that can be played is left",
        ),
        (
            {"lspci": replacing(PORT_2, PORT_2.replace("07 07", "06 06"))},
            "lspci-xxxx.txt:1879: 0000:02:03.0 and 0000:00:05.0 both lead to bus 06",
        ),
        (
            {"lspci": replacing(PORT_2, PORT_2.replace("07 07", "17 17"))},
            "lspci-xxxx.txt:2413: 0000:07:00.0 is on bus 07, to which no bridge leads, and the root buses are 0000:00; a bridge",
        ),
        (
            dict.fromkeys(("lspci", "resource", "drivers"), in_domain_one),
            "lspci-xxxx.txt:2413: 0001:07:00.0 is on bus 07, to which no bridge leads, and",
        ),
    ],
)
def test_files_that_do_not_belong_together_are_refused(edits: dict[str, Edit], message: str, tmp_path: Path) -> None:
    """Cut files, other moments, other machines: named by file and line."""
    folder = copy_of(BOOT, tmp_path, **edits)

    with pytest.raises(BadInput) as caught:
        read_dump(folder)

    assert str(caught.value).replace(f"{folder}:", f"{folder}/:").startswith(f"{folder}/{message}")


def test_a_circle_of_bridges_is_refused(tmp_path: Path) -> None:
    """Bus numbers of a broken dump may lead nowhere near the root."""

    def on_bus_three(text: str) -> str:
        return text.replace("0000:01:00.0", "0000:03:00.1")

    edits = dict.fromkeys(("lspci", "resource", "drivers"), on_bus_three)

    with pytest.raises(BadInput, match="below a circle of bridges; the bus numbers cannot be right"):
        read_dump(copy_of(BOOT, tmp_path, **edits))


def test_a_folder_that_is_none_or_holds_nothing_is_named(tmp_path: Path) -> None:
    """The message says what a dump is."""
    (tmp_path / "empty").mkdir()

    for name, message in {
        "no": "is no folder and no file; a dump is a folder or files of lspci -vv or -xxxx, sysfs files, /proc/iomem, ",
        "empty": "holds no dump of PCI devices; give lspci -vv or -xxxx, sysfs files, /proc/iomem, /proc/ioports, dmesg",
    }.items():
        with pytest.raises(BadInput) as caught:
            read_dump(tmp_path / name)
        assert str(caught.value).startswith(f"{tmp_path / name}: {message}")
