"""Who holds an address of this BAR: kernel and user mappings, regions, firmware, peers, hidden owners.

A graph of edges from a holder to a BAR. Before a move all edges are good; one that still names the old place afterwards is stale.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from attrs import frozen

from movsdk.address import Span
from movsdk.bench.world import World
from movsdk.kernel.actor import show
from movsdk.kernel.device import Device
from movsdk.kernel.devres import held_by
from movsdk.pci_regs import ROM_RESOURCE


class Kind(Enum):
    """What sort of holder."""

    KERNEL = "kernel mapping"
    USER = "user mapping"
    REGION = "requested region"
    FIRMWARE = "firmware"
    PEER = "peer"
    HIDDEN = "hidden owner"
    IOMMU = "IOMMU entry"


@frozen
class Holder:
    """One edge: `who` holds `address` as an address of BAR `bar` of `device`, which is at `now` (None: nowhere)."""

    kind: Kind
    who: str
    device: str
    bar: int
    address: int
    now: Span | None

    @property
    def is_stale(self) -> bool:
        """Whether the address is not in the BAR any more."""
        return self.now is None or self.address not in self.now

    def __str__(self) -> str:
        state = f"STALE, the BAR is at {self.now or 'no address'}" if self.is_stale else "good"
        return f"{self.kind.value:<16} {self.who} -> {self.device} BAR {self.bar} at {self.address:#x}: {state}"


def holders_of(world: World, device: Device) -> tuple[Holder, ...]:
    """Every holder of an address of `device`, kernel first."""
    return (*_kernel(device), *_firmware(world, device), *_peers(world, device), *_hidden(device), *_mapped(device))


def _kernel(device: Device) -> Iterator[Holder]:
    held = held_by(device)
    if held is None:
        return
    for mapping in held.mappings:
        who = f"iomap() at {show(mapping.mapped_at)}"
        yield Holder(Kind.KERNEL, who, device.label, mapping.bar, mapping.address, device.bar_span(mapping.bar))
    for user in held.user_mappings:
        if user.address is not None:
            who = f"mmap() at {show(user.mapped_at)}"
            yield Holder(Kind.USER, who, device.label, user.bar, user.address, device.bar_span(user.bar))
    for region in held.regions:
        yield Holder(Kind.REGION, repr(region.owner), device.label, region.bar, region.span.start, device.bar_span(region.bar))


def _firmware(world: World, device: Device) -> Iterator[Holder]:
    for what, bar, address in _programmed(world, device.label):
        yield Holder(Kind.FIRMWARE, f"{what} of {device.label}", device.label, bar, address, device.bar_span(bar))


def _peers(world: World, device: Device) -> Iterator[Holder]:
    """Devices whose registers hold an address of this one (`DeviceModel.peer_addresses`)."""
    for function in world.machine:
        for what, label, bar, address in getattr(function.model, "peer_addresses", tuple)():
            if label == device.label and 0 <= bar < ROM_RESOURCE:
                yield Holder(Kind.PEER, f"{what} of {function.label}", label, bar, address, device.bar_span(bar))


def _hidden(device: Device) -> Iterator[Holder]:
    """The console on a display that firmware lit."""
    for each in device.system.framebuffers:
        if each.device is device:
            yield Holder(Kind.HIDDEN, each.name, device.label, each.bar, each.span.start, device.bar_span(each.bar))


def _mapped(device: Device) -> Iterator[Holder]:
    """Entries of the IOMMU that lead the DMA of others to this device."""
    for other in device.system.devices():
        held = held_by(other)
        for entry in held.resource_maps if held is not None else ():
            if entry.target is device:
                who = f"dma_map_resource() of {other.label} at {show(entry.mapped_at)}"
                yield Holder(Kind.IOMMU, who, device.label, entry.bar, entry.address, device.bar_span(entry.bar))


def _programmed(world: World, label: str) -> tuple[tuple[str, int, int], ...]:
    model = next((function.model for function in world.machine if function.label == label), None)
    return tuple(model.programmed_addresses()) if model is not None else ()
