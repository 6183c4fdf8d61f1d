"""Pass 2, top-down: steps that every kernel version shares — sorting, placing one resource, walking down.

Twin: ``pdev_sort_resources()``, ``_pci_assign_resource()`` in drivers/pci/setup-bus.c and setup-res.c. What is tried in
which order,
and what a failure means, is the rules' business; see `optional` for the unpatched kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import define, field, frozen

from movsdk.layout.fit import Place, Search, find_place
from movsdk.layout.table import (
    PREF,
    ROM_SHADOW,
    STARTALIGN,
    TYPE_BITS,
    UNSET,
    AddressMap,
    BarWrite,
    Journal,
    Resource,
    Row,
    Segment,
    WindowWrite,
)
from movsdk.pci_regs import (
    CLASS_BRIDGE_HOST,
    CLASS_NOT_DEFINED,
    CLASS_SYSTEM_PIC,
    COMMAND_IO,
    COMMAND_MEMORY,
    ROM_RESOURCE,
)


@frozen
class Try:
    """One resource and how it ended: `start` and `size` in bytes, `flags` as they were then."""

    resource: Resource
    flags: int
    start: int
    size: int
    has_place: bool


@define(eq=False)
class Placing:
    """One pass in progress: where things may go, what was written, what was tried (for the log).

    `climbs`: below a subtractive bridge the bus above is tried too (not while BARs are movable).
    """

    address_map: AddressMap
    journal: Journal
    keeps_minimum: bool = False
    climbs: bool = True
    tries: list[Try] = field(factory=list)

    def note(self, resource: Resource, *, size: int | None = None, has_place: bool = False) -> None:
        """Remember how trying `resource` ended."""
        flags = resource.flags & ~UNSET
        self.tries.append(Try(resource, flags, resource.start, resource.size if size is None else size, has_place))

    def search(self, minimum: int | None = None) -> Search:
        """The terms of a search in this pass."""
        return Search(self.address_map, self.keeps_minimum, minimum)


def is_skipped(row: Row) -> bool:
    """Classless devices, host bridges and interrupt controllers that firmware enabled are left alone."""
    if row.base_class in (CLASS_NOT_DEFINED, CLASS_BRIDGE_HOST):
        return True
    return row.base_class == CLASS_SYSTEM_PIC and bool(row.command & (COMMAND_IO | COMMAND_MEMORY))


def sorted_by_alignment(rows: Iterable[Row], wanted: Callable[[Row, Resource], bool]) -> list[Resource]:
    """Unassigned resources of these rows that are `wanted`, descending alignment, stable (``pdev_sort_resources()``)."""
    found = [
        resource
        for row in rows
        if not is_skipped(row)
        for resource in row.resources
        if resource.flags and resource.parent is None and wanted(row, resource) and resource.alignment
    ]
    return sorted(found, key=lambda resource: -resource.alignment)


def assign_resource(segment: Segment, resource: Resource, placing: Placing, minimum: int | None = None) -> bool:
    """Give `resource` the first place on its bus; below a subtractive bridge also on the bus above.

    On success the BAR register write goes to the journal. On failure only UNSET is set; the caller decides what more.
    """
    size, alignment = resource.size, resource.alignment
    resource.flags |= UNSET
    place = find_upwards(segment, resource, size, alignment, placing, minimum) if alignment else None
    if place is None:
        placing.note(resource, size=size)
        return False
    resource.set_span(place.start, place.start + size - 1)
    place.window.insert(resource)
    settle(resource, placing)
    return True


def find_upwards(
    segment: Segment, resource: Resource, size: int, alignment: int, placing: Placing, minimum: int | None = None
) -> Place | None:
    """The first place on the bus, or on the one above a subtractive bridge, and so on up (``_pci_assign_resource()``)."""
    search = placing.search(minimum)
    place = find_place(segment, resource, size, alignment, search)
    while place is None and placing.climbs and segment.is_subtractive and segment.parent is not None:
        segment = segment.parent
        place = find_place(segment, resource, size, alignment, search)
    return place


def settle(resource: Resource, placing: Placing) -> None:
    """Flags and register write after a resource got its place; ROM and window registers are not written here."""
    resource.flags &= ~(UNSET | STARTALIGN)
    placing.note(resource, has_place=True)
    if resource.index < ROM_RESOURCE and resource.row is not None:
        placing.journal.append(BarWrite(resource.row, resource.index, resource.start, resource.flags))


def insert_fixed(segment: Segment, resource: Resource) -> bool:
    """Put a fixed BAR at its own address into the first window of its bus that takes it (patch 14). Nothing is written."""
    if resource.flags & ROM_SHADOW:
        return True
    for window in segment.windows:
        if not window.flags or (window.flags ^ resource.flags) & TYPE_BITS:
            continue
        if window.flags & PREF and not resource.flags & PREF:
            continue
        if window.contains(resource) and window.insert(resource):
            return True
    return False


def program_if_closed(row: Row, placing: Placing) -> None:
    """A bridge that nobody enabled yet gets its windows during the walk; an enabled one only later, if at all."""
    if row.enable_cnt <= 0:
        placing.journal.append(WindowWrite.all_of(row))
