"""Entries of the IOMMU that lead a device to another one's BAR.

Twin: ``dma_map_resource()`` and ``dma_unmap_resource()``. Bus addresses are what the CPU uses (an identity domain), so that an
entry translates nothing; it remembers where it leads, and a move of that BAR makes it stale: nobody but its driver rewrites it
(rule C22).
"""

from __future__ import annotations

import errno

from attrs import define, field

from movsdk.address import Span
from movsdk.errors import PciError
from movsdk.kernel.actor import Site, call_site
from movsdk.kernel.device import Device
from movsdk.kernel.devres import Holdings
from movsdk.layout.table import IO
from movsdk.pci_regs import ROM_RESOURCE


@define(eq=False)
class ResourceMap:
    """`span` in BAR `bar` of `target`, for the DMA of `device`; `address` is what that device uses."""

    device: Device
    target: Device
    bar: int
    span: Span
    mapped_at: Site = field(factory=call_site)

    @property
    def address(self) -> int:
        """First bus address."""
        return self.span.start

    @property
    def is_stale(self) -> bool:
        """Whether the BAR is not there any more."""
        now = self.target.bar_span(self.bar)
        return self.target.is_removed or now is None or not now.contains(self.span)

    def __str__(self) -> str:
        return f"IOMMU entry {self.span} -> BAR {self.bar} of {self.target}"


def map_resource(device: Device, held: Holdings, address: int, size: int) -> ResourceMap:
    """Let `device` reach `size` bytes from `address` on, which lie in one memory BAR.

    Raises:
        PciError: EINVAL, no BAR holds all of it.
    """
    for target in device.system.devices():
        for bar in range(ROM_RESOURCE):
            span = target.bar_span(bar)
            if span is None or target.resources[bar].flags & IO or size <= 0:
                continue
            if span.start <= address and address + size - 1 <= span.last:
                entry = ResourceMap(device, target, bar, Span(address, address + size - 1))
                held.resource_maps = [*held.resource_maps, entry]
                return entry
    raise PciError(
        errno.EINVAL,
        f"{device}: no memory BAR holds {size:#x} bytes at {address:#x}; map what resource_start() of the peer says now",
        device=device.label,
        address=address,
    )


def unmap_resource(device: Device, held: Holdings, entry: ResourceMap) -> None:
    """Give an entry back. Raises `PciError`: EINVAL (not one of `device`, or given back before)."""
    if not any(each is entry for each in held.resource_maps):
        raise PciError(errno.EINVAL, f"{device}: {entry} is not its own, or was given back before; unmap each once")
    held.resource_maps = [each for each in held.resource_maps if each is not entry]
