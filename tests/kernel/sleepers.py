"""Two ports that can sleep, a card that can, and a driver that notes what it is told. Twin: a laptop on battery."""

from __future__ import annotations

import errno

from mockbus import BarKind, BarSpec, DeviceModel, Machine, Pm
from mockbus.capabilities import CapabilitySpec
from movsdk.address import Span
from movsdk.bench.world import World, make_world
from movsdk.clock import NS_PER_MS
from movsdk.errors import PciError
from movsdk.hooks import PciId
from movsdk.kernel.binding import register_driver
from movsdk.kernel.cmdline import CommandLine
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import PciDev
from movsdk.pci_regs import CAP_ID_PM, MEMORY_BASE, PRIMARY_BUS
from movsdk.rescan.rules import RULES
from movsdk.rescan.rules.record import Rules

M = 1 << 20
START = 0xE000_0000
PORT = bytes.fromhex("361b0100 06001000 00000406 00000100".replace(" ", "")).ljust(0x34, b"\0") + b"\x40"
SLEEPY_PORT = PORT.ljust(0x40, b"\0") + bytes([CAP_ID_PM, 0, 3, 0, 8, 0, 0, 0])


class Card(DeviceModel):
    """A card that keeps its registers in D3hot."""

    vendor_id, device_id = 0x1234, 0x11E8
    bars: tuple[BarSpec, ...] = (BarSpec(0, BarKind.MEM32, M),)
    capabilities: tuple[CapabilitySpec, ...] = (Pm(),)

    def read(self, bar: int, offset: int, size: int) -> int:
        return 0xCAFE

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        """Nothing to write."""


class Sleeper:
    """Movable; notes what it is told, and may refuse to sleep."""

    name, id_table = "sleeper", [PciId(0x1234)]

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.busy = False

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        """Stopping takes a second."""
        self.calls.append("prepare")
        dev.msleep(1000)

    def rescan_done(self, dev: PciDev) -> None:
        self.calls.append("done")

    def suspend(self, dev: PciDev, state: int) -> None:
        if self.busy:
            raise PciError(errno.EBUSY, "in use")
        self.calls.append(f"suspend {state}")

    def resume(self, dev: PciDev) -> None:
        self.calls.append(f"resume {dev.iomap(0).readl(0):#x}")


def world(rules: str | Rules = "v9", *, gap: int = 0, port_pm: str | None = None) -> tuple[World, Sleeper]:
    """Two ports that can sleep: a card behind the first, `gap` MiB above the bottom; nothing behind the second."""
    machine = Machine([("mem", Span(START, START + 64 * M - 1))])
    where = START + gap * M
    for n in (1, 2):
        bridge = machine.add_bridge(f"p{n}", slot=f"0{n}.0", config=SLEEPY_PORT, prefetchable=None, io=False)
        bridge.config_write(PRIMARY_BUS, 4, n << 8 | n << 16)
        if n == 1:
            bridge.config_write(MEMORY_BASE, 4, where >> 16 & 0xFFF0 | where & 0xFFF0_0000)
    machine.add("card", "p1", "00.0", Card(), firmware={0: where})
    machine.add("late", "p2", "00.0", Card(), present=False)
    made = make_world(
        machine,
        [("mem", Span(START, START + 64 * M - 1))],
        RULES[rules] if isinstance(rules, str) else rules,
        command_line=CommandLine(port_pm=port_pm),
    )
    driver = Sleeper()
    register_driver(made.system, driver)
    made.engine.boot()
    return made, driver


def device(made: World, label: str) -> Device:
    found = made.find(label)
    assert found is not None
    return found


def run(made: World, milliseconds: float) -> None:
    made.system.ops.clock.advance(int(milliseconds * NS_PER_MS))


def states(made: World) -> dict[str, str]:
    return {each.label: each.current_state.name for each in made.system.devices()}
