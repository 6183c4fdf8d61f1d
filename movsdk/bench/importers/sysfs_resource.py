"""Where each BAR and window lies, as sysfs ``resource`` files say: ``start last flags`` a line.

Twin: ``resource_show()`` in drivers/pci/pci-sysfs.c. A file holds 6 BARs and the ROM; then, on kernels with SR-IOV, 6 BARs of
virtual functions; then, for a bridge with a bus below, its windows.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

from movsdk import pci_regs as regs
from movsdk.address import Bdf
from movsdk.bench.importers.dump_lines import At, Text
from movsdk.bench.place import show
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind

_FLAG_IO: Final = 0x100
_FLAG_MEM: Final = 0x200
_FLAG_PREFETCH: Final = 0x2000
_FLAG_64: Final = 0x100000
_FLAG_FIXED: Final = 0x10
_FLAG_ENHANCED: Final = 0x20
_FLAG_ROM_SHADOW: Final = 0x2
_FLAG_UNSET: Final = 0x20000000
_LINES: Final = (7, 11, 13, 17)
_FIRST_WINDOW: Final = {11: 7, 17: 13}
_RESOURCE: Final = re.compile(r"0x([0-9a-fA-F]{1,16}) 0x([0-9a-fA-F]{1,16}) 0x([0-9a-fA-F]{1,16})")
_KINDS: Final = {
    (False, False): BarKind.MEM32,
    (True, False): BarKind.PREF32,
    (False, True): BarKind.MEM64,
    (True, True): BarKind.PREF64,
}


@frozen
class SysfsResource:
    """One line: `start` and `last` in bytes, the kernel's flags, and where it stands."""

    start: int
    last: int
    flags: int
    at: At

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
    def is_assigned(self) -> bool:
        """True if the kernel believes that it has an address."""
        return self.exists and not self.is_unset and self.last > self.start and self.start != 0

    @property
    def is_enhanced(self) -> bool:
        """IORESOURCE_PCI_EA_BEI: an Enhanced Allocation entry holds it, no register does."""
        return bool(self.flags & _FLAG_ENHANCED)

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
    """All lines of one device: `bars` 0-5 and the ROM, `virtual` those of virtual functions, `windows` I/O, memory, prefetchable.

    `virtual` is empty on kernels without SR-IOV, `windows` without a bus below.
    """

    bars: tuple[SysfsResource, ...]
    windows: tuple[SysfsResource, ...]
    at: At
    virtual: tuple[SysfsResource, ...] = ()


def absent(at: At) -> SysfsResource:
    """A resource that does not exist."""
    return SysfsResource(0, 0, 0, at)


def flags_of(kind: BarKind, *, is_placed: bool, is_pinned: bool = False, is_enhanced: bool = False) -> int:
    """The kernel's flags of a BAR of this kind, as far as this module reads them back."""
    if kind is BarKind.IO:
        word = _FLAG_IO | 1
    else:
        word = _FLAG_MEM | (_FLAG_PREFETCH if kind.is_prefetchable else 0) | (_FLAG_64 if kind.is_64bit else 0)
    word |= _FLAG_ENHANCED if is_enhanced else 0
    return word | (_FLAG_FIXED if is_pinned else 0) | (0 if is_placed else _FLAG_UNSET)


def read_resources(text: Text) -> dict[Bdf, DeviceResources]:
    """Return the resources of every function: a line with the address, then its file.

    Raises:
        BadInput: not such a file, or cut off; names file and line.
    """
    found: dict[Bdf, DeviceResources] = {}
    device: tuple[Bdf, int] | None = None
    lines: list[SysfsResource] = []
    number = 0
    for number, line in text:
        match = _RESOURCE.fullmatch(line)
        if match is not None:
            if device is None:
                raise text.bad(number, "a resource before any device")
            lines.append(_resource(text.at(number), match))
        elif line:
            bdf = _device(text, number, line)  # a broken resource is told as one, not as the end of the device
            _finish(text, number, device, lines, found)
            device, lines = (bdf, number), []
            if bdf in found:
                raise text.bad(number, f"{bdf} a second time")
    _finish(text, number, device, lines, found)
    if not found:
        raise text.bad(number, "no device")
    return found


def read_resource_file(text: Text, bdf: Bdf) -> DeviceResources:
    """Return the resources of one function: its ``resource`` file as sysfs has it. Raises `BadInput`."""
    lines = []
    for number, line in text:
        match = _RESOURCE.fullmatch(line)
        if match is not None:
            lines.append(_resource(text.at(number), match))
        elif line.strip("\0"):
            raise text.bad(number, f"not `start last flags`, each 0x and up to 16 digits: {show(line)}")
    return _joined(text, len(text.lines), bdf, 1, lines)


def _device(text: Text, number: int, line: str) -> Bdf:
    if line.startswith("0x"):
        raise text.bad(number, f"not `start last flags`, each 0x and up to 16 digits: {show(line)}")
    try:
        return Bdf.parse(line)
    except BadInput:
        raise text.bad(number, f"neither a device nor a resource: {show(line)}") from None


def _resource(at: At, match: re.Match[str]) -> SysfsResource:
    start, last, flags = (int(word, 16) for word in match.groups())
    if flags and last + 1 < start:
        raise at.bad(f"last {last:#x} lies below start {start:#x}")
    return SysfsResource(start, last, flags, at)


def _finish(
    text: Text, number: int, device: tuple[Bdf, int] | None, lines: list[SysfsResource], found: dict[Bdf, DeviceResources]
) -> None:
    if device is not None:
        found[device[0]] = _joined(text, number, device[0], device[1], lines)


def _joined(text: Text, number: int, bdf: Bdf, line: int, lines: list[SysfsResource]) -> DeviceResources:
    if len(lines) not in _LINES:
        count = ", ".join(map(str, _LINES))
        raise text.bad(number, f"{bdf} ends after {len(lines)} resources; there are {count}; the file is cut off")
    bars = regs.ROM_RESOURCE + 1
    first = _FIRST_WINDOW.get(len(lines), len(lines))
    virtual = tuple(lines[bars : bars + 6]) if len(lines) in (13, 17) else ()
    return DeviceResources(tuple(lines[:bars]), tuple(lines[first : first + 3]), text.at(line), virtual)
