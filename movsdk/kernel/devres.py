"""What a bound driver holds of its device, and giving it back when the driver goes.

Twin: ``devres`` in drivers/base/devres.c and ``pci_request_regions()``. Knows no hook; `binding` calls `release_all()`.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from movsdk.address import Span
from movsdk.errors import PciError
from movsdk.kernel.actor import NOWHERE, Site, show
from movsdk.kernel.device import Device
from movsdk.kernel.sanitizer import is_lost
from movsdk.layout.table import IO, UNSET
from movsdk.ops import DmaBuffer
from movsdk.pci_regs import ROM_RESOURCE
from movsdk.points import checkpoint, mention

if TYPE_CHECKING:
    from movsdk.kernel.iommu import ResourceMap
    from movsdk.kernel.mmio import IoMem
    from movsdk.kernel.user_mapping import UserMapping
    from movsdk.kernel.vector import Vector
    from movsdk.kernel.work import Work


@frozen
class Region:
    """One BAR that a driver asked for alone: `span` is where it was then, `owner` the driver's word for itself."""

    bar: int
    span: Span
    is_io: bool
    owner: str


@define(eq=False)
class Holdings:
    """Everything a driver must give back. `enables` counts its enable_device() less its disable_device() calls.

    A list here is replaced and never changed, so that who keeps one keeps what was held then.
    """

    regions: list[Region] = field(factory=list)
    mappings: list[IoMem] = field(factory=list)
    vectors: list[Vector] = field(factory=list)
    buffers: list[DmaBuffer] = field(factory=list)
    works: list[Work] = field(factory=list)
    user_mappings: list[UserMapping] = field(factory=list)
    resource_maps: list[ResourceMap] = field(factory=list)
    enables: int = 0
    enabled_at: Site = NOWHERE


def held_by(device: Device) -> Holdings | None:
    """What the driver of `device` holds, or None if it never looked at it."""
    return None if device.view is None else _held(device)


def _held(device: Device) -> Holdings:
    held: Holdings = device.view.held
    return held


def request_regions(device: Device, owner: str) -> None:
    """Claim every BAR of `device` for `owner`; all or nothing.

    Raises:
        PciError: ENODEV (gone), EBUSY (a BAR is unassigned, or somebody holds an address of it).
    """
    if is_lost(device):
        raise PciError(errno.ENODEV, f"{device}: cannot reserve its BARs, the device is gone", device=device.label)
    checkpoint(f"{device.label} request_regions", writes=(("regions",),))
    claimed: list[Region] = []
    for bar in range(ROM_RESOURCE):
        resource = device.resources[bar]
        if not resource.flags:
            continue
        span = device.bar_span(bar)
        if span is None or resource.flags & UNSET:
            raise PciError(
                errno.EBUSY,
                f"{device}: can't reserve BAR {bar}, its {resource.size:#x} bytes are not assigned; "
                "make room for it (rescan with movable BARs, or a larger window)",
                device=device.label,
                bar=bar,
            )
        region = Region(bar, span, bool(resource.flags & IO), owner)
        _refuse_busy(device, region)
        claimed.append(region)
    held = _held(device)
    held.regions = [*held.regions, *claimed]


def release_regions(device: Device) -> None:
    """Give all claimed BARs back; nothing claimed is fine."""
    checkpoint(f"{device.label} release_regions", writes=(("regions",),))
    _held(device).regions = []


def _refuse_busy(device: Device, wanted: Region) -> None:
    # A region that was not released before its BAR moved still blocks the old address, as the busy child does in Linux.
    for other in device.system.devices():
        held = held_by(other)
        for region in held.regions if held is not None else ():
            is_same = other is device and region.bar == wanted.bar
            if is_same or (region.is_io == wanted.is_io and region.span.overlaps(wanted.span)):
                raise PciError(
                    errno.EBUSY,
                    f"{device}: can't reserve BAR {wanted.bar} {wanted.span}, {region.owner!r} holds {region.span} "
                    f"as BAR {region.bar} of {other}; release_regions() first (in rescan_prepare, before a BAR moves)",
                    device=device.label,
                    bar=wanted.bar,
                    holder=other.label,
                )


def release_all(device: Device) -> list[str]:
    """Take back what the driver left. Returns one line for each thing that it should have given back itself."""
    held = held_by(device)
    if held is None:
        return []
    notes = [f"{mapping} is still open; iounmap() it" for mapping in held.mappings]
    for mapping in held.mappings:
        mapping.revoke()
    held.mappings = []
    notes += [f"{mapping} is still there; close() it" for mapping in held.user_mappings]
    for user in held.user_mappings:
        user.zap()
    held.user_mappings = []
    notes += [
        f"{entry} is still there; dma_unmap_resource() it (mapped at {show(entry.mapped_at)})" for entry in held.resource_maps
    ]
    held.resource_maps = []
    for work in held.works:
        notes.append(f"{work} is still queued; cancel() it (queued at {show(work.queued_at)})")
        work.cancel()
    held.works = []
    notes += _release_vectors(device, held)
    mention(f"{device.label} R what its driver holds", (("dma",),), (("regions",),))
    for buffer in held.buffers:
        notes.append(f"DMA buffer of {buffer.size:#x} bytes at {buffer.address:#x} leaked; dma_free_coherent() it")
        device.system.ops.free_coherent(buffer)
    held.buffers = []
    if held.regions:
        notes.append("regions of BAR " + ", ".join(str(region.bar) for region in held.regions) + " are still reserved")
        held.regions = []
    return notes


def _release_vectors(device: Device, held: Holdings) -> list[str]:
    if not held.vectors or device.system.irq is None:
        return []
    names = [f"irq {vector.index} ({vector.name or 'unnamed'})" for vector in held.vectors if vector.handler is not None]
    notes = [f"{len(held.vectors)} interrupt vectors are still allocated; free_irq_vectors() them"]
    if names:
        notes.append(", ".join(names) + " still has a handler; free_irq() it")
    device.system.irq.free_vectors(device)
    return notes
