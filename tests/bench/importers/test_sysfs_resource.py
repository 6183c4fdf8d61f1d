"""sysfs resource files."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.address import Bdf
from movsdk.bench.importers.sysfs_resource import DeviceResources, read_resources
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind
from tests.bench.importers.dumps import BOOT, read_text

NONE = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"


def row(start: int, last: int, flags: int) -> str:
    return f"{start:#018x} {last:#018x} {flags:#018x}\n"


def read(folder: Path, text: str) -> dict[Bdf, DeviceResources]:
    path = folder / "resource.txt"
    path.write_text(text)
    return read_resources(read_text(path))


def test_a_real_file_is_read() -> None:
    """Endpoints have seven lines here, bridges eleven: their windows follow the ROM."""
    found = read_resources(read_text(BOOT / "resource.txt"))

    port = found[Bdf.parse("00:04.0")]
    assert [(window.start, window.last) for window in port.windows] == [
        (0x1000, 0x5FFF),
        (0xFDE00000, 0xFE5FFFFF),
        (0xFCC00000, 0xFD7FFFFF),
    ]
    assert (port.bars[0].size, port.bars[0].kind, port.bars[1].exists) == (4096, BarKind.MEM32, False)
    sata, ivshmem = found[Bdf.parse("00:1f.2")], found[Bdf.parse("05:00.0")]
    assert (sata.bars[4].kind, sata.bars[4].size, sata.windows) == (BarKind.IO, 32, ())
    assert (ivshmem.bars[2].kind, ivshmem.bars[2].size) == (BarKind.PREF64, 4 << 20)


def test_windows_come_after_the_virtual_functions_bars_on_kernels_with_sriov(tmp_path: Path) -> None:
    """Lines 14 to 16 instead of 8 to 10."""
    windows = row(0x1000, 0x1FFF, 0x100) + row(0xE0000000, 0xE00FFFFF, 0x200) + NONE * 2

    with_sriov = read(tmp_path, f"0000:00:01.0\n{NONE * 13}{windows}")[Bdf.parse("00:01.0")]
    without = read(tmp_path, f"0000:00:01.0\n{NONE * 7}{windows}")[Bdf.parse("00:01.0")]

    assert (
        [window.start for window in with_sriov.windows] == [window.start for window in without.windows] == [0x1000, 0xE0000000, 0]
    )


@pytest.mark.parametrize(
    ("flags", "claims"),
    [
        (0x40200, {"is_io": False, "is_pinned": False, "is_unset": False, "kind": BarKind.MEM32}),
        (0x42208, {"kind": BarKind.PREF32}),
        (0x140204, {"kind": BarKind.MEM64}),
        (0x14220C, {"kind": BarKind.PREF64}),
        (0x40101, {"is_io": True, "kind": BarKind.IO}),
        (0x20040200, {"is_unset": True, "exists": True}),
        (0x212, {"is_shadow_rom": True, "is_pinned": True}),
    ],
)
def test_flags_are_the_kernels(flags: int, claims: dict[str, object], tmp_path: Path) -> None:
    """IORESOURCE_* as include/linux/ioport.h numbers them."""
    found = read(tmp_path, f"0000:00:01.0\n{row(0x1000, 0x1FFF, flags)}{NONE * 6}")[Bdf.parse("00:01.0")].bars[0]

    assert {name: getattr(found, name) for name in claims} == claims


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NONE, ":1: a resource before any device"),
        (f"0000:00:01.0\n{NONE * 5}", ":7: 0000:00:01.0 ends after 5 resources; there are 7, 11, 13, 17; the file is cut off"),
        (f"0000:00:01.0\n{NONE * 6}0x00000000000", ':8: not `start last flags`, each 0x and up to 16 digits: "0x00000000000"'),
        (
            f"0000:00:01.0\n{NONE.replace('0x0', '0x10', 1)}",
            ':2: not `start last flags`, each 0x and up to 16 digits: "0x10000000',
        ),
        (f"0000:00:01.0\n{row(2, 0, 0x200)}", ":2: last 0x0 lies below start 0x2"),
        ("0000:00:20.0\n", ':1: neither a device nor a resource: "0000:00:20.0"'),
        (f"00:01.0\n{NONE * 7}0000:00:01.0\n{NONE * 7}", ":9: 0000:00:01.0 a second time"),
        ("hello", ':1: neither a device nor a resource: "hello"'),
    ],
)
def test_what_is_no_resource_file_is_refused_by_line(text: str, message: str, tmp_path: Path) -> None:
    """A cut file and numbers of more than 64 bits name their line."""
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)

    assert str(caught.value).startswith(f"{tmp_path}/resource.txt{message}")
