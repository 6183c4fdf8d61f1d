"""Where the BARs and windows of one function are and how big: the first source that knows, checked against the others.

Order of trust: sysfs ``resource``, lspci's regions, /proc/iomem by the register, the log. See `join`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from movsdk import pci_regs as regs
from movsdk.address import Bdf, Span
from movsdk.bench.config_facts import header_type, pcie_type
from movsdk.bench.importers.capability_text import SRIOV
from movsdk.bench.importers.dump_lines import At
from movsdk.bench.importers.gather import Evidence
from movsdk.bench.importers.iomem import Range
from movsdk.bench.importers.registers import bar_addresses, find_extended
from movsdk.bench.importers.said import Said
from movsdk.bench.importers.sysfs_resource import DeviceResources, SysfsResource, absent, flags_of
from movsdk.pci_regs import BarKind

_BASE_CLASS: Final = 0x0B  # offset of the class' highest byte
_BRIDGES: Final = 0x06
_EXTENDED: Final = 4096
_VIDEO_BIOS: Final = 0xC0000  # a [virtual] ROM elsewhere is a BAR whose register the kernel has not written
_ROM_SIZES: Final = range(11, 25)  # powers of two: 2 KiB to 16 MiB


@frozen
class BarSources:
    """One function among all that was gathered: `config` as dumped or made, `said` in words, by lspci itself if `is_current`."""

    evidence: Evidence
    bdf: Bdf
    at: At
    config: bytes
    said: Said
    is_current: bool

    def resources(self, sizes: Mapping[int, tuple[int, At]]) -> DeviceResources:
        """Return the resources. `sizes`: what a log tells, by BAR number.

        Raises:
            BadInput: two sources put one BAR in two places; names both.
        """
        device = self.evidence.sysfs.get(self.bdf)
        told = [found[self.bdf] for _path, found in self.evidence.resources if self.bdf in found]
        if device is not None and device.resources is not None:
            told.insert(0, device.resources)
        worded = self._from_words(self.said) if self.said.bars or self.said.windows else None
        if told:
            for other in [*told[1:], *([worded] if worded is not None and self.is_current else [])]:
                self._check_same_resources(told[0], other)
            return told[0]
        nothing = DeviceResources((absent(self.at),) * 7, (), self.at)
        return self._with_sizes(self.config, worded if worded is not None else nothing, sizes)

    def _from_words(self, said: Said) -> DeviceResources:
        bars = [absent(said.at)] * 7
        for n, bar in said.bars.items():
            if bar.is_virtual and n != regs.ROM_RESOURCE:
                self.evidence.notes.append(
                    f"left out: {self.bdf} region {n} ({bar.at}): no register holds it ([virtual], or IDE's fixed ports)"
                )
            elif n < 7 and bar.size is not None:
                start = bar.start or 0
                flags = flags_of(bar.kind, is_placed=bar.start is not None, is_pinned=bar.is_pinned, is_enhanced=bar.is_pinned)
                shadow = 0x2 if bar.is_virtual and n == regs.ROM_RESOURCE and start == _VIDEO_BIOS else 0
                bars[n] = SysfsResource(start, start + bar.size - 1, flags | shadow, bar.at)
        windows = []
        for kind, flags in (("io", 0x100), ("mem", 0x200), ("pref", 0x2200)):
            window = said.windows.get(kind)
            if window is not None and window.start is not None and window.last is not None and window.start <= window.last:
                windows.append(
                    SysfsResource(window.start, window.last, flags | (0x100000 if window.width == 64 else 0), window.at)
                )
            else:
                windows.append(absent(said.at))
        return DeviceResources(tuple(bars), tuple(windows) if said.windows else (), said.at)

    def _check_same_resources(self, one: DeviceResources, other: DeviceResources) -> None:
        for n, (mine, theirs) in enumerate(zip(one.bars, other.bars, strict=True)):
            if (
                mine.exists
                and theirs.exists
                and mine.is_assigned
                and theirs.is_assigned
                and (mine.start, mine.last) != (theirs.start, theirs.last)
            ):
                name = "expansion ROM" if n == regs.ROM_RESOURCE else f"BAR {n}"
                held = f"[{theirs.start:#x}-{theirs.last:#x}], but [{mine.start:#x}-{mine.last:#x}] in {mine.at}"
                raise theirs.at.bad(f"{self.bdf} {name} is {held}; take all files at one moment")

    def _with_sizes(self, config: bytes, known: DeviceResources, sizes: Mapping[int, tuple[int, At]]) -> DeviceResources:
        """Add what the registers and /proc/iomem tell of BARs that no other source has, or for which it shows no size."""
        bars = list(known.bars)
        for n, kind, address in bar_addresses(config):
            if bars[n].exists or not address:
                continue
            found = self._range_at("ioports" if kind.is_io else "iomem", address)
            if found is not None:
                place, each = found
                bars[n] = SysfsResource(each.span.start, each.span.last, flags_of(kind, is_placed=True), place)
            elif n in sizes:
                size, at = sizes[n]
                bars[n] = SysfsResource(address, address + size - 1, flags_of(kind, is_placed=True), at)
        if not bars[regs.ROM_RESOURCE].exists and (rom := self._rom(bars)) is not None:
            place, each = rom
            bars[regs.ROM_RESOURCE] = SysfsResource(each.span.start, each.span.last, flags_of(BarKind.ROM, is_placed=True), place)
        return DeviceResources(tuple(bars), known.windows, known.at, known.virtual)

    def _rom(self, bars: list[SysfsResource]) -> tuple[At, Range] | None:
        """The expansion ROM by /proc/iomem alone: Linux places it, but writes its register only while somebody reads it.

        It is the one range of this function that no register holds. Quirks claim ranges of board devices, SR-IOV those of virtual
        functions; neither is a ROM.
        """
        is_bridge = header_type(self.config) == regs.HEADER_TYPE_BRIDGE
        is_board = self.config[_BASE_CLASS] == _BRIDGES and not is_bridge
        has_virtual = find_extended(self.config, SRIOV) or (pcie_type(self.config) is not None and len(self.config) < _EXTENDED)
        if "iomem" not in self.evidence.ranges or is_board or has_virtual:
            return None
        text, top = self.evidence.ranges["iomem"]
        starts = {bar.start for bar in bars if bar.exists}
        found = [
            each
            for outermost in top
            if outermost.is_bus
            for each in outermost.walk()
            if each.name == str(self.bdf) and each.span.start not in starts
        ]
        if len(found) != 1 or not _may_be_rom(found[0].span):
            return None
        return text.at(found[0].line), found[0]

    def _range_at(self, name: str, address: int) -> tuple[At, Range] | None:
        if name not in self.evidence.ranges:
            return None
        text, top = self.evidence.ranges[name]
        for each in top:
            if address in each.span:
                for inner in each.walk():
                    if inner.name == str(self.bdf) and inner.span.start == address:
                        return text.at(inner.line), inner
        return None


def _may_be_rom(span: Span) -> bool:
    size = span.last - span.start + 1
    return size in {1 << bits for bits in _ROM_SIZES} and span.start % size == 0
