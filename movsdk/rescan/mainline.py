"""The kernel without movable BARs: assignment at boot, on a rescan by hand, and after a hot-add.

Twin: ``pci_assign_unassigned_root_bus_resources()``, ``pci_assign_unassigned_bus_resources()`` and
``pci_assign_unassigned_bridge_resources()`` in drivers/pci/setup-bus.c (linux-5.10). Calls no rescan hook: there are none.
"""

from __future__ import annotations

from movsdk.kernel.device import Device
from movsdk.kernel.enable import reenable_bridge, set_master
from movsdk.kernel.setup import replay
from movsdk.kernel.system import System
from movsdk.layout.distribute import distribute
from movsdk.layout.optional import Failure, Lists, assign_bus, assign_rows
from movsdk.layout.placing import Placing
from movsdk.layout.release import release_type
from movsdk.layout.sizing import Extras, size_bus
from movsdk.layout.table import IO, NO_RESERVE, PCI_FIXED, Reserve, Resource, Row, Segment, WindowWrite


class BaseSizing:
    """`layout.sizing.SizingRules` of the unpatched kernel."""

    def __init__(self, reserve: Reserve) -> None:
        self.reserve = reserve

    def reserve_of(self, bridge: Row) -> Reserve:
        """Behind hot-plug bridges only."""
        return self.reserve if bridge.is_hotplug else NO_RESERVE

    def io_floors(self, _segment: Segment, extra: int) -> tuple[int, int]:
        """The reserve, where it is not optional, under the small ones."""
        return extra, 0

    def mem_floor(self, _segment: Segment, _window: Resource, _is_wide: bool, extra: int) -> int:
        """The reserve, where it is not optional."""
        return extra

    def counts(self, row: Row, index: int) -> bool:
        """PCI_FIXED memory is left out, PCI_FIXED I/O is not."""
        flags = row.resources[index].flags
        return not flags & PCI_FIXED or bool(flags & IO)

    def alignment(self, resource: Resource) -> int | None:
        """What the flags say."""
        return resource.alignment


def new_placing(system: System, *, keeps_minimum: bool = False, climbs: bool = True) -> Placing:
    """A placing pass on the address map of this machine."""
    return Placing(system.address_map, [], keeps_minimum, climbs)


def assign_at_boot(system: System) -> Placing:
    """One try; failures are final."""
    placing, extras = new_placing(system), Extras()
    size_bus(system.root.segment, BaseSizing(system.reserve), extras)
    assign_bus(system.root.segment, Lists(extras, []), placing)
    replay(placing.journal)
    return placing


def assign_on_rescan(system: System) -> Placing:
    """Place what is unassigned; nothing that has a place moves."""
    placing, extras = new_placing(system), Extras()
    for row in system.root.segment.rows:
        if row.child is not None:
            size_bus(row.child, BaseSizing(system.reserve), extras)
    assign_bus(system.root.segment, Lists(extras, None), placing)
    replay(placing.journal)
    return placing


def assign_hot_added(bridge: Device) -> Placing:
    """Place what appeared below `bridge`: two tries, windows released between them. What else they held is not placed again."""
    system, row = bridge.system, bridge.row
    segment = row.child
    placing = new_placing(system)
    if segment is None:
        return placing
    for attempt in (1, 2):
        extras, failures = Extras(), list[Failure]()
        size_bus(segment, BaseSizing(system.reserve), extras)
        distribute(row, extras)
        lists = Lists(extras, failures)
        assign_rows([row], row.segment, lists, placing)
        assign_bus(segment, lists, placing)
        placing.journal.append(WindowWrite.all_of(row))
        if not failures or attempt == 2:
            break
        for failure in failures:
            owner = failure.resource.row
            if owner is not None:
                release_type(owner.segment, failure.flags, placing.journal)
        for failure in failures:
            failure.resource.set_span(failure.start, failure.last)
            failure.resource.flags = 0 if failure.resource.is_window else failure.flags
    replay(placing.journal)
    if bridge.is_enabled:
        reenable_bridge(bridge)
    set_master(bridge)
    return placing
