"""Pass 2 of rules `v9`: fixed BARs and the windows round them first, by address, then what moves, by alignment.

Twin: RFC patches 10 and 12-14 (v9 12-14) in ``__pci_bus_assign_resources()`` and ``_pci_assign_resource()``.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from movsdk.layout.placing import assign_resource, insert_fixed, is_skipped, program_if_closed
from movsdk.layout.table import M64, Resource, Row, Segment
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.rescan.rules.record import Range, Turn, span_of


def covered_by(resource: Resource) -> Range:
    """What a window must cover, by window number; None for a BAR."""
    child = resource.row.child if resource.row is not None and resource.is_window else None
    return child.fixed_range[resource.index - BRIDGE_RESOURCES] if child is not None else None


def anchor(turn: Turn, resource: Resource) -> int | None:
    """The address that puts a fixed BAR, or a window that must cover some, before all that move; None for those."""
    if resource.is_window:
        covered = covered_by(resource)
        return covered[0] if covered is not None else None
    is_fixed = resource.row is not None and turn.moves.fixed(resource.row, resource.index)
    return resource.start if is_fixed else None


def minimum(resource: Resource) -> int | None:
    """Least address from which a window still reaches the end of what it must cover; None: the map's."""
    covered = covered_by(resource)
    if covered is None:
        return None
    return covered[0] if resource.size <= span_of(covered) else (covered[1] - resource.size + 1) & M64


def covers(resource: Resource) -> bool:
    """Whether a window that got a place covers what it must."""
    covered = covered_by(resource)
    return covered is None or (resource.start <= covered[0] and resource.last >= covered[1])


def failed(resource: Resource) -> None:
    """A window without a place is computed anew, a BAR is kept for the next try (patch 10)."""
    if resource.is_window:
        resource.wipe()


@frozen
class Placement:
    """Pass 2, bus by bus from the root. `anchor` and `wanted`: who is placed first and who at all; `minimum`, `covers`: where a
    window may go; `failed`: what is left of one that found no place.
    """

    wanted: Callable[[Turn, Row, int], bool]
    anchor: Callable[[Turn, Resource], int | None]
    minimum: Callable[[Resource], int | None]
    covers: Callable[[Resource], bool]
    failed: Callable[[Resource], None]

    def __call__(self, turn: Turn) -> None:
        """Place everything: what is anchored by address, then what moves by alignment."""
        self._bus(turn.root, turn)

    def _bus(self, segment: Segment, turn: Turn) -> None:
        for resource in self._queue(segment, turn):
            self._one(segment, resource, turn)
        for row in segment.rows:
            if row.child is not None:
                self._bus(row.child, turn)
                program_if_closed(row, turn.placing)

    def _queue(self, segment: Segment, turn: Turn) -> list[Resource]:
        anchored: list[tuple[int, Resource]] = []
        movable: list[Resource] = []
        for row in segment.rows:
            for resource in row.resources[:BRIDGE_RESOURCES] + row.windows:
                if not resource.flags or resource.parent is not None or not self.wanted(turn, row, resource.index):
                    continue
                address = None if is_skipped(row) else self.anchor(turn, resource)
                if address is not None:
                    anchored.append((address, resource))
                elif resource.alignment and not is_skipped(row):
                    movable.append(resource)
        anchored.sort(key=lambda entry: entry[0])
        movable.sort(key=lambda resource: -resource.alignment)
        return [resource for _, resource in anchored] + movable

    def _one(self, segment: Segment, resource: Resource, turn: Turn) -> None:
        if resource.row is not None and not resource.is_window and turn.moves.fixed(resource.row, resource.index):
            if insert_fixed(segment, resource):
                return
            turn.placing.note(resource)  # nobody notices: a fixed BAR never gets UNSET
        elif assign_resource(segment, resource, turn.placing, self.minimum(resource)):
            if self.covers(resource):
                return
            resource.detach()
            turn.placing.note(resource)
        self.failed(resource)
