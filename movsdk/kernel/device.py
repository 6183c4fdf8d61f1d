"""What Linux remembers about one function and one bus.

Twin: ``struct pci_dev`` and ``struct pci_bus``. State only: `probe` fills it, `enable`, `power`, `mmio`, `irq` act on it.
The parts that layout needs sit in `layout.table.Row` and `Segment`; a `Device` has a row, a `Bus` has a segment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from movsdk.address import Bdf, SlotPath, Span
from movsdk.layout.table import Resource, Row, Segment
from movsdk.pci_regs import BRIDGE_RESOURCES, PowerState
from movsdk.points import mention

if TYPE_CHECKING:
    from movsdk.kernel.actor import Site
    from movsdk.kernel.binding import BoundDriver
    from movsdk.kernel.mutex import Mutex
    from movsdk.kernel.runtime_pm import RuntimePm
    from movsdk.kernel.system import System


PLACES: Final = ("places",)
"""The cell of where the kernel believes BARs to be: a rescan changes many at once."""


def places_seen(device: Device) -> None:
    """Say that the step which runs looks where BARs of `device` are believed to be."""
    mention(f"{device.label} R resources", (PLACES,))


def places_change() -> None:
    """Say that the step which runs changes where BARs are believed to be."""
    mention("kernel W resources", (), (PLACES,))


@define(eq=False)
class Bus:
    """One bus: numbers, devices in list order (scan order, hot-added ones at the tail), child buses in creation order."""

    system: System = field(repr=False)
    number: int
    last: int
    segment: Segment
    bridge: Device | None = None
    parent: Bus | None = field(default=None, repr=False)
    devices: list[Device] = field(factory=list, repr=False)
    children: list[Bus] = field(factory=list, repr=False)
    primary: int = 0
    is_read: bool = False

    @property
    def is_root(self) -> bool:
        """True for the bus below the host bridge."""
        return self.bridge is None

    def __str__(self) -> str:
        return f"bus {self.number:02x}"


@define(eq=False)
class Device:
    """One function. `label` is how reports call it: the scenario's id, or the address."""

    system: System = field(repr=False)
    bus: Bus = field(repr=False)
    devfn: int
    vendor: int
    device_id: int
    subvendor: int
    subdevice: int
    row: Row
    header_type: int = 0
    label: str = ""
    subordinate: Bus | None = field(default=None, repr=False)
    driver: BoundDriver | None = field(default=None, repr=False)
    view: Any = field(default=None, repr=False)  # the PciDev facade, made by pcidev.view_of()
    in_hook: str | None = None
    drvdata: Any = field(default=None, repr=False)
    is_probed: bool = False
    probe_error: Exception | None = field(default=None, repr=False)  # the PciError of the last probe
    is_busmaster: bool = False
    pcie_type: int | None = None
    # what the sanitizer goes by
    is_paused: bool = False
    paused_at: int = 0  # virtual nanoseconds: when it was to be paused for the last time
    is_gone: bool = False
    is_removed: bool = False
    is_disconnected: bool = False  # its slot says that it is gone: nobody talks to it any more
    generation: list[int] = field(factory=lambda: [0] * BRIDGE_RESOURCES, repr=False)
    current_state: PowerState = PowerState.D0
    saved_config: dict[int, int] | None = field(default=None, repr=False)
    stale_bars: set[int] = field(factory=set, repr=False)  # registers that a restore put back to an old address
    overwritten_bars: dict[int, Site] = field(factory=dict, repr=False)  # registers that its driver wrote, and at which line
    pm: RuntimePm | None = field(default=None, repr=False)  # made by runtime_pm.pm_of()
    enable_mutex: Mutex | None = field(default=None, repr=False)  # made by enable.enable_mutex()
    lock: Mutex | None = field(default=None, repr=False)  # made by device_lock.device_locked()

    @property
    def bdf(self) -> Bdf:
        """Address; changes when buses are renumbered."""
        return Bdf.of(self.bus.number, self.devfn, self.system.domain)

    @property
    def slot_path(self) -> SlotPath:
        """Path through the slots; survives renumbering."""
        slot = self.bdf.slot
        if self.bus.bridge is None:
            return SlotPath(self.system.domain, (slot,))
        return self.bus.bridge.slot_path.child(slot)

    @property
    def resources(self) -> list[Resource]:
        """The eleven resource slots: BARs 0-5, ROM, three windows, one unused."""
        return self.row.resources

    @property
    def class_code(self) -> int:
        """24-bit class code."""
        return self.row.class_code

    @property
    def is_transparent(self) -> bool:
        """A bridge that also forwards what nobody else claims, by its programming interface (``pci_dev.transparent``)."""
        return self.row.is_bridge and self.class_code & 0xFF == 1

    @property
    def is_enabled(self) -> bool:
        """Whether anybody enabled it (``pci_is_enabled()``): enable count above 0."""
        mention(f"{self.label} R is_enabled", (("enable_cnt", self.label),))
        return self.row.enable_cnt > 0

    def bar_span(self, bar: int) -> Span | None:
        """Where BAR `bar` is assigned, or None."""
        resource = self.row.resources[bar]
        return Span(resource.start, resource.last) if resource.flags and resource.parent is not None else None

    def config_read(self, offset: int, size: int) -> int:
        """Read 1, 2 or 4 bytes of config space; all-ones from a disconnected device, without a cycle."""
        if self.is_disconnected:
            return (1 << 8 * size) - 1
        return self.system.ops.config_read(self.bus.number, self.devfn, offset, size)

    def config_write(self, offset: int, size: int, value: int) -> None:
        """Write 1, 2 or 4 bytes of config space; nothing happens if the device is disconnected."""
        if self.is_disconnected:
            return
        self.system.ops.config_write(self.bus.number, self.devfn, offset, size, value)

    def with_below(self) -> Iterator[Device]:
        """This device and all that the kernel knows behind it, parents first."""
        yield self
        for child in self.subordinate.devices if self.subordinate is not None else ():
            yield from child.with_below()

    def __str__(self) -> str:
        address = str(self.bdf)
        return address if self.label in ("", address) else f"{self.label} ({address})"
