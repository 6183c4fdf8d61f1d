"""Two root ports with slots, a card for each, and everything that the hot-plug driver and the cards' driver said.

Twin: a chassis with a serial console.
"""

from __future__ import annotations

from attrs import define, field

from mockbus import BarKind, BarSpec, Machine, PlainModel
from mockbus.bridge import Bridge
from mockbus.slot import Slot
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.bench.world import World, make_world
from movsdk.clock import NS_PER_MS
from movsdk.hooks import PciId
from movsdk.kernel.binding import register_driver
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import PciDev
from movsdk.pci_regs import Led, PcieType
from movsdk.rescan.hotplug import SlotHandler
from movsdk.rescan.report import RescanReport
from movsdk.rescan.rules import RULES
from movsdk.trace import What

APERTURES = [("mem", Span(0xE000_0000, 0xEFFF_FFFF))]
FULL = ("button", "power", "indicators")


class Card(PlainModel):
    """Anything with a BAR."""

    def __init__(self) -> None:
        super().__init__(0x1234, 0x5678, 0x020000, (BarSpec(0, BarKind.MEM32, 0x10_0000),))


class Movable:
    """Notes its hooks; a pause may take time and let something happen."""

    name, id_table = "movable", [PciId(0x1234)]

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.pause_ms = 0

    def probe(self, dev: PciDev, id: PciId) -> None:
        self.calls.append(f"probe {dev.name}")
        dev.enable_device()

    def remove(self, dev: PciDev) -> None:
        self.calls.append(f"remove {dev.name}")
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        dev.msleep(self.pause_ms)

    def rescan_done(self, dev: PciDev) -> None:
        self.calls.append("done")


@define
class Chassis:
    """Two root ports and what is said about them. `port` has `controls`, `other` is a plain PCI Express slot with a card."""

    world: World
    driver: Movable
    slots: SlotHandler
    reports: list[RescanReport] = field(factory=list)

    @classmethod
    def of(cls, *controls: str, pcie: PcieType | None = PcieType.ROOT_PORT, **cards: bool) -> Chassis:
        machine = Machine(APERTURES)
        machine.add_bridge("port", slot="01.0", hotplug=True, pcie=pcie, controls=controls)
        machine.add_bridge("other", slot="02.0", hotplug=True, pcie=PcieType.ROOT_PORT)
        machine.add("card", "port", "00.0", Card(), present=cards.get("card", False))
        machine.add("neighbour", "other", "00.0", Card())
        world = make_world(machine, APERTURES, RULES["v9"], fixup=_conventional)
        driver = Movable()
        register_driver(world.system, driver)
        reports: list[RescanReport] = []
        chassis = cls(world, driver, SlotHandler(world.engine, reports.append), reports)
        chassis.slots.listen()
        world.engine.boot()
        chassis.slots.take_over()
        chassis.run()
        driver.calls.clear()
        return chassis

    @property
    def port(self) -> Device:
        found = self.world.find("port")
        assert found is not None
        return found

    @property
    def slot(self) -> Slot:
        port = self.world.machine.function("port")
        assert isinstance(port, Bridge)
        assert port.slot is not None
        return port.slot

    def run(self, milliseconds: float = 0) -> None:
        self.world.system.ops.clock.advance(int(milliseconds * NS_PER_MS))

    def said(self) -> list[str]:
        """The hot-plug driver's log lines, without their head."""
        events = self.world.system.trace.of(What.LOG)
        return [event.text.split("Slot(0): ")[1] for event in events if "Slot(0): " in event.text]

    def lights(self) -> tuple[Led, Led]:
        """Power and attention."""
        express = self.world.machine.function("port").express
        assert express is not None
        value = self.world.machine.function("port").config.read(express.offset + regs.EXP_SLTCTL, 2)
        return Led(value >> 8 & 3), Led(value >> 6 & 3)

    @property
    def is_known(self) -> bool:
        return self.world.find("card") is not None


def _conventional(device: Device) -> None:
    """The platform knows which bridges are hot-plug ones."""
    device.row.is_hotplug |= device.label == "port"
