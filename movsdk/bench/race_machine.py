"""The machine of the enable race: drives below a chain of bridges that nobody has enabled yet, and what tasks may do to them.

Twin: a backplane after a hot-plug, or a PowerNV at boot. Real silicon and the real kernel model, with the smallest driver that
can lose: enable, set_master, one register read; then the drive fetches something by itself. Explores nothing; see `enable_race`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field

from mockbus.bar import BarSpec
from mockbus.faults import FaultLog, Owners
from mockbus.model import DeviceModel
from mockbus.topology import ROOT, Machine
from movsdk.address import Span
from movsdk.bench import reference
from movsdk.bench.announce import Announcer, kernel_values
from movsdk.bench.oracles import Oracles
from movsdk.bench.race_scenario import Act, RaceScenario
from movsdk.bench.world import World, make_world
from movsdk.errors import BadInput
from movsdk.hooks import PciId
from movsdk.kernel.binding import BoundDriver, probe_device, unbind
from movsdk.kernel.device import Device
from movsdk.kernel.enable import VARIANTS, bridge_mutex, enable_mutex, store_enable
from movsdk.kernel.pcidev import PciDev, view_of
from movsdk.ops import DmaBuffer
from movsdk.pci_regs import COMMAND, BarKind
from movsdk.rescan.rules import by_name

WINDOWS: Final = (("mem", Span(0x8000_0000, 0x8FFF_FFFF)),)
_ID: Final = PciId(0x6D76, 0x0001)
_FETCHED: Final = 4  # bytes


class Drive:
    """The driver: as little as a driver can do before it uses its device."""

    name = "drive"
    id_table = (_ID,)

    def probe(self, dev: PciDev, id: PciId) -> None:
        """Switch it on and look at it."""
        dev.enable_device()
        dev.set_master()
        dev.drvdata = dev.iomap(0)
        dev.drvdata.readl(0)

    def remove(self, dev: PciDev) -> None:
        """Switch it off."""
        dev.iounmap(dev.drvdata)
        dev.disable_device()


class DriveModel(DeviceModel):
    """One register, and a habit of fetching from host memory."""

    vendor_id, device_id, class_code = _ID.vendor, _ID.device, 0x010802
    bars = (BarSpec(0, BarKind.MEM32, 0x1000),)

    def read(self, bar: int, offset: int, size: int) -> int:
        """All registers read 1."""
        return 1


@define(eq=False)
class RaceMachine:
    """The tree of `scenario`, booted once. `reset` brings back the state before anybody was enabled: much cheaper than a boot."""

    scenario: RaceScenario
    world: World = field(init=False)
    announcer: Announcer = field(init=False)
    oracles: Oracles = field(init=False)
    _devices: dict[str, Device] = field(init=False, repr=False)
    _buffer: DmaBuffer = field(init=False, repr=False)
    _drivers: dict[bool, BoundDriver] = field(init=False, repr=False)  # of bridges, of drives

    def __attrs_post_init__(self) -> None:
        scenario, machine = self.scenario, Machine(WINDOWS)
        for number, bridge in enumerate([*scenario.chain, *scenario.ports], 1):
            machine.add_bridge(bridge, scenario.above(bridge) or ROOT, f"{number:02x}.0", io=False, prefetchable=None)
        for number, drive in enumerate(scenario.drives, 1):
            machine.add(drive, scenario.above(drive) or ROOT, f"{number:02x}.0", DriveModel())
        self.world = make_world(machine, WINDOWS, by_name("off"), faults="hardware")
        self.world.engine.boot()
        self._devices = {device.label: device for device in self.world.system.discovered}
        self._buffer = machine.fabric.alloc_coherent(0x1000)
        self._drivers = {False: BoundDriver.of(Drive), True: BoundDriver.of(reference.load("port").driver)}
        self.oracles = Oracles(self.world)
        self.announcer = Announcer(machine, kernel_values(self.world))
        self.world.system.enable_rules = VARIANTS[scenario.variant]

    def reset(self) -> None:
        """Nobody has enabled anything, no driver is bound."""
        fabric, system = self.world.machine.fabric, self.world.system
        for function in self.world.machine:
            function.config_write(COMMAND, 2, 0)
        fabric.faults, fabric.owners = FaultLog(fabric.clock), Owners()
        system.trace.events.clear()
        system.failures.clear()
        for device in system.discovered:
            device.row.command = device.row.enable_cnt = 0
            device.row.is_bound = device.is_busmaster = device.is_probed = False
            device.driver = device.view = device.drvdata = device.in_hook = None
            for mutex in (enable_mutex(device), bridge_mutex(device)):
                mutex.owner = None  # a run that was given up may have ended inside
        self.oracles.misses.clear()
        self.oracles.listen()

    def device(self, label: str) -> Device:
        """The kernel's side of a function. Raises `BadInput` if there is none of that name."""
        device = self._devices.get(label)
        if device is None:
            raise BadInput(f"there is no {label!r}; there are {', '.join(self.world.machine.labels)}")
        return device

    def act(self, act: Act) -> None:
        """Do one thing, as the kernel does it."""
        VERBS[act.verb](self, self.device(act.label))

    def do(self, act: Act) -> None:
        """Do one thing as a task that is being watched: the timeline hears the value of its last operation too."""
        self.act(act)
        self.announcer.tell()

    # --- verbs -------------------------------------------------------------------------------------------------
    def probe(self, device: Device) -> None:
        """Bind its driver; a drive then fetches."""
        probe_device(self.world.system, device, self._drivers[device.row.is_bridge])
        if not device.row.is_bridge:
            self.fetch(device)

    def unbind(self, device: Device) -> None:
        """Unbind its driver, as ``echo ADDRESS > unbind`` does."""
        unbind(self.world.system, device)

    def work(self, device: Device) -> None:
        """Read a register, then the drive fetches."""
        device.drvdata.readl(0)
        self.fetch(device)

    def fetch(self, device: Device) -> None:
        """The drive reads host memory."""
        model = self.world.machine.function(device.label).model
        if model is not None:
            model.dma_read(self._buffer.address, _FETCHED)

    def enable(self, device: Device) -> None:
        """Somebody else enables it too."""
        view_of(device).enable_device()

    def disable(self, device: Device) -> None:
        """Somebody else has enough of it."""
        view_of(device).disable_device()


VERBS: Final[dict[str, Callable[[RaceMachine, Device], None]]] = {
    "probe": RaceMachine.probe,
    "unbind": RaceMachine.unbind,
    "work on": RaceMachine.work,
    "enable": RaceMachine.enable,
    "disable": RaceMachine.disable,
    "echo 1 > enable of": lambda _machine, device: store_enable(device, 1),
    "echo 0 > enable of": lambda _machine, device: store_enable(device, 0),
}
