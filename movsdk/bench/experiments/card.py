"""The card of the experiments: one register that always reads the same, and a driver that keeps looking at it.

Twin: a watchdog card and its driver. The driver does in each hook what the contract asks for and nothing else.
"""

from __future__ import annotations

from typing import Final

from attrs import define

from mockbus.bar import BarSpec
from mockbus.capabilities import Pm
from mockbus.model import DeviceModel
from movsdk.hooks import PciId
from movsdk.kernel.mmio import IoMem
from movsdk.kernel.pcidev import PciDev
from movsdk.pci_regs import BarKind

VALUE: Final = 0x600D_CA4D
_ID: Final = PciId(0x6D76, 0x0021)


class CardModel(DeviceModel):
    """4 KiB of registers, all of which read `VALUE`. D3hot does not make it forget its configuration."""

    vendor_id, device_id, class_code = _ID.vendor, _ID.device, 0xFF0000
    bars = (BarSpec(0, BarKind.MEM32, 0x1000),)
    capabilities = (Pm(),)

    def read(self, bar: int, offset: int, size: int) -> int:
        """Always the same."""
        return VALUE & (1 << 8 * size) - 1


@define(eq=False)
class Watch:
    """What the driver keeps: its mapping, whether it may look, and what it saw."""

    regs: IoMem
    is_running: bool = True
    is_asleep: bool = False
    good: int = 0
    bad: int = 0

    def look(self) -> None:
        """Read the register, unless told to be quiet."""
        if self.is_running:
            is_good = self.regs.readl(0) == VALUE
            self.good, self.bad = self.good + is_good, self.bad + (not is_good)


class Watcher:
    """Drives the card. `dev.drvdata` is a `Watch`."""

    name = "watcher"
    id_table = (_ID,)

    def probe(self, dev: PciDev, id: PciId) -> None:
        """Enable, map, begin."""
        dev.enable_device()
        dev.drvdata = Watch(dev.iomap(0))

    def remove(self, dev: PciDev) -> None:
        """Undo `probe`."""
        dev.iounmap(dev.drvdata.regs)
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        """Be quiet and let go of the old place."""
        dev.drvdata.is_running = False
        dev.iounmap(dev.drvdata.regs)

    def rescan_done(self, dev: PciDev) -> None:
        """Map the new place and go on, unless asleep."""
        dev.drvdata.regs = dev.iomap(0)
        dev.drvdata.is_running = not dev.drvdata.is_asleep

    def suspend(self, dev: PciDev, state: int) -> None:
        """Be quiet."""
        dev.drvdata.is_running, dev.drvdata.is_asleep = False, True

    def resume(self, dev: PciDev) -> None:
        """Go on."""
        dev.drvdata.is_running, dev.drvdata.is_asleep = True, False
