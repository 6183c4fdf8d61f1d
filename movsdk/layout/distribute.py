"""Spread the space of a hot-plug bridge over the bridges behind it, before a hot-add is placed.

Twin: ``pci_bus_distribute_available_resources()`` in drivers/pci/setup-bus.c (linux-5.10), slips included. Pure; unpatched
kernel only.
"""

from __future__ import annotations

from attrs import define

from movsdk.layout.sizing import Extras
from movsdk.layout.table import IO, M64, MEM, MEM_64, PREF, Resource, Row, Segment, align_up


@define
class Share:
    """A copy of a window: what is left of it for those behind."""

    start: int
    last: int
    is_64bit: bool = False

    @property
    def size(self) -> int:
        """Bytes, modulo 2^64."""
        return (self.last - self.start + 1) & M64

    def copy(self) -> Share:
        """An independent copy."""
        return Share(self.start, self.last, self.is_64bit)


def distribute(bridge: Row, extras: Extras) -> None:
    """Give every bridge below the hot-plug `bridge` its part. Sizes of unassigned windows change; entries of `extras` go."""
    if bridge.child is None or not bridge.is_hotplug:
        return
    shares = [Share(window.start, window.last, bool(window.flags & MEM_64)) for window in bridge.windows]
    _spread(bridge.child, extras, shares)


def _spread(segment: Segment, extras: Extras, shares: list[Share]) -> None:
    bridge = segment.bridge
    if bridge is None:
        return
    for window, share in zip(bridge.windows, shares, strict=True):
        if window.parent is None and window.alignment:
            share.start = min(align_up(share.start, window.alignment), (share.last + 1) & M64)
    for window, share in zip(bridge.windows, shares, strict=True):
        _adjust(window, share, extras)
    bridges = [row for row in segment.rows if row.is_bridge]
    hotplug = sum(row.is_hotplug for row in bridges)
    if not bridges:
        return
    for row in segment.rows:
        for resource in row.resources:
            _subtract(resource, shares)
    each = [share.size // (hotplug or len(bridges)) for share in shares]
    for row in bridges:
        if row.child is None or (hotplug and not row.is_hotplug):
            continue
        for window, share, part in zip(row.windows, shares, each, strict=True):
            align = window.alignment
            share.last = (share.start + (part & -align if align else part) - 1) & M64
            share.start = (share.start - window.size) & M64
        _spread(row.child, extras, [share.copy() for share in shares])
        for share in shares:
            share.start = (share.start + share.last + 1) & M64  # the kernel adds where it means to replace


def _adjust(window: Resource, share: Share, extras: Extras) -> None:
    """Make an unassigned window as big as its share, larger or smaller (``adjust_bridge_window()``)."""
    if window.parent is not None or not share.size or share.size == window.size:
        return
    window.set_span(window.start, window.start + share.size - 1)
    extras[:] = [extra for extra in extras if extra.resource is not window]


def _subtract(resource: Resource, shares: list[Share]) -> None:
    """Take what a resource on the bus needs out of the share of its kind (``remove_dev_resource()``)."""
    size = resource.size
    if not size:
        return
    flags = resource.flags
    if flags & IO:
        share = shares[0]
    elif flags & MEM:
        is_pref = flags & PREF and bool(flags & MEM_64) == shares[2].is_64bit
        share = shares[2] if is_pref else shares[1]
    else:
        return
    align = resource.alignment
    skipped = (align_up(share.start, align) - share.start) & M64 if align else 0
    share.start = min((share.start + skipped + size) & M64, (share.last + 1) & M64)
