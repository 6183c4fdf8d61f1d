"""The kernel without movable BARs: assignment at boot, on a rescan by hand, and after a hot-add.

Twin: ``pci_assign_unassigned_root_bus_resources()``, ``pci_assign_unassigned_bus_resources()`` and
``pci_assign_unassigned_bridge_resources()`` in drivers/pci/setup-bus.c (linux-5.10). Calls no rescan hook: there are none.
"""

from __future__ import annotations

from movsdk.kernel.device import Bus, Device
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
    """One try, and failures are final. With ``pci=realloc`` as many as the tree is deep, reserves being optional in the last one.

    The further tries are from reading: no recorded kernel was told to realloc.
    """
    placing, root = new_placing(system), system.root.segment
    tries = _depth(system.root) + 1 if system.command_line.realloc else 1
    for number in range(1, tries + 1):
        extras, failures = Extras(), list[Failure]()
        size_bus(root, BaseSizing(system.reserve), extras if number == tries else None)
        assign_bus(root, Lists(extras, failures), placing)
        if not failures or number == tries:
            break
        _give_back(failures, placing, only_leaves=number == 1)
    replay(placing.journal)
    return placing


def _depth(bus: Bus) -> int:
    """Levels of buses below (``pci_bus_get_depth()``)."""
    return max((_depth(child) + 1 for child in bus.children), default=0)


def _give_back(failures: list[Failure], placing: Placing, *, only_leaves: bool = False) -> None:
    """Make room for another try: windows round what failed are released, and what failed is what it was."""
    for failure in failures:
        owner = failure.resource.row
        if owner is not None:
            release_type(owner.segment, failure.flags, placing.journal, only_leaves=only_leaves)
    for failure in failures:
        failure.resource.set_span(failure.start, failure.last)
        failure.resource.flags = 0 if failure.resource.is_window else failure.flags


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
        _give_back(failures, placing)
    replay(placing.journal)
    if bridge.is_enabled:
        reenable_bridge(bridge)
    set_master(bridge)
    return placing
