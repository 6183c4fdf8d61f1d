"""A small machine with a kernel beside it: one port, cards at firmware addresses, and a hand that moves BARs.

Twin: the bench, before there was one: silicon from mockbus, belief from the scan and the claims, nothing placed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from attrs import define, field

from mockbus import BarKind, BarSpec, DeviceModel, Function, Machine, Msi, MsiX, Pm
from mockbus.capabilities import CapabilitySpec
from movsdk.address import Span
from movsdk.hooks import PciId
from movsdk.kernel.claim import claim_firmware_values
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import PciDev, view_of
from movsdk.kernel.probe import scan_child_bus
from movsdk.kernel.setup import write_bar
from movsdk.kernel.system import System
from movsdk.layout.table import IO, MEM, MEM_64, PREF, Resource
from movsdk.pci_regs import CAP_ID_PM, CAPABILITY_LIST, COMMAND, COMMAND_MASTER, STATUS, STATUS_CAP_LIST

MEM_START, PORT_START, PREF_START = 0xE000_0000, 0x1000, 0x10_0000_0000
TABLE, PBA = 0x800, 0xC00  # MSI-X in BAR 0
_WINDOWS = {
    "bus": (0, 1, 1),
    "io": Span(PORT_START, 0x1FFF),
    "mem": Span(MEM_START, MEM_START + 0x7F_FFFF),
    "pref": Span(PREF_START, PREF_START + 0x7F_FFFF),
}

EDU = [PciId(0x1234, 0x11E8)]


def driver_of(**members: Any) -> type:
    """A driver class with these members beside a good name, id table and probe."""
    return type("Edu", (), {"name": "edu", "id_table": EDU, "probe": lambda self, dev, id: None, **members})


class Card(DeviceModel):
    """Scratch registers at BAR 0, memory at BAR 2, ports at BAR 4; writing 0x100 raises an interrupt."""

    vendor_id, device_id, class_code = 0x1234, 0x11E8, 0x00FF00
    bars: tuple[BarSpec, ...] = (
        BarSpec(0, BarKind.MEM32, 0x1000),
        BarSpec(2, BarKind.PREF64, 0x10_0000, content="ram"),
        BarSpec(4, BarKind.IO, 0x20),
    )
    capabilities: tuple[CapabilitySpec, ...] = (Pm(), MsiX(4, (0, TABLE), (0, PBA)), Msi(4))

    def __init__(self) -> None:
        self.registers: dict[tuple[int, int], int] = {}

    def read(self, bar: int, offset: int, size: int) -> int:
        if offset == 0x200:
            return self.bad_access(bar, offset, size)
        return self.registers.get((bar, offset), 0)

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        if offset == 0x100:
            self.raise_irq(value)
        self.registers[bar, offset] = value


class MsiCard(Card):
    """A card without MSI-X."""

    capabilities = (Pm(no_soft_reset=False), Msi(4))


class PinCard(Card):
    """A card with nothing but its pin."""

    capabilities = ()


def grab(dev: PciDev) -> None:
    """Take one of everything a driver can hold."""
    dev.enable_device()
    dev.set_master()
    dev.request_regions("edu")
    dev.drvdata = dev.iomap(0)
    dev.alloc_irq_vectors(1, 2)
    dev.request_irq(0, lambda: None, "edu-0")
    dev.dma_alloc_coherent(0x2000)
    dev.queue_work(lambda: None, delay_ms=5)


def assert_nothing_is_held(device: Device) -> None:
    """Everything went back to the core."""
    held = device.view.held
    assert not any([held.regions, held.mappings, held.vectors, held.buffers, held.works])
    assert (device.driver, device.drvdata, device.row.is_bound, device.row.enable_cnt) == (None, None, False, 0)
    assert not device.config_read(COMMAND, 2) & COMMAND_MASTER


@define(eq=False)
class Rig:
    """Silicon and belief. `cards` sit on the root bus at slots 01.0, 02.0, …, each 1 MiB from the last, with decode off."""

    machine: Machine
    system: System
    models: dict[str, Card] = field(factory=dict)

    @classmethod
    def of(cls, *cards: Card, behind_port: bool = False, port_sleeps: bool = False, faults: str = "raise") -> Rig:
        apertures = [
            ("io", Span(PORT_START, 0xFFFF)),
            ("mem", Span(MEM_START, 0xEFFF_FFFF)),
            ("mem64", Span(PREF_START, PREF_START + (1 << 32) - 1)),
        ]
        machine = Machine(apertures)
        if behind_port:
            config = _sleepy_port() if port_sleeps else None
            machine.add_bridge("port", slot="1c.0", firmware=_WINDOWS, config=config)
        models = {}
        for number, card in enumerate(cards, start=1):
            label = f"card{number}"
            firmware = {
                0: MEM_START + (number << 20),
                2: PREF_START + (number << 20),
                4: PORT_START + (number << 8),
            }
            firmware = {spec.n: firmware[spec.n] for spec in card.bars}
            function = machine.add(label, "port" if behind_port else "root", f"{number:02x}.0", card, firmware=firmware)
            function.config_write(4, 2, 0)
            models[label] = card
        flags = {"io": IO, "mem": MEM, "mem64": MEM | PREF | MEM_64}
        windows_ = [Resource(n, None, span.start, span.last, flags[kind]) for n, (kind, span) in enumerate(apertures)]
        system = System(machine.fabric, windows_, faults=faults, label_of=machine.label_at)
        scan_child_bus(system.root)
        claim_firmware_values(system.root)
        return cls(machine, system, models)

    def device(self, label: str = "card1") -> Device:
        """The kernel's side of a card."""
        return next(device for device in self.system.devices() if device.label == label)

    def dev(self, label: str = "card1", *, enabled: bool = True) -> PciDev:
        """The driver's view of a card, enabled unless said otherwise."""
        view = view_of(self.device(label))
        if enabled:
            view.enable_device()
        return view

    def function(self, label: str = "card1") -> Function:
        """The silicon of a card."""
        return self.machine.function(label)

    def move(self, bar: int, start: int, label: str = "card1") -> None:
        """What the engine does to one BAR: another place, the register, and the generation."""
        device = self.device(label)
        resource = device.resources[bar]
        parent, size = resource.parent, resource.size
        assert parent is not None
        resource.detach()
        resource.set_span(start, start + size - 1)
        assert parent.insert(resource)
        write_bar(device, bar, start)
        device.generation[bar] += 1

    def lose(self, bar: int, label: str = "card1") -> None:
        """What the engine does to a BAR that found no place."""
        device = self.device(label)
        resource = device.resources[bar]
        resource.detach()
        resource.set_span(0, resource.size - 1)
        device.generation[bar] += 1

    def timeline(self, *words: str) -> list[str]:
        """Texts of the timeline that contain every word."""
        return [event.text for event in self.system.trace.events if all(word in event.text for word in words)]


def _sleepy_port() -> bytes:
    """Config space of the port with a power management capability that loses everything in D3hot."""
    port = Machine([]).add_bridge("port", slot="1c.0", firmware=_WINDOWS)
    config = bytearray(port.config.read(offset, 1) for offset in range(0x100))
    config[STATUS] |= STATUS_CAP_LIST
    config[CAPABILITY_LIST] = 0x40
    config[0x40:0x48] = bytes([CAP_ID_PM, 0, 3, 0, 0, 0, 0, 0])
    return bytes(config)


def ready(rig: Rig, label: str = "card1") -> PciDev:
    """A card that may send messages."""
    dev = rig.dev(label)
    dev.set_master()
    return dev


def listen(dev: PciDev, vectors: int) -> list[int]:
    """Allocate exactly so many vectors; each handler notes its number."""
    heard: list[int] = []
    assert dev.alloc_irq_vectors(vectors, vectors) == vectors
    for n in range(vectors):
        dev.request_irq(n, partial(heard.append, n), f"card-{n}")
    return heard


def raise_irq(rig: Rig, vector: int = 0, label: str = "card1") -> None:
    """The device raises an interrupt and time passes."""
    rig.models[label].raise_irq(vector)
    rig.system.ops.clock.run_pending()
