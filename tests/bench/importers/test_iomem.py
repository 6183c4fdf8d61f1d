"""/proc/iomem and /proc/ioports."""

from __future__ import annotations

from pathlib import Path

import pytest

from movsdk.address import Span
from movsdk.bench.importers.iomem import Range, are_hidden, busy, outermost_buses, read_ranges
from movsdk.errors import BadInput
from tests.bench.importers.dumps import BOOT, read_text


def read(folder: Path, text: str) -> list[Range]:
    path = folder / "iomem.txt"
    path.write_text(text)
    return read_ranges(read_text(path))


def test_indentation_is_the_tree() -> None:
    """A BAR lies in a bridge window, that in another, that in the root aperture."""
    top = read_ranges(read_text(BOOT / "iomem.txt"))

    root = next(each for each in top if each.span == Span(0xC0000000, 0xFEBFFFFF))

    assert [each.name for each in root.walk()][:4] == ["PCI Bus 0000:00", "PCI Bus 0000:01", "PCI Bus 0000:02", "PCI Bus 0000:05"]
    assert len(top) == 18
    assert (root.is_bus, root.is_function, root.line) == (True, False, 18)


def test_apertures_are_the_ranges_of_the_root_bus_in_file_order() -> None:
    """The legacy VGA range is one of them."""
    found = outermost_buses(read_ranges(read_text(BOOT / "iomem.txt")))

    assert [each.span for each in found] == [
        Span(0xA0000, 0xBFFFF),
        Span(0x20000000, 0xAFFFFFFF),
        Span(0xC0000000, 0xFEBFFFFF),
        Span(0x100000000, 0x8FFFFFFFF),
    ]


def test_an_aperture_inside_a_firmware_range_is_found(tmp_path: Path) -> None:
    """Some firmware reserves the range that its host bridge forwards."""
    top = read(tmp_path, "e0000000-efffffff : Reserved\n  e0000000-efffffff : PCI Bus 0000:00\n")

    assert [each.line for each in outermost_buses(top)] == [2]


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
            "e0000000-efffffff : PCI\n    e0000000-e0000fff : x\n",
            ":2: indented deeper than the line above allows; lines are missing",
        ),
        (
            "  e0000000-efffffff : PCI\n      e0000000-e0000fff : x\n",
            ":2: indented deeper than the line above allows; lines are missing",
        ),
        ("2-1 : x\n", ":1: ends (0x1) before it starts (0x2)"),
        ("e0000000-eff", ':1: not `first-last : name`, indented by twos: "e0000000-eff"'),
        (
            "e0000000-efffffff : a\n   e0000000-efffffff : b\n",
            ':2: not `first-last : name`, indented by twos: "   e0000000-efffffff : b"',
        ),
        ("0-10000000000000000 : x\n", ':1: not `first-last : name`, indented by twos: "0-10000000000000000 : x"'),
    ],
)
def test_what_is_no_tree_of_ranges_is_refused_by_line(text: str, message: str, tmp_path: Path) -> None:
    """Read without being root, cut, or of more than 64 bits."""
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)

    assert str(caught.value) == f"{tmp_path}/iomem.txt{message}"


def test_zeros_are_what_others_than_root_see(tmp_path: Path) -> None:
    """Names and shape are there, addresses are not."""
    assert are_hidden(read(tmp_path, "00000000-00000000 : PCI Bus 0000:00\n  00000000-00000000 : x\n"))
    assert not are_hidden(read_ranges(read_text(BOOT / "iomem.txt")))
