"""Pass 2 of the unpatched kernel: required sizes first, optional additions where they fit.

Twin: ``__pci_bus_assign_resources()``, ``__assign_resources_sorted()``, ``reassign_resources_sorted()`` in
drivers/pci/setup-bus.c.
"""

from __future__ import annotations

from attrs import define, frozen

from movsdk.layout.placing import (
    Placing,
    assign_resource,
    find_upwards,
    program_if_closed,
    settle,
    sorted_by_alignment,
)
from movsdk.layout.sizing import Extra, Extras
from movsdk.layout.table import (
    IO,
    MEM,
    PCI_FIXED,
    PREF,
    STARTALIGN,
    TYPE_BITS,
    UNSET,
    Resource,
    Row,
    Segment,
)
from movsdk.pci_regs import ROM_RESOURCE


@frozen
class Failure:
    """A resource that found no place, as it was at that moment (before it was wiped)."""

    resource: Resource
    start: int
    last: int
    flags: int


@define(eq=False)
class Lists:
    """The kernel's two lists of one pass: what may be added, and what failed (latest first; None: nobody asks)."""

    extras: Extras
    failures: list[Failure] | None


def assign_bus(segment: Segment, lists: Lists, placing: Placing) -> None:
    """Place everything unassigned on `segment`, then below each bridge; bridges not yet enabled get their registers."""
    assign_rows(segment.rows, segment, lists, placing)
    for row in segment.rows:
        _request_fixed(row)
        if row.child is not None:
            assign_bus(row.child, lists, placing)
            program_if_closed(row, placing)


def assign_rows(rows: list[Row], segment: Segment, lists: Lists, placing: Placing) -> None:
    """Place the unassigned resources of `rows`, all on the bus `segment` (``__assign_resources_sorted()``)."""
    queue = sorted_by_alignment(rows, lambda _row, resource: not resource.flags & PCI_FIXED)
    if lists.extras and _place_enlarged(queue, segment, lists, placing):
        return
    for resource in queue:
        if resource.size and not assign_resource(segment, resource, placing):
            if resource.index != ROM_RESOURCE and lists.failures is not None:
                lists.failures.insert(0, Failure(resource, resource.start, resource.last, resource.flags))
            resource.wipe()
    _grow(queue, segment, lists, placing)


def _extra(lists: Lists, resource: Resource) -> Extra | None:
    return next((extra for extra in lists.extras if extra.resource is resource), None)


def _drop(lists: Lists, resource: Resource) -> None:
    lists.extras[:] = [extra for extra in lists.extras if extra.resource is not resource]


def _place_enlarged(queue: list[Resource], segment: Segment, lists: Lists, placing: Placing) -> bool:
    """Try everything with its optional size. True if all fit; else `queue` holds what must be tried again without."""
    saved = {id(resource): (resource.start, resource.last, resource.flags) for resource in queue}
    _enlarge(queue, lists)
    failed_types = 0
    has_failed = False
    for resource in list(queue):
        if resource.size and not assign_resource(segment, resource, placing):
            if resource.index != ROM_RESOURCE:
                failed_types |= resource.flags
                has_failed = True
            resource.wipe()
    if not has_failed:
        for resource in queue:
            _drop(lists, resource)
        return True
    for resource in list(queue):
        if resource.parent is not None and not _must_release(resource, failed_types):
            _drop(lists, resource)
            queue.remove(resource)
    for resource in queue:
        resource.detach()
        start, last, flags = saved[id(resource)]
        resource.set_span(start, last)
        resource.flags = flags
    return False


def _enlarge(queue: list[Resource], lists: Lists) -> None:
    """Add the optional size; a window whose additions ask for more alignment moves up in the list."""
    for resource in list(queue):
        extra = _extra(lists, resource)
        if extra is None:
            continue
        resource.set_span(resource.start, resource.last + extra.add)
        if not resource.flags & STARTALIGN or extra.min_align <= resource.start:
            continue
        resource.set_span(extra.min_align, extra.min_align + resource.size - 1)
        smaller = next((other for other in queue if other.alignment < extra.min_align), None)
        if smaller is not None:
            queue.remove(resource)
            queue.insert(queue.index(smaller), resource)


def _must_release(resource: Resource, failed_types: int) -> bool:
    """Whether a placed resource could have taken the space of one that failed (``pci_need_to_release()``)."""
    if resource.flags & IO:
        return bool(failed_types & IO)
    if resource.flags & PREF:
        if failed_types & PREF:
            return True
        parent = resource.parent
        return bool(failed_types & MEM) and parent is not None and not parent.flags & PREF
    return bool(failed_types & MEM)


def _grow(queue: list[Resource], segment: Segment, lists: Lists, placing: Placing) -> None:
    """Give optional additions to those of `queue` that can grow (``reassign_resources_sorted()``)."""
    for extra in list(lists.extras):
        resource = extra.resource
        if resource.flags and resource not in queue:
            continue
        lists.extras.remove(extra)
        if not resource.flags:
            continue
        if not resource.size:
            resource.set_span(extra.min_align, extra.min_align + extra.add - 1)
            if not assign_resource(segment, resource, placing):
                resource.wipe()
        else:
            resource.flags |= STARTALIGN
            _replace(segment, resource, extra, placing)


def _replace(segment: Segment, resource: Resource, extra: Extra, placing: Placing) -> None:
    """Re-place an assigned resource with more size; its own space counts as free (``pci_reassign_resource()``)."""
    if resource.parent is None:
        return
    size = resource.size + extra.add
    place = find_upwards(segment, resource, size, extra.min_align, placing)
    if place is None:
        return
    last = place.start + size - 1
    if not (place.start <= resource.start and resource.last <= last):
        if resource.children:
            return
        resource.detach()
        resource.set_span(place.start, last)
        place.window.insert(resource)
    else:
        resource.set_span(place.start, last)
    settle(resource, placing)


def _request_fixed(row: Row) -> None:
    """Look for a window round each unassigned FIXED resource, here and further up (``pdev_assign_fixed_resources()``)."""
    mask = TYPE_BITS | PREF
    for resource in row.resources:
        if resource.parent is not None or not resource.flags & PCI_FIXED or not resource.flags & TYPE_BITS:
            continue
        if resource.flags & UNSET:  # a claim was rejected: resource_contains() says no to such a one, wherever it is
            continue
        segment: Segment | None = row.segment
        while segment is not None and resource.parent is None:
            for window in segment.windows:
                same = window.flags and not (window.flags ^ resource.flags) & mask
                if same and window.contains(resource) and window.insert(resource):
                    break
            segment = segment.parent
