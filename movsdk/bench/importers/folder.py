"""A dump as one value: every function with its bytes, its BARs, its driver and its place; and the machine round it.

Joins whatever was given of one moment. Makes no scenario of it; see `story`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from movsdk import pci_regs as regs
from movsdk.address import Bdf, SlotPath
from movsdk.bench.config_facts import dword, header_type, word
from movsdk.bench.importers import addresses, roots
from movsdk.bench.importers.dump_lines import At
from movsdk.bench.importers.gather import Evidence, gather
from movsdk.bench.importers.join import Joined, join
from movsdk.bench.importers.kept import facts_of
from movsdk.bench.importers.power_on import awake, is_asleep
from movsdk.bench.importers.sysfs_resource import DeviceResources, SysfsResource
from movsdk.bench.importers.virtual_functions import take_out
from movsdk.bench.scenario import Aperture, Facts, RamRange, Reserved
from movsdk.pci_regs import BarKind

_MOST_SAID: Final = 20
_KIND_BY_BITS: Final = {kind.low_bits: kind for kind in BarKind if kind is not BarKind.ROM}


@frozen
class DumpedFunction:
    """One function at one moment; `at` is where it is listed.

    `path` survives renumbering of buses; `resources` are what the kernel believed, `config` what the registers held; `sizes`
    those that a log tells of BARs without a place; `unsized` BARs whose size no source of this moment shows; `hotplug` None if
    only the bytes tell.
    """

    bdf: Bdf
    path: SlotPath
    config: bytes
    resources: DeviceResources
    driver: str
    at: At
    facts: Facts
    hotplug: bool | None = None
    sizes: Mapping[int, tuple[int, At]] = {}
    unsized: Mapping[int, At] = {}

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
    """One machine at one moment. `functions` in the dump's order; `notes` what was left out, assumed or strange, a line each.

    `cmdline`: the words about PCI on the kernel's command line, where a log has it.
    """

    folder: Path
    domain: int
    functions: Mapping[SlotPath, DumpedFunction]
    windows: tuple[Aperture, ...]
    ram: tuple[RamRange, ...]
    reserved: tuple[Reserved, ...]
    notes: tuple[str, ...] = ()
    cmdline: str = ""

    def at(self, bdf: Bdf) -> DumpedFunction:
        """The function with this address at this moment. Raises KeyError."""
        for function in self.functions.values():
            if function.bdf == bdf:
                return function
        raise KeyError(bdf)


def read_dump(paths: str | Path | Iterable[str | Path], root: str | None = None) -> Dump:
    """Read a folder, a file, an archive, or several of them that are one moment of one machine.

    Args:
        root: the root bus to take, as ``0000:40``, where there are several.

    Raises:
        BadInput: a file is missing, broken, or does not belong to the others; names file and line.
    """
    several = [paths] if isinstance(paths, str | Path) else list(paths)
    return dump_of(gather(Path(path) for path in several), root)


def dump_of(evidence: Evidence, root: str | None = None) -> Dump:
    """Join what was gathered. Raises `BadInput` as `read_dump` does."""
    functions = join(evidence)
    take_out(functions, evidence.notes)
    known = addresses.known_roots(evidence)
    wanted = roots.parse_root(root) if root is not None else None
    hidden = _buses_passed_over(evidence, functions)
    found, notes = roots.by_root(functions, known, hidden)
    evidence.notes += notes
    chosen, notes = roots.choose(found, functions, wanted, evidence.place, evidence.notes)
    evidence.notes += notes
    ours = {bdf: functions[bdf] for bdf in found[chosen]}
    around = addresses.around(evidence, chosen, ours)
    if chosen[1]:
        evidence.notes.append(
            f"bus numbers are told from {chosen[1]:02x} on: in the scenario root bus {roots.root_name(chosen)} is bus 00"
        )
    asleep = [bdf for bdf, one in ours.items() if is_asleep(one.config)]
    if asleep:
        more = f" and {len(asleep) - 1} more" if len(asleep) > 1 else ""
        evidence.notes.append(f"asleep in the dump (D1 to D3): {asleep[0]}{more}; played awake, as firmware hands them over")
    dumped = {path: _dumped(ours[bdf], path, chosen[1], evidence.notes) for bdf, path in found[chosen].items()}
    notes = [_printable(note) for note in (*evidence.notes, *_log_notes(evidence))]
    cmdline = evidence.dmesg.cmdline if evidence.dmesg is not None else ""
    return Dump(
        evidence.place, chosen[0], dumped, tuple(around.windows), around.ram, tuple(around.reserved), tuple(notes), cmdline
    )


def _dumped(one: Joined, path: SlotPath, root_bus: int, notes: list[str]) -> DumpedFunction:
    config = bytearray(awake(one.config))
    if header_type(one.config) == regs.HEADER_TYPE_BRIDGE and root_bus:
        for at in range(regs.PRIMARY_BUS, regs.SUBORDINATE_BUS + 1):
            config[at] = max(config[at] - root_bus, 0)
    for n, bar in enumerate(one.resources.bars):
        if bar.is_enhanced and n < regs.ROM_RESOURCE:
            kind = bar.kind
            register, size = regs.bar_register(n), 8 if kind.is_64bit else 4
            config[register : register + size] = (bar.start & ~0xF | kind.low_bits).to_bytes(size, "little")
            notes.append(f"{bar.at}: {one.bdf} BAR {n} is held by Enhanced Allocation; played as an ordinary BAR that is pinned")
    facts = facts_of(one, bytes(config), notes)
    return DumpedFunction(
        one.bdf, path, bytes(config), one.resources, one.driver, one.at, facts, one.hotplug, one.sizes, one.unsized
    )


def _buses_passed_over(evidence: Evidence, functions: Mapping[Bdf, Joined]) -> set[roots.Root]:
    """Secondary buses of CardBus bridges, which `join` left out."""
    found = set()
    configs = [(bdf, entry.config) for _path, entries in evidence.lspci for bdf, entry in entries.items()]
    configs += [(bdf, device.config) for bdf, device in evidence.sysfs.items()]
    for bdf, config in configs:
        if bdf not in functions and config and header_type(config) == 2:
            found.add((bdf.domain, config[regs.SECONDARY_BUS]))
    return found


def _printable(note: str) -> str:
    return note if note.isprintable() else "".join(char if char.isprintable() else "?" for char in note)


def _log_notes(evidence: Evidence) -> list[str]:
    log = evidence.dmesg
    if log is None:
        return []
    said = [f"{each.at}: the kernel said of {each.bdf}: {each.words}" for each in log.failures]
    more = [f"{evidence.dmesg_place}: the kernel said so of {len(said) - _MOST_SAID} more"] if len(said) > _MOST_SAID else []
    return [*log.remarks[:_MOST_SAID], *said[:_MOST_SAID], *more]
