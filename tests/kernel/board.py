"""A machine built piece by piece, the kernel that scans it, and a wire that remembers every config write.

Twin: a logic analyser on the bus. Places nothing and binds nobody; `rig` is the same with cards for drivers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

from attrs import define, field

from mockbus import BarKind, BarSpec, Function, Machine, PlainModel
from movsdk.address import Span
from movsdk.kernel.device import Device
from movsdk.kernel.probe import scan_child_bus
from movsdk.kernel.system import System
from movsdk.layout.table import IO, MEM, MEM_64, PREF, Resource
from movsdk.ops import PciOps

IO_START, MEM_START, PREF_START = 0x1000, 0x8000_0000, 0x40_0000_0000
APERTURES: Final = (
    ("io", Span(IO_START, 0xFFFF)),
    ("mem", Span(MEM_START, 0x8FFF_FFFF)),
    ("pref64", Span(PREF_START, PREF_START + (1 << 34) - 1)),
)
FLAGS: Final = {"io": IO, "mem": MEM, "pref": MEM | PREF, "mem64": MEM | MEM_64, "pref64": MEM | PREF | MEM_64}


class Wire:
    """The seam with a memory: everything goes through, config writes are noted as (bus, devfn, offset, size, value).

    `asked`: the (bus, devfn) that config reads went to.
    """

    def __init__(self, ops: PciOps) -> None:
        self._ops = ops
        self.writes: list[tuple[int, int, int, int, int]] = []
        self.asked: set[tuple[int, int]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ops, name)

    def config_read(self, bus: int, devfn: int, offset: int, size: int) -> int:
        self.asked.add((bus, devfn))
        return self._ops.config_read(bus, devfn, offset, size)

    def config_write(self, bus: int, devfn: int, offset: int, size: int, value: int) -> None:
        self.writes.append((bus, devfn, offset, size, value))
        self._ops.config_write(bus, devfn, offset, size, value)

    def to(self, offset: int) -> list[int]:
        """Values written to one register, in order."""
        return [value for _, _, at, _, value in self.writes if at == offset]


@define(eq=False)
class Board:
    """A machine and its kernel. `plug` cards and bridges, then `scan`."""

    apertures: tuple[tuple[str, Span], ...] = APERTURES
    machine: Machine = field(init=False)
    wire: Wire = field(init=False)
    system: System = field(init=False)
    _slots: set[str] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        self.machine = Machine(self.apertures)
        self.wire = Wire(self.machine.fabric)
        windows = [Resource(n, None, span.start, span.last, FLAGS[kind]) for n, (kind, span) in enumerate(self.apertures)]
        self.system = System(cast(PciOps, self.wire), windows, label_of=self.machine.label_at)
        self.system.fixup_header = self._fixup

    def _fixup(self, device: Device) -> None:
        device.row.is_hotplug |= device.label in self._slots

    def card(self, label: str, slot: str, bars: Iterable[BarSpec] = (), *, on: str = "root", **facts: Any) -> Function:
        """A card without behaviour; `facts` are class_code, config, firmware, present."""
        model = PlainModel(0x1AF4, 0x1000, facts.pop("class_code", 0x020000), tuple(bars))
        return self.machine.add(label, on, slot, model, **facts)

    def bridge(self, label: str, slot: str, *, on: str = "root", **facts: Any) -> Function:
        """A bridge; `facts` as in `Machine.add_bridge`. The platform knows hot-plug ones that no capability tells of."""
        if facts.get("hotplug") and facts.get("pcie") is None:
            self._slots.add(label)
        return self.machine.add_bridge(label, on, slot, **facts)

    def scan(self) -> int:
        """Scan from the root bus; returns the highest bus number in use."""
        return scan_child_bus(self.system.root)

    def __getitem__(self, label: str) -> Device:
        return next(device for device in self.system.devices() if device.label == label)

    @property
    def known(self) -> list[str]:
        """Labels of all devices, depth first in list order."""
        return [device.label for device in self.system.devices()]

    @property
    def numbers(self) -> dict[str, tuple[int, int]]:
        """First and last number of the bus behind each bridge."""
        buses = {device.label: device.subordinate for device in self.system.devices()}
        return {label: (bus.number, bus.last) for label, bus in buses.items() if bus is not None}

    def registers(self, label: str, offset: int, size: int) -> int:
        """What silicon holds."""
        return self.machine.function(label).config.read(offset, size)

    def log(self) -> list[str]:
        """Texts of the timeline."""
        return [event.text for event in self.system.trace.events]


MEM32 = BarSpec(0, BarKind.MEM32, 0x10_0000)
