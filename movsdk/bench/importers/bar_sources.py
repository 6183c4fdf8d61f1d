"""Where the BARs and windows of one function are and how big: the first source that knows, checked against the others.

Order of trust: sysfs ``resource``, lspci's regions, /proc/iomem by the register, the log. See `join`.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from movsdk import pci_regs as regs
from movsdk.address import Bdf
from movsdk.bench.importers.dump_lines import At
from movsdk.bench.importers.gather import Evidence
from movsdk.bench.importers.iomem import Range
from movsdk.bench.importers.registers import bar_addresses
from movsdk.bench.importers.said import Said
from movsdk.bench.importers.sysfs_resource import DeviceResources, SysfsResource, absent, flags_of


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
                self.evidence.notes.append(f"left out: {self.bdf} region {n} ({bar.at}): no register holds it ([virtual])")
            elif n < 7 and bar.size is not None:
                start = bar.start or 0
                flags = flags_of(bar.kind, is_placed=bar.start is not None, is_pinned=bar.is_pinned, is_enhanced=bar.is_pinned)
                shadow = 0x2 if bar.is_virtual and n == regs.ROM_RESOURCE else 0
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
        return DeviceResources(tuple(bars), known.windows, known.at, known.virtual)

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
