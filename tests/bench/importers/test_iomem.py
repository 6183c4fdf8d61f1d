"""/proc/iomem and /proc/ioports."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.address import Span
from movsdk.bench.importers.iomem import Range, apertures, busy, read_ranges
from movsdk.errors import BadInput
from tests.bench.importers.dumps import BOOT


def read(folder: Path, text: str) -> list[Range]:
    path = folder / "iomem.txt"
    path.write_text(text)
    return read_ranges(path)


def test_indentation_is_the_tree() -> None:
    """A BAR lies in a bridge window, that in another, that in the root aperture."""
    top = read_ranges(BOOT / "iomem.txt")

    root = next(each for each in top if each.span == Span(0xC0000000, 0xFEBFFFFF))

    assert [each.name for each in root.walk()][:4] == ["PCI Bus 0000:00", "PCI Bus 0000:01", "PCI Bus 0000:02", "PCI Bus 0000:05"]
    assert len(top) == 18
    assert (root.is_bus, root.is_function, root.line) == (True, False, 18)


def test_apertures_are_the_ranges_of_the_root_bus_in_file_order() -> None:
    """The legacy VGA range is one of them."""
    path = BOOT / "iomem.txt"

    found = apertures(path, read_ranges(path), "PCI Bus 0000:00")

    assert [each.span for each in found] == [
        Span(0xA0000, 0xBFFFF),
        Span(0x20000000, 0xAFFFFFFF),
        Span(0xC0000000, 0xFEBFFFFF),
        Span(0x100000000, 0x8FFFFFFFF),
    ]


def test_an_aperture_inside_a_firmware_range_is_found(tmp_path: Path) -> None:
    """Some firmware reserves the range that its host bridge forwards."""
    top = read(tmp_path, "e0000000-efffffff : Reserved\n  e0000000-efffffff : PCI Bus 0000:00\n")

    assert [each.line for each in apertures(tmp_path, top, "PCI Bus 0000:00")] == [2]


def test_busy_is_what_no_bar_takes(tmp_path: Path) -> None:
    """Board devices, and ranges that a quirk claimed in a function's name; not BARs, what is in them, nor what wraps them."""
    text = """\
e0000000-efffffff : PCI Bus 0000:00
  e0000000-e0ffffff : Reserved
    e0000000-e00fffff : PCI Bus 0000:01
      e0000000-e0000fff : 0000:01:00.0
        e0000000-e0000fff : nvme
      e0001000-e0001fff : pnp 00:01
  e1000000-e1ffffff : PCI MMCONFIG 0000 [bus 00-0f]
    e1000000-e1ffffff : pnp 00:02
  e2000000-e2000fff : 0000:00:1f.0
"""
    bars = {("0000:01:00.0", Span(0xE0000000, 0xE0000FFF)), ("0000:00:1f.0", Span(0xE3000000, 0xE3000FFF))}

    assert [each.line for each in busy(read(tmp_path, text), bars)] == [6, 7, 9]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "00000000-00000000 : PCI Bus 0000:00\n  00000000-00000000 : x\n",
            ":1: all addresses are zero; the kernel shows them to root only",
        ),
        (
            "e0000000-efffffff : PCI\n    e0000000-e0000fff : x\n",
            ":2: indented deeper than the line above allows; lines are missing",
        ),
        ("  e0000000-efffffff : PCI\n", ":1: indented deeper than the line above allows; lines are missing"),
        ("2-1 : x\n", ":1: ends (0x1) before it starts (0x2)"),
        ("e0000000-eff", ':1: not `first-last : name`, indented by twos: "e0000000-eff"'),
        (
            "e0000000-efffffff : a\n e0000000-efffffff : b\n",
            ':2: not `first-last : name`, indented by twos: " e0000000-efffffff : b"',
        ),
        ("0-10000000000000000 : x\n", ':1: not `first-last : name`, indented by twos: "0-10000000000000000 : x"'),
    ],
)
def test_what_is_no_tree_of_ranges_is_refused_by_line(text: str, message: str, tmp_path: Path) -> None:
    """Read without being root, cut, or of more than 64 bits."""
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)

    assert str(caught.value) == f"{tmp_path}/iomem.txt{message}"


def test_without_root_apertures_there_is_no_machine(tmp_path: Path) -> None:
    """The message says how the kernel would have named them."""
    with pytest.raises(BadInput) as caught:
        apertures(tmp_path / "iomem.txt", read(tmp_path, "0-fff : RAM\n"), "PCI Bus 0000:00")

    assert str(caught.value) == (
        f"{tmp_path}/iomem.txt: no range 'PCI Bus 0000:00'; that is how the kernel names what the host bridge forwards"
    )
