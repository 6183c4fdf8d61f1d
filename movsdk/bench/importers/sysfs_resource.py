"""Where each BAR and window lies, as sysfs ``resource`` files say: ``start last flags`` a line.

Twin: ``resource_show()`` in drivers/pci/pci-sysfs.c. A file holds 6 BARs and the ROM; then, on kernels with SR-IOV, 6 BARs of
virtual functions; then, for a bridge with a bus below, its windows.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from attrs import frozen

from movsdk import pci_regs as regs
from movsdk.address import Bdf
from movsdk.bench.importers.dump_lines import bad, read_lines
from movsdk.bench.place import show
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind

_FLAG_IO: Final = 0x100
_FLAG_MEM: Final = 0x200
_FLAG_PREFETCH: Final = 0x2000
_FLAG_64: Final = 0x100000
_FLAG_FIXED: Final = 0x10
_FLAG_ROM_SHADOW: Final = 0x2
_FLAG_UNSET: Final = 0x20000000
_LINES: Final = (7, 11, 13, 17)
_FIRST_WINDOW: Final = {11: 7, 13: 7, 17: 13}
_RESOURCE: Final = re.compile(r"0x([0-9a-fA-F]{1,16}) 0x([0-9a-fA-F]{1,16}) 0x([0-9a-fA-F]{1,16})")
_KINDS: Final = {
    (False, False): BarKind.MEM32,
    (True, False): BarKind.PREF32,
    (False, True): BarKind.MEM64,
    (True, True): BarKind.PREF64,
}


@frozen
class SysfsResource:
    """One line: `start` and `last` in bytes, the kernel's flags, and the line number."""

    start: int
    last: int
    flags: int
    line: int

    @property
    def exists(self) -> bool:
        """False for a BAR that is not there, or that the kernel wiped."""
        return self.flags != 0

    @property
    def size(self) -> int:
        """Bytes; an unassigned BAR keeps its size."""
        return self.last - self.start + 1

    @property
    def is_io(self) -> bool:
        """I/O ports rather than memory."""
        return bool(self.flags & _FLAG_IO)

    @property
    def is_pinned(self) -> bool:
        """IORESOURCE_PCI_FIXED: the platform says that it stays."""
        return bool(self.flags & _FLAG_FIXED)

    @property
    def is_unset(self) -> bool:
        """True if the kernel found no place for it and says so."""
        return bool(self.flags & _FLAG_UNSET)

    @property
    def is_shadow_rom(self) -> bool:
        """The copy of a video BIOS at 0xc0000 that stands in for a ROM; meaningful for number 6 only."""
        return bool(self.flags & _FLAG_ROM_SHADOW)

    @property
    def kind(self) -> BarKind:
        """What register this would be (ROMs aside, which look like memory)."""
        if self.is_io:
            return BarKind.IO
        return _KINDS[bool(self.flags & _FLAG_PREFETCH), bool(self.flags & _FLAG_64)]


@frozen
class DeviceResources:
    """All lines of one device: `bars` 0-5 and the ROM; `windows` I/O, memory and prefetchable, empty without a bus below."""

    bars: tuple[SysfsResource, ...]
    windows: tuple[SysfsResource, ...]
    line: int


def read_resources(path: Path) -> dict[Bdf, DeviceResources]:
    """Return the resources of every function.

    Raises:
        BadInput: not such a file, or cut off; names file and line.
    """
    found: dict[Bdf, DeviceResources] = {}
    device: tuple[Bdf, int] | None = None
    lines: list[SysfsResource] = []
    number = 0
    for number, line in read_lines(path):
        match = _RESOURCE.fullmatch(line)
        if match is not None:
            if device is None:
                raise bad(path, number, "a resource before any device")
            lines.append(_resource(path, number, [int(text, 16) for text in match.groups()]))
        elif line:
            bdf = _device(path, number, line)  # a broken resource is told as one, not as the end of the device
            _finish(path, number, device, lines, found)
            device, lines = (bdf, number), []
            if device[0] in found:
                raise bad(path, number, f"{device[0]} a second time")
    _finish(path, number, device, lines, found)
    if not found:
        raise bad(path, number, "no device")
    return found


def _device(path: Path, number: int, line: str) -> Bdf:
    if line.startswith("0x"):
        raise bad(path, number, f"not `start last flags`, each 0x and up to 16 digits: {show(line)}")
    try:
        return Bdf.parse(line)
    except BadInput:
        raise bad(path, number, f"neither a device nor a resource: {show(line)}") from None


def _resource(path: Path, number: int, numbers: list[int]) -> SysfsResource:
    start, last, flags = numbers
    if flags and last + 1 < start:
        raise bad(path, number, f"last {last:#x} lies below start {start:#x}")
    return SysfsResource(start, last, flags, number)


def _finish(
    path: Path, number: int, device: tuple[Bdf, int] | None, lines: list[SysfsResource], found: dict[Bdf, DeviceResources]
) -> None:
    if device is None:
        return
    if len(lines) not in _LINES:
        count = ", ".join(map(str, _LINES))
        raise bad(path, number, f"{device[0]} ends after {len(lines)} resources; there are {count}; the file is cut off")
    first = _FIRST_WINDOW.get(len(lines), len(lines))
    bars = regs.ROM_RESOURCE + 1
    found[device[0]] = DeviceResources(tuple(lines[:bars]), tuple(lines[first : first + 3]), device[1])
