"""Goes on writing into the BAR of another card while that one is paused."""

from __future__ import annotations

from mockbus import BarKind, BarSpec, DeviceModel
from movsdk import PciDev, PciId
from movsdk.clock import NS_PER_US

RULE, CONSEQUENCES = "C11", ("C10", "C43")
ADDRESS, LENGTH = 0, 8


class CopyEngine(DeviceModel):
    """Writes `LENGTH` bytes to `ADDRESS` every 100 µs, as long as the length is not zero."""

    vendor_id, device_id, class_code = 0x1AF4, 0x10FD, 0x088000
    bars = (BarSpec(0, BarKind.MEM32, 4096),)

    def __init__(self) -> None:
        self.values = {ADDRESS: 0, LENGTH: 0}
        self.is_running = False

    def reset(self) -> None:
        self.values = {ADDRESS: 0, LENGTH: 0}

    def read(self, bar: int, offset: int, size: int) -> int:
        return self.values.get(offset, 0)

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        self.values[offset] = value
        if self.values[LENGTH] and not self.is_running:
            self.is_running = True
            self._next()

    def _next(self) -> None:
        self.clock.call_later(100 * NS_PER_US, self._copy)

    def _copy(self) -> None:
        self.is_running = bool(self.values[LENGTH]) and self.function.present
        if self.is_running:
            self.dma_write(self.values[ADDRESS], bytes(self.values[LENGTH]))
            self._next()


MODEL = CopyEngine


class WritesToAPeer:
    """Unmaps its own registers and leaves the engine running."""

    name = "writes-to-a-peer"
    id_table = (PciId(CopyEngine.vendor_id, CopyEngine.device_id),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.set_master()
        dev.drvdata = dev.iomap(0)

    def remove(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            dev.drvdata.writeq(0, LENGTH)
            dev.drvdata.iounmap()
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            dev.drvdata.iounmap()
            dev.drvdata = None

    def rescan_done(self, dev: PciDev) -> None:
        if dev.drvdata is None:
            dev.drvdata = dev.iomap(0)

    def start_peer_writes(self, dev: PciDev, address: int, length: int) -> None:
        dev.drvdata.writeq(address, ADDRESS)
        dev.drvdata.writeq(length, LENGTH)

    def stop_peer_writes(self, dev: PciDev) -> None:
        dev.drvdata.writeq(0, LENGTH)
