"""A dump folder as one value: every function with its bytes, its BARs, its driver and its place; and the machine round it.

Joins the five files and checks that they were taken at one moment. Makes no scenario of it; see `story`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from movsdk import pci_regs as regs
from movsdk.address import Bdf, SlotPath, Span
from movsdk.bench.config_facts import dword, header_type, word
from movsdk.bench.importers import iomem
from movsdk.bench.importers.drivers import read_drivers
from movsdk.bench.importers.dump_lines import bad
from movsdk.bench.importers.lspci_dump import LspciEntry, read_lspci
from movsdk.bench.importers.sysfs_resource import DeviceResources, SysfsResource, read_resources
from movsdk.bench.scenario import Aperture, RamRange, Reserved
from movsdk.errors import BadInput
from movsdk.pci_regs import BarKind

LSPCI: Final = "lspci-xxxx.txt"
RESOURCE: Final = "resource.txt"
IOMEM: Final = "iomem.txt"
IOPORTS: Final = "ioports.txt"
DRIVERS: Final = "drivers.txt"
_KIND_BY_BITS: Final = {kind.low_bits: kind for kind in BarKind if kind is not BarKind.ROM}


@frozen
class DumpedFunction:
    """One function at one moment; `line` is where lspci's dump has it.

    `path` survives renumbering of buses; `resources` are what the kernel believed, `config` what the registers held.
    """

    bdf: Bdf
    path: SlotPath
    config: bytes
    resources: DeviceResources
    driver: str
    line: int

    @property
    def is_bridge(self) -> bool:
        """True for header type 1."""
        return header_type(self.config) == regs.HEADER_TYPE_BRIDGE

    @property
    def ids(self) -> tuple[int, ...]:
        """Vendor and device, and those of the subsystem where the header has them."""
        ids = (word(self.config, regs.VENDOR_ID), word(self.config, regs.DEVICE_ID))
        return ids if self.is_bridge else (*ids, *(word(self.config, at) for at in (regs.SUBSYSTEM_VENDOR_ID, regs.SUBSYSTEM_ID)))

    @property
    def buses(self) -> tuple[int, int, int]:
        """Primary, secondary and subordinate bus number of a bridge."""
        primary, secondary, subordinate = self.config[regs.PRIMARY_BUS : regs.SUBORDINATE_BUS + 1]
        return primary, secondary, subordinate

    def bar_registers(self) -> Iterator[tuple[int, int, BarKind, SysfsResource]]:
        """Yield (number, register, kind by its type bits, resource) of each BAR slot; upper halves are not slots of their own."""
        number, count = 0, 2 if self.is_bridge else 6
        while number < count:
            register = dword(self.config, regs.bar_register(number))
            kind = _KIND_BY_BITS.get(register & (0x3 if register & 1 else 0xF), BarKind.MEM32)
            yield number, register, kind, self.resources.bars[number]
            number += 2 if kind.is_64bit and number + 1 < count else 1
        rom = regs.ROM_RESOURCE
        yield rom, dword(self.config, regs.bar_register(rom, self.is_bridge)), BarKind.ROM, self.resources.bars[rom]


@frozen
class Dump:
    """One machine at one moment. `functions` in the dump's order."""

    folder: Path
    domain: int
    functions: Mapping[SlotPath, DumpedFunction]
    windows: tuple[Aperture, ...]
    ram: tuple[RamRange, ...]
    reserved: tuple[Reserved, ...]

    def at(self, bdf: Bdf) -> DumpedFunction:
        """The function with this address at this moment. Raises KeyError."""
        for function in self.functions.values():
            if function.bdf == bdf:
                return function
        raise KeyError(bdf)

    def bad(self, file: str, line: int, problem: str) -> BadInput:
        """The error for a line of one of the files."""
        return bad(self.folder / file, line, problem)


def read_dump(folder: str | Path) -> Dump:
    """Read the five files of `folder`.

    Raises:
        BadInput: a file is missing, broken, or does not belong to the others; names file and line.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput(f"{folder}: is no folder; a dump is a folder with {', '.join((LSPCI, RESOURCE, IOMEM, IOPORTS, DRIVERS))}")
    entries = read_lspci(folder / LSPCI)
    resources = read_resources(folder / RESOURCE)
    drivers = read_drivers(folder / DRIVERS)
    _check_same_devices(folder, entries, resources, drivers)
    domain = _one_domain(folder, entries)
    _check_headers(folder, entries)
    paths = _paths(folder, entries)
    functions = {
        paths[bdf]: DumpedFunction(bdf, paths[bdf], entry.config, resources[bdf], drivers[bdf], entry.line)
        for bdf, entry in entries.items()
    }
    windows, ram, reserved = _addresses(folder, domain, functions)
    return Dump(folder, domain, functions, windows, ram, reserved)


def _check_same_devices(
    folder: Path, entries: Mapping[Bdf, LspciEntry], resources: Mapping[Bdf, DeviceResources], drivers: Mapping[Bdf, str]
) -> None:
    for name, others in ((RESOURCE, resources.keys()), (DRIVERS, drivers.keys())):
        for bdf, entry in entries.items():
            if bdf not in others:
                raise BadInput(f"{folder / name}: has no {bdf}, which {LSPCI}:{entry.line} has; take all files at one moment")
        for bdf in others:
            if bdf not in entries:
                raise BadInput(f"{folder / LSPCI}: has no {bdf}, which {name} has; the dump is cut off or of another moment")


def _one_domain(folder: Path, entries: Mapping[Bdf, LspciEntry]) -> int:
    first = next(iter(entries))
    for bdf, entry in entries.items():
        if bdf.domain != first.domain:
            problem = f"{bdf} is in another domain than {first}; a scenario is one domain, leave the others out of all files"
            raise bad(folder / LSPCI, entry.line, problem)
    return first.domain


def _check_headers(folder: Path, entries: Mapping[Bdf, LspciEntry]) -> None:
    for bdf, entry in entries.items():
        if header_type(entry.config) not in (regs.HEADER_TYPE_NORMAL, regs.HEADER_TYPE_BRIDGE):
            problem = f"{bdf} has header type {header_type(entry.config)}; only endpoints (0) and PCI bridges (1) can be played"
            raise bad(folder / LSPCI, entry.line, problem)


def _paths(folder: Path, entries: Mapping[Bdf, LspciEntry]) -> dict[Bdf, SlotPath]:
    """Name each function by the slots above it, found by secondary bus numbers."""
    owners: dict[int, Bdf] = {}
    for bdf, entry in entries.items():
        secondary = entry.config[regs.SECONDARY_BUS]
        if header_type(entry.config) != regs.HEADER_TYPE_BRIDGE or not secondary:
            continue
        if secondary in owners:
            raise bad(folder / LSPCI, entry.line, f"{bdf} and {owners[secondary]} both lead to bus {secondary:02x}")
        owners[secondary] = bdf
    return {bdf: _path(folder, bdf, entry.line, owners) for bdf, entry in entries.items()}


def _path(folder: Path, bdf: Bdf, line: int, owners: Mapping[int, Bdf]) -> SlotPath:
    slots = [bdf.slot]
    bus = bdf.bus
    while bus:
        if bus not in owners:
            problem = f"{bdf} is on bus {bus:02x}, to which no bridge leads; only what hangs on root bus 00 can be played"
            raise bad(folder / LSPCI, line, f"{problem}, leave other host bridges out of all files")
        above = owners[bus]
        slots.append(above.slot)
        bus = above.bus
        if len(slots) > len(owners) + 1:
            raise bad(folder / LSPCI, line, f"{bdf} sits below a circle of bridges; the bus numbers cannot be right")
    return SlotPath(bdf.domain, tuple(reversed(slots)))


def _addresses(
    folder: Path, domain: int, functions: Mapping[SlotPath, DumpedFunction]
) -> tuple[tuple[Aperture, ...], tuple[RamRange, ...], tuple[Reserved, ...]]:
    """Apertures, RAM map and busy pieces out of iomem and ioports.

    A memory aperture is ``mem`` wherever it lies: the kernel makes plain MEM resources of q35's _CRS, with neither the
    prefetchable nor the 64-bit flag. 64-bit windows still land above 4 GiB, since a 64-bit resource takes any memory window
    in its last attempt, and looks above 4 GiB first (linux-base.md §4.3 C): as q35-v9/1ivshmem64_dn1 shows.
    """
    root = f"PCI Bus {domain:04x}:00"
    bars = {
        (str(function.bdf), Span(bar.start, bar.last))
        for function in functions.values()
        for bar in function.resources.bars
        if bar.exists and bar.last >= bar.start
    }
    windows: list[Aperture] = []
    reserved: list[Reserved] = []
    ram: tuple[RamRange, ...] = ()
    for name, kind in ((IOPORTS, "io"), (IOMEM, "mem")):
        top = iomem.read_ranges(folder / name)
        found = iomem.apertures(folder / name, top, root)
        windows += [Aperture(kind, each.span) for each in found]
        reserved += [Reserved(kind, each.span, each.name) for each in iomem.busy(found, bars)]
        ram = tuple(RamRange(each.span, each.name) for each in top if not each.is_bus)
    return tuple(windows), ram, tuple(reserved)
