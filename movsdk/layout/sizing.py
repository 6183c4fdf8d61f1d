"""Pass 1, bottom-up: how big must each bridge window be?

Twin: ``__pci_bus_size_bridges()``, ``pbus_size_io()``, ``pbus_size_mem()`` in drivers/pci/setup-bus.c; RFC patches 8, 9 and 11
enter through `SizingRules`. Chooses no addresses; see `placing`.
"""

from __future__ import annotations

from typing import Protocol

from attrs import define

from movsdk.layout.table import (
    IO,
    MEG,
    MEM,
    MEM_64,
    PAGE_4K,
    PREF,
    STARTALIGN,
    Reserve,
    Resource,
    Row,
    Segment,
    align_up,
    find_window,
)

_MAX_ORDERS = 18  # alignments from 256 GiB on are refused: 1 MiB << 18
_SMALL_IO = 0x400


@define(eq=False)
class Extra:
    """An optional addition to a resource: `add` bytes at `min_align` (``struct pci_dev_resource`` on the realloc list)."""

    resource: Resource
    add: int
    min_align: int


Extras = list[Extra]
"""Optional additions, the latest first."""


class SizingRules(Protocol):
    """What differs between kernel versions in pass 1."""

    def reserve_of(self, bridge: Row) -> Reserve:
        """Hot-plug space behind `bridge`; zeros for none."""

    def io_floors(self, segment: Segment, extra: int) -> tuple[int, int]:
        """Least bytes for the sum of small I/O resources and for the sum of the others."""

    def mem_floor(self, segment: Segment, window: Resource, is_wide: bool, extra: int) -> int:
        """Least bytes of a memory window; `is_wide`: the 64-bit type mask is in use."""

    def counts(self, row: Row, index: int) -> bool:
        """Whether an unassigned resource takes part."""

    def alignment(self, resource: Resource) -> int | None:
        """Alignment in bytes; None: adds its plain size and nothing else."""


def size_bus(segment: Segment, rules: SizingRules, extras: Extras | None) -> None:
    """Size the windows of the bridge above `segment`, and of all bridges below it first. `extras` None: no optional list."""
    for row in segment.rows:
        if row.child is not None:
            size_bus(row.child, rules, extras)
    bridge = segment.bridge
    if bridge is None:
        return
    restore_window_types(bridge)
    reserve = rules.reserve_of(bridge)
    _size_io(segment, rules, extras, reserve.io)
    wide, pref = MEM | PREF | MEM_64, MEM | PREF
    window = bridge.windows[2]
    if window.flags & MEM_64 and _size_mem(segment, rules, extras, reserve.pref, wide, (wide,)):
        _size_mem(segment, rules, extras, reserve.mem, wide, (MEM, MEM | PREF, MEM | MEM_64))
    elif _size_mem(segment, rules, extras, reserve.pref, pref, (pref,)):
        _size_mem(segment, rules, extras, reserve.mem, pref, (MEM,))
    else:
        _size_mem(segment, rules, extras, reserve.mem + reserve.pref, MEM, (MEM,))


def restore_window_types(bridge: Row) -> None:
    """Give the windows that the bridge implements their type flags, whatever was there (``pci_bridge_check_ranges()``)."""
    io, mem, pref = bridge.windows
    mem.flags |= MEM
    if bridge.has_io:
        io.flags |= IO
    if bridge.has_pref:
        pref.flags |= MEM | PREF | (MEM_64 if bridge.pref_is_64bit else 0)


def _old_size(window: Resource) -> int:
    size = window.size
    return 0 if size == 1 else size


def _extra_of(extras: Extras | None, resource: Resource) -> Extra | None:
    return next((extra for extra in extras or () if extra.resource is resource), None)


def _finish(window: Resource, required: int, optional: int, align: int, optional_align: int, extras: Extras | None) -> None:
    """Store a computed size; what is optional goes to the front of the list."""
    if not required and not optional:
        window.flags = 0
        return
    window.set_span(align, align + required - 1)
    window.flags |= STARTALIGN
    if optional > required and extras is not None:
        extras.insert(0, Extra(window, optional - required, optional_align))


def _size_io(segment: Segment, rules: SizingRules, extras: Extras | None, extra: int) -> None:
    window = find_window(segment, IO, IO)
    if window is None or window.parent is not None:
        return
    small = big = kids_extra = 0
    align = _granule(segment, IO)
    for row in segment.rows:
        for resource in row.resources:
            if not resource.flags & IO or resource.parent is not None or not rules.counts(row, resource.index):
                continue
            size = resource.size
            if size < _SMALL_IO:
                small += size
            else:
                big += size
            align = max(align, rules.alignment(resource) or 0)
            entry = _extra_of(extras, resource)
            kids_extra += entry.add if entry else 0
    least_small, least_big = rules.io_floors(segment, 0 if extras is not None else extra)
    total = max(small, least_small) + max(big, least_big)
    old = _old_size(window)
    required = align_up(max(total, old), align)
    optional = required
    if extras is not None and (extra or kids_extra):
        optional = align_up(max(max(total, extra) + kids_extra, old), align)
    _finish(window, required, optional, align, align, extras)


def _size_mem(segment: Segment, rules: SizingRules, extras: Extras | None, extra: int, mask: int, types: tuple[int, ...]) -> bool:
    """Size the first window of type ``types[0]``; False if the bus has none."""
    window = find_window(segment, mask | PREF, types[0])
    if window is None:
        return False
    if window.parent is not None:
        return True
    total = kids_extra = kids_align = max_order = 0
    buckets = [0] * _MAX_ORDERS
    for row in segment.rows:
        for resource in row.resources:
            if resource.flags & mask not in types or resource.parent is not None or not rules.counts(row, resource.index):
                continue
            size, align = resource.size, rules.alignment(resource)
            if align is None:
                total += size
                continue
            order = max(0, (align & -align).bit_length() - 21) if align else 0
            if order >= _MAX_ORDERS:
                resource.flags = 0
                continue
            total += max(size, align)
            if size <= align:
                buckets[order] += align
            max_order = max(max_order, order)
            entry = _extra_of(extras, resource)
            if entry is not None:
                kids_extra += entry.add
                kids_align = max(kids_align, entry.min_align)
    align = max(_window_alignment(buckets, max_order), _granule(segment, window.flags))
    least = rules.mem_floor(segment, window, bool(mask & MEM_64), 0 if extras is not None else extra)
    old = _old_size(window)
    required = align_up(max(total, least, old), align)
    kids_align = max(align, kids_align)
    optional = required
    if extras is not None and (extra or kids_extra):
        optional = align_up(max(max(total, extra) + kids_extra, old), kids_align)
    _finish(window, required, optional, align, kids_align, extras)
    return True


def _granule(segment: Segment, flags: int) -> int:
    """Least alignment in bytes of a window of this type on the bridge above `segment` (``window_alignment()``)."""
    io, mem, pref = segment.bridge.window_granules if segment.bridge is not None else (PAGE_4K, MEG, MEG)
    if flags & IO:
        return io
    return pref if flags & PREF and flags & MEM_64 else mem


def _window_alignment(buckets: list[int], max_order: int) -> int:
    """Alignment of a window that holds these sums per alignment: half the largest may do (``calculate_mem_align()``)."""
    below = align = 0
    for order in range(max_order + 1):
        candidate = 1 << (order + 20)
        if not below:
            align = candidate
        elif align_up(below + align, align) < candidate:
            align = candidate >> 1
        below += buckets[order]
    return align
