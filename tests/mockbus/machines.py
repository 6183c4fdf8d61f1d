"""Small machines that the tests of mockbus share: a port with one device, and the addresses they have.

Twin: a bench on a desk. Asserts nothing.
"""

from __future__ import annotations

from typing import Any

from mockbus.bar import BarSpec
from mockbus.capabilities import CapabilitySpec, Msi, MsiX, Pcie, Pm
from mockbus.model import DeviceModel
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.ops import Claim, Fault, FaultKind
from movsdk.pci_regs import BarKind

IO, MEM, PREF = 0x2000, 0xE000_0000, 1 << 40
APERTURES = [("io", Span(0x1000, 0xFFFF)), ("mem", Span(MEM, 0xEFFF_FFFF)), ("pref64", Span(PREF, (1 << 41) - 1))]
MSIX_TABLE, MSIX_PBA = 0x2000, 0x3000
COMMAND_ALL = 0x7


class Card(DeviceModel):
    """Registers in BAR 0 that count resets and remember accesses, memory in BAR 2, ports in BAR 4."""

    vendor_id, device_id, class_code = 0x1234, 0x0001, 0x020000
    bars = (
        BarSpec(0, BarKind.MEM32, 0x4000),
        BarSpec(2, BarKind.PREF64, 0x10_0000, content="ram"),
        BarSpec(4, BarKind.IO, 0x20),
        BarSpec(6, BarKind.ROM, 0x800, content="ram"),
    )
    capabilities: tuple[CapabilitySpec, ...] = (
        Pm(no_soft_reset=False),
        Msi(vectors=4),
        MsiX(8, table=(0, MSIX_TABLE), pba=(0, MSIX_PBA)),
        Pcie(flr=True),
    )
    config_size = 4096

    def __init__(self) -> None:
        self.resets = 0
        self.seen: list[tuple[Any, ...]] = []

    def read(self, bar: int, offset: int, size: int) -> int:
        self.seen.append(("read", bar, offset, size))
        return offset * 0x0101_0101_0101_0101

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        self.seen.append(("write", bar, offset, size, value))

    def reset(self) -> None:
        self.resets += 1


class Narrow(DeviceModel):
    """One register BAR that understands dwords at most, and no capabilities."""

    vendor_id, device_id = 0x1234, 0x0002
    bars = (BarSpec(0, BarKind.MEM32, 0x1000),)
    max_access = 4

    def __init__(self, value: int = 0) -> None:
        self.value = value
        self.seen: list[tuple[Any, ...]] = []

    def read(self, bar: int, offset: int, size: int) -> int:
        self.seen.append((offset, size))
        return self.value

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        self.seen.append((offset, size, value))


FIRMWARE = {0: MEM, 2: PREF, 4: IO}
PORT = {"bus": (0, 1, 1), "io": Span(IO, IO + 0xFFF), "mem": Span(MEM, MEM + 0x1FFFFF), "pref": Span(PREF, PREF + 0x1FFFFF)}


def desk(card: DeviceModel | None = None, **port: Any) -> Machine:
    """A hot-plug root port at 01.0 with a card below it, windows and BARs as firmware would leave them, all decoding."""
    machine = Machine(APERTURES)
    port.setdefault("pcie", regs.PcieType.ROOT_PORT)
    machine.add_bridge("port", slot="01.0", hotplug=True, firmware=PORT, **port)
    card = card or Card()
    machine.add("card", "port", "00.0", card, firmware={n: FIRMWARE[n] for n in FIRMWARE if n in {bar.n for bar in card.bars}})
    for label in machine.labels:
        set_command(machine, label, COMMAND_ALL)
    return machine


def set_command(machine: Machine, label: str, value: int) -> None:
    """Write COMMAND of a function by a config cycle."""
    function = machine.function(label)
    machine.fabric.config_write(function.bus_number, function.devfn, regs.COMMAND, 2, value)


def config(machine: Machine, label: str, offset: int, size: int = 4) -> int:
    """Read a register of a function by a config cycle."""
    function = machine.function(label)
    return machine.fabric.config_read(function.bus_number, function.devfn, offset, size)


def set_config(machine: Machine, label: str, offset: int, size: int, value: int) -> None:
    """Write a register of a function by a config cycle."""
    function = machine.function(label)
    machine.fabric.config_write(function.bus_number, function.devfn, offset, size, value)


def set_power(machine: Machine, label: str, state: int) -> None:
    """Write the power state of a function with a power management capability."""
    control = machine.function(label).power_control
    assert control is not None
    set_config(machine, label, control.offset + regs.PM_CTRL, 2, state)


def model(machine: Machine, label: str = "card") -> Any:
    """The model behind a function; of the type that the test put there."""
    return machine.function(label).model


def last(machine: Machine) -> Fault:
    """The newest fault."""
    return machine.fabric.faults[-1]


def told(machine: Machine) -> tuple[FaultKind, str, str]:
    """Kind, blocked and previous of the newest fault."""
    fault = last(machine)
    return fault.kind, fault.blocked, fault.previous


def claim(bar: int, offset: int, label: str = "card") -> Claim:
    """Name a place in a BAR."""
    return Claim(label, bar, offset)
