"""Where does one resource fit? First fit in the gaps of a window, windows tried in the kernel's order.

Twin: ``pci_bus_alloc_resource()`` in drivers/pci/bus.c, ``__find_resource()`` in kernel/resource.c,
``pcibios_align_resource()`` and
``arch_remove_reservations()`` of x86. Chooses; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from movsdk.layout.table import FOUR_GIG, IO, M64, MEM_64, PREF, TYPE_BITS, AddressMap, Resource, Segment, align_up

_LOW = (0, FOUR_GIG - 1)
_HIGH = (FOUR_GIG, M64)
_ALL = (0, M64)


@frozen
class Place:
    """The answer: a start address inside `window`."""

    window: Resource
    start: int


@frozen
class Search:
    """The terms of a search.

    `minimum` replaces the address map's minimum (a window that must reach its fixed BARs). `keeps_minimum`: the minimum also
    binds in windows that start above 0 (v5, v9); unpatched kernels ignore it there.
    """

    address_map: AddressMap
    keeps_minimum: bool = False
    minimum: int | None = None


def find_place(segment: Segment, resource: Resource, size: int, alignment: int, search: Search) -> Place | None:
    """Return the first place for `size` bytes at `alignment` on the bus `segment`, or None.

    Windows of exactly the resource's type come first, then less fitting ones. 64-bit resources look above 4 GiB first.
    An assigned `resource` may take its own space again.
    """
    minimum = search.minimum
    if minimum is None:
        minimum = search.address_map.min_io if resource.flags & IO else search.address_map.min_mem
    regions = (_HIGH, _ALL) if resource.flags & MEM_64 else (_LOW,)
    for type_mask in _type_masks(resource.flags):
        for region in regions:
            for window in _candidates(segment, resource.flags, type_mask):
                start = _fit(window, resource, size, alignment, region, minimum, search)
                if start is not None:
                    return Place(window, start)
    return None


def _type_masks(flags: int) -> tuple[int, ...]:
    """Which type bits a window must share, from picky to lenient."""
    both = PREF | MEM_64
    masks = [TYPE_BITS | both]
    if flags & both == both:
        masks.append(TYPE_BITS | PREF)
    if flags & both:
        masks.append(TYPE_BITS)
    return tuple(masks)


def _candidates(segment: Segment, flags: int, type_mask: int) -> Iterator[Resource]:
    for window in segment.windows:
        if window.flags and not (window.flags ^ flags) & type_mask and (not window.flags & PREF or flags & PREF):
            yield window


def _fit(
    window: Resource,
    resource: Resource,
    size: int,
    alignment: int,
    region: tuple[int, int],
    minimum: int,
    search: Search,
) -> int | None:
    """First fit of `resource` inside `window` and `region`."""
    low, high = max(window.start, region[0]), min(window.last, region[1])
    if low > high:
        return None
    if search.keeps_minimum:
        low = max(low, minimum)
    elif not low:
        low = minimum
    is_io = bool(resource.flags & IO)
    for gap_start, gap_last in _gaps(window, resource):
        start, last = max(gap_start, low), min(gap_last, high)
        if start > last:
            continue
        if not is_io:
            start, last = _without_reserved(start, last, search.address_map.reserved)
        at = align_up(start, alignment)
        if at < start:
            continue
        if is_io:
            if at & 0x300 and search.address_map.avoids_isa_aliases:  # aliases of ISA devices that decode 10 bits
                at = align_up(at, 0x400)
        else:
            at = max(at, search.address_map.lowest_mem)
        end = at + size - 1
        if end <= last and at <= end:
            return at
    return None


def _gaps(window: Resource, ignored: Resource) -> Iterator[tuple[int, int]]:
    """Free ranges of a window, ascending; the space of `ignored` counts as free."""
    start = window.start
    for child in window.children:
        if child is ignored:
            continue
        if child.start > start:
            yield start, child.start - 1
        start = child.last + 1
    if start <= window.last:
        yield start, window.last


def _without_reserved(start: int, last: int, reserved: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """Cut each reserved range out of [start, last], keeping the larger side (the upper one in a tie)."""
    for low, high in reserved:
        if last < low or start > high:
            continue
        below, above = max(0, low - start), max(0, last - high)
        if below > above:
            last = low - 1
        else:
            start = high + 1
    return start, last
