"""A card of scratch registers and drivers for it: a good one, and some that fail.

Twin: what a driver author brings to the bench.
"""

from __future__ import annotations

from mockbus import BarKind, BarSpec, DeviceModel
from movsdk.errors import PciError
from movsdk.hooks import PciId
from movsdk.kernel.pcidev import PciDev


class Model(DeviceModel):
    """One page of scratch registers."""

    vendor_id, device_id, class_code = 0x1234, 0x0001, 0x020000
    bars = (BarSpec(0, BarKind.MEM32, 0x1000),)

    def __init__(self) -> None:
        self.cells: dict[int, int] = {}

    def read(self, bar: int, offset: int, size: int) -> int:
        return self.cells.get(offset, 0)

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        self.cells[offset] = value


class Big(Model):
    """More than the mem aperture has room for."""

    bars = (BarSpec(0, BarKind.MEM32, 1 << 30),)


class Driver:
    """Maps BAR 0, and again where it has moved. `log` holds every hook."""

    name = "driver"
    id_table = (PciId(0x1234, 0x0001),)

    def __init__(self) -> None:
        self.log: list[str] = []

    def probe(self, dev: PciDev, id: PciId) -> None:
        self.log.append("probe")
        dev.enable_device()
        dev.drvdata = dev.iomap(0)

    def remove(self, dev: PciDev) -> None:
        self.log.append("remove")
        dev.drvdata.iounmap()
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        self.log.append("prepare")

    def rescan_done(self, dev: PciDev) -> None:
        self.log.append("done")
        if dev.resource_start(0) != dev.drvdata.start:
            dev.drvdata.iounmap()
            dev.drvdata = dev.iomap(0)

    def exercise(self, dev: PciDev) -> None:
        dev.drvdata.writel(0xC0FFEE, 0x10)
        assert dev.drvdata.readl(0x10) == 0xC0FFEE


class Refusing(Driver):
    """Does not want the card."""

    name = "refusing"

    def probe(self, dev: PciDev, id: PciId) -> None:
        raise PciError(5, "broken card")


class Crashing(Driver):
    """Has a bug in probe."""

    name = "crashing"

    def probe(self, dev: PciDev, id: PciId) -> None:
        raise KeyError("oops")


class CrashingDone(Driver):
    """Has a bug in rescan_done."""

    name = "crashing"

    def rescan_done(self, dev: PciDev) -> None:
        raise KeyError("oops")
