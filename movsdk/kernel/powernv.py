"""POWER8 on bare metal (PowerNV, PHB3): a partitionable endpoint (PE) for each bus, and the EEH address cache.

Twin: arch/powerpc/platforms/powernv/pci-ioda.c, arch/powerpc/kernel/eeh_cache.c, and what the series changes there (v2 patch 19 =
v5 17, v5 18, v6 23). From reading: no recorded kernel ran it. No PE is reserved for firmware, none spans several buses (PCIe to
PCI bridges), windows of the root port are not extended to the whole aperture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from attrs import define, field

from movsdk.address import Span
from movsdk.kernel.arch import ArchHooks, Granules, Platform, PlatformCrash
from movsdk.layout.table import IO, MEG, MEM_64, PAGE_4K, PREF, UNSET, Resource
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.trace import What

if TYPE_CHECKING:
    from movsdk.kernel.device import Bus, Device
    from movsdk.kernel.system import System

SEGMENTS: Final = 256
SKIPS_UNSET: Final = "skips-unset"  # v2 19, v5 17: a BAR without an address is not mapped to a PE
EEH_CACHE: Final = "eeh-cache"  # v5 18: a device is out of the address cache while its BARs move
RENEWS_PES: Final = "renews-pes"  # v6 23: PEs are released before the move and made anew after it


def segment_size(aperture: Resource) -> int:
    """Bytes of one of the 256 equal pieces of an aperture."""
    return max(aperture.size // SEGMENTS, 1)


def _is_m64(resource: Resource) -> bool:
    return bool(resource.flags & PREF and resource.flags & MEM_64)


def segment_granules(apertures: Sequence[Resource]) -> Granules:
    """No two bridges may share a segment: windows are as coarse as the segments of their aperture, in bytes."""
    io, mem, pref = PAGE_4K, MEG, 0
    for aperture in apertures:
        size = segment_size(aperture)
        if aperture.flags & IO:
            io = max(io, size)
        elif _is_m64(aperture):
            pref = max(pref, size)
        else:
            mem = max(mem, size)
    return io, mem, max(pref, MEG) if pref else mem


@define(eq=False)
class Segments:
    """Which PE each segment of `aperture` belongs to. `is_m64`: segment i is PE i, fixed; else there is a table to fill."""

    aperture: Resource
    owners: list[int | None] = field(factory=lambda: [None] * SEGMENTS, repr=False)

    @property
    def is_m64(self) -> bool:
        """64-bit prefetchable: nothing to program."""
        return _is_m64(self.aperture)

    def of(self, resource: Resource) -> range:
        """The segments that a resource inside the aperture lies in."""
        size = segment_size(self.aperture)
        first, last = (resource.start - self.aperture.start) // size, (resource.last - self.aperture.start) // size
        return range(first, min(last, SEGMENTS - 1) + 1)


class AddressCache:
    """Whose address is that? What EEH asks when a read returns all-ones (``eeh_addr_cache_get_dev()``)."""

    def __init__(self) -> None:
        self._entries: dict[Device, list[Span]] = {}

    def insert(self, device: Device) -> None:
        """Enter the BARs of a device that is no bridge, as they are now; what has no address is left out."""
        if not device.row.is_bridge:
            spans = [Span(r.start, r.last) for r in device.resources[:BRIDGE_RESOURCES] if r.flags and r.start]
            self._entries[device] = spans

    def remove(self, device: Device) -> None:
        """Forget a device."""
        self._entries.pop(device, None)

    def find(self, address: int) -> Device | None:
        """The device that EEH blames for `address`."""
        return next((device for device, spans in self._entries.items() if any(address in span for span in spans)), None)

    def stale(self) -> list[tuple[Device, Span]]:
        """Entries of BARs that are elsewhere now: EEH would blame the wrong device."""
        return [
            (device, span)
            for device, spans in self._entries.items()
            for span in spans
            if not any((r.start, r.last) == (span.start, span.last) for r in device.resources[:BRIDGE_RESOURCES])
        ]


class Phb(ArchHooks):
    """The books of one host bridge: `pes` by bus, `segments` by aperture, the address cache `eeh`."""

    def __init__(self, system: System, patches: frozenset[str]) -> None:
        super().__init__()
        self.system = system
        self.patches = patches
        self.segments = [Segments(aperture) for aperture in system.root.segment.windows]
        self.pes: dict[Bus, int] = {}
        self.eeh = AddressCache()

    # --- what the kernel tells --------------------------------------------------------------------------------
    def added(self, device: Device) -> None:
        """EEH learns of the device."""
        self.eeh.insert(device)

    def boot_assigned(self) -> None:
        """EEH learns where everybody is: when they were added at boot nobody had a place."""
        for device in self.system.devices():
            self.eeh.insert(device)

    def removed(self, device: Device) -> None:
        """EEH forgets it; the last one on a bus takes its PE along."""
        self.eeh.remove(device)
        if device.bus.devices == [device]:
            self._release(device.bus)

    def paused(self, device: Device) -> None:
        """v5 18."""
        if EEH_CACHE in self.patches:
            self.eeh.remove(device)

    def resuming(self, device: Device) -> None:
        """v5 18; a newcomer comes in when it is added."""
        if EEH_CACHE in self.patches and device.row.is_added:
            self.eeh.insert(device)

    def all_paused(self) -> None:
        """v6 23."""
        if RENEWS_PES in self.patches:
            for bus in list(self.pes):
                self._release(bus)

    def bridge_set_up(self, bridge: Device) -> None:
        """Give the bus behind `bridge` a PE if it has none. One that has keeps it with its segments, wherever its BARs went."""
        root, bus = self.system.root, bridge.subordinate
        if root not in self.pes:
            self._set_up(root)
        if bus is not None and bus.devices and bus not in self.pes:
            self._set_up(bus)

    # --- PEs ------------------------------------------------------------------------------------------------------
    def _set_up(self, bus: Bus) -> None:
        used = [segment for table in self.segments if table.is_m64 for segment in self._used(table, bus)]
        label = bus.bridge.label if bus.bridge is not None else "kernel"
        pe = min(used) if used else self._free_pe()
        if pe is None:
            self.system.trace.add(What.NOTE, label, f"{bus}: no PE is left, so no error there can be told from others")
            return
        self.pes[bus] = pe
        for device in bus.devices:
            for resource in device.resources[:BRIDGE_RESOURCES]:
                self._map(device, resource, pe)
        self.system.trace.add(What.NOTE, label, f"{bus}: PE#{pe:x}")

    def _used(self, table: Segments, bus: Bus) -> set[int]:
        """Segments of a table that BARs on `bus` lie in now."""
        found: set[int] = set()
        for device in bus.devices:
            for resource in device.resources[:BRIDGE_RESOURCES]:
                if resource.flags and resource.parent is not None and _holds(table.aperture, resource):
                    found.update(table.of(resource))
        return found

    def _free_pe(self) -> int | None:
        """The highest PE that nobody has and that no 64-bit segment in use stands for; None if all 256 are taken."""
        taken = set(self.pes.values())
        for table in self.segments:
            taken.update(segment for segment, pe in enumerate(table.owners) if pe is not None and table.is_m64)
        return next((pe for pe in reversed(range(SEGMENTS)) if pe not in taken), None)

    def _map(self, device: Device, resource: Resource, pe: int) -> None:
        """Enter one BAR into its segment table, as pnv_ioda_setup_pe_res() does."""
        if not resource.flags or (SKIPS_UNSET in self.patches and resource.flags & UNSET):
            return
        table = next((table for table in self.segments if _holds(table.aperture, resource)), None)
        if table is None:
            self._crash(device, resource, pe)
            return
        for segment in table.of(resource):
            table.owners[segment] = pe

    def _crash(self, device: Device, resource: Resource, pe: int) -> None:
        why = "it is unset" if resource.flags & UNSET else "it has no place"
        text = (
            f"BAR {resource.index} at {resource.start:#x} is in no aperture ({why}): mapping it to PE#{pe:x} "
            "writes beyond the segment table, and the kernel crashes (patch 19 leaves unset BARs out)"
        )
        if all((crash.device, crash.index) != (device.label, resource.index) for crash in self.crashes):
            crash = PlatformCrash(device.label, resource.index, text)
            self.crashes.append(crash)
            self.system.trace.add(What.FAULT, device.label, text, crash)

    def _release(self, bus: Bus) -> None:
        pe = self.pes.pop(bus, None)
        for table in self.segments:
            table.owners = [None if owner == pe else owner for owner in table.owners]

    def misled(self) -> list[tuple[Device, int]]:
        """BARs, as (device, number), that lie in a segment of another PE or of none: an error there freezes a stranger."""
        found = []
        for bus, pe in self.pes.items():
            for device in bus.devices:
                for resource in device.resources[:BRIDGE_RESOURCES]:
                    table = next((t for t in self.segments if resource.flags and _holds(t.aperture, resource)), None)
                    if table is not None and any(table.owners[segment] != pe for segment in table.of(resource)):
                        found.append((device, resource.index))
        return found


def _holds(aperture: Resource, resource: Resource) -> bool:
    return bool(aperture.flags & IO) == bool(resource.flags & IO) and aperture.contains(resource)


POWERNV: Final = Platform(
    name="powernv",
    about="POWER8 on bare metal: 256-segment apertures, a PE for each bus, everything assigned anew",
    min_mem=0x1000_0000,
    claims_firmware=False,
    forgets_firmware=True,
    reads_windows=False,
    granules=segment_granules,
    hooks=Phb,
)
