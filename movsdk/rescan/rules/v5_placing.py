"""Pass 2 of rules `v5`: one list a bus in order of alignment, walked twice, what is fixed first.

Twin: RFC patches 10 and 12-14 (v5 05, 12-15) in ``__pci_bus_assign_resources()`` and ``_pci_assign_resource()``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen

from movsdk.layout.placing import assign_resource, insert_fixed, program_if_closed, sorted_by_alignment
from movsdk.layout.table import M64, PCI_FIXED, UNSET, Resource, Row, Segment
from movsdk.rescan.rules.record import Range, Turn, range_index

Lowest = dict[int, int]
"""Least address in bytes, by the identity of a window."""


def covered(segment: Segment | None, index: int) -> Range:
    """What window `index` above `segment` must cover; a range that starts and ends at one address does not count."""
    hull = segment.fixed_range[index] if segment is not None else None
    return hull if hull is not None and hull[0] < hull[1] else None


def lowest(turn: Turn) -> Lowest:
    """Least address of each window that must cover fixed BARs, after a look at the neighbours (patch 12)."""
    found: Lowest = {}
    _find_lowest(turn.root, found)
    return found


def _find_lowest(segment: Segment, found: Lowest) -> None:
    for row in segment.rows:
        if row.child is None:
            continue
        for number, window in enumerate(row.windows):
            hull = covered(row.child, number)
            if hull is None:
                continue
            start = least_start(hull, window)
            for other in segment.rows:
                near = covered(other.child, number) if other is not row else None
                if near is not None and start < near[1] < hull[0]:
                    start = near[1]  # the kernel forgets the + 1
            found[id(window)] = start
        _find_lowest(row.child, found)


def least_start(hull: tuple[int, int], window: Resource) -> int:
    """The address from which `window` still reaches the end of what it must cover."""
    return min((hull[1] - window.size + 1) & M64, hull[0])


def minimum(found: Lowest, resource: Resource) -> int | None:
    """Where the search for a window begins (patch 13); None: at the map's minimum. Where it ends up is not checked."""
    return found.get(id(resource))


def is_listed(_row: Row, resource: Resource) -> bool:
    """Who is placed at all: a BAR that the platform pinned is not, so one that was released is lost."""
    return not resource.flags & PCI_FIXED


def is_anchored(turn: Turn, resource: Resource) -> bool:
    """Who comes in the first walk (patch 14): what is fixed, and windows round it."""
    row = resource.row
    if row is None:
        return False
    if resource.is_window:
        return covered(row.child, range_index(resource.flags)) is not None
    return turn.moves.fixed(row, resource.index)


def failed(resource: Resource) -> None:
    """A window without a place is computed anew, a BAR is kept for the next try (patch 10)."""
    if resource.is_window:
        resource.wipe()


@frozen
class Placement:
    """Pass 2, bus by bus from the root. `is_listed` and `is_anchored`: who is placed at all and who first; `lowest`, `minimum`:
    where the search for a window begins; `failed`: what is left of a resource that found no place.
    """

    is_listed: Callable[[Row, Resource], bool]
    is_anchored: Callable[[Turn, Resource], bool]
    lowest: Callable[[Turn], Lowest]
    minimum: Callable[[Lowest, Resource], int | None]
    failed: Callable[[Resource], None]

    def __call__(self, turn: Turn) -> None:
        """Place everything, what is anchored first, both in order of alignment."""
        self._bus(turn.root, turn, self.lowest(turn))

    def _bus(self, segment: Segment, turn: Turn, found: Lowest) -> None:
        rows = [row for row in segment.rows if not row.bars_disabled]
        queue = sorted_by_alignment(rows, self.is_listed)
        for resource in queue:
            if self.is_anchored(turn, resource):
                self._one(segment, resource, turn, found)
        # A window that failed above has lost its type and may look different now: it gets a second turn.
        for resource in queue:
            if resource.parent is None and not self.is_anchored(turn, resource):
                self._one(segment, resource, turn, found)
        for row in rows:
            if row.child is not None:
                self._bus(row.child, turn, found)
                program_if_closed(row, turn.placing)

    def _one(self, segment: Segment, resource: Resource, turn: Turn, found: Lowest) -> None:
        row = resource.row
        if row is None:
            return
        if not resource.is_window and resource.start and turn.moves.fixed(row, resource.index):
            if not resource.flags & UNSET and insert_fixed(segment, resource):
                return
            turn.placing.note(resource)
        else:
            had_type = bool(resource.flags)
            if assign_resource(segment, resource, turn.placing, self.minimum(found, resource)) or not had_type:
                return
        self.failed(resource)


PLACEMENT: Final = Placement(is_listed, is_anchored, lowest, minimum, failed)
