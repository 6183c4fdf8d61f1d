"""A correct driver of a network card with all that such cards have: a ring, MSI-X, doorbells in a BAR of their own."""

from __future__ import annotations

import errno
import struct
from typing import Any

from attrs import define

from mockbus.bar import BarSpec
from mockbus.capabilities import MsiX, Pm
from mockbus.model import DeviceModel
from movsdk import DmaBuffer, Gate, IoMem, PciDev, PciError, PciId
from movsdk.clock import NS_PER_US
from movsdk.pci_regs import BarKind

IDENTITY, RING, BUFFER, HEAD, TAIL, ENABLE = 0x00, 0x10, 0x18, 0x20, 0x24, 0x28
ENTRIES, ENTRY = 16, struct.Struct("<QII")
FRAME = b"a frame of bytes"


class NicModel(DeviceModel):
    """Copies the frame that a descriptor names into the receive buffer, 30 us each; interrupts on vector 0."""

    vendor_id, device_id, class_code = 0x1AF4, 0x2002, 0x020000
    bars = (
        BarSpec(0, BarKind.MEM64, 0x4000),
        BarSpec(2, BarKind.PREF64, 0x10000, content="ram"),
        BarSpec(4, BarKind.MEM32, 0x2000),
    )
    capabilities = (Pm(), MsiX(4, (4, 0), (4, 0x1000)))

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.values = dict.fromkeys((RING, BUFFER, HEAD, TAIL, ENABLE), 0)
        self.is_busy = False

    def read(self, bar: int, offset: int, size: int) -> int:
        return 0xE1000 if offset == IDENTITY else self.values.get(offset, 0)

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        if bar == 0:
            self.values[offset] = value
            self._kick()

    def _kick(self) -> None:
        if not self.is_busy and self.values[ENABLE] and self.values[HEAD] != self.values[TAIL]:
            self.is_busy = True
            values = self.values
            self.clock.call_later(30 * NS_PER_US, lambda: self._send() if values is self.values else None)

    def _send(self) -> None:
        self.is_busy = False
        if not self.function.present or not self.values[ENABLE]:
            return
        address, length, _ = ENTRY.unpack(self.dma_read(self.values[RING] + ENTRY.size * self.values[HEAD], ENTRY.size))
        self.dma_write(self.values[BUFFER], self.dma_read(address, length))
        self.values[HEAD] = (self.values[HEAD] + 1) % ENTRIES
        self.raise_irq(0)
        self._kick()


@define(eq=False)
class Card:
    """One network card; its memory stays, all else is taken anew."""

    dev: PciDev
    gate: Gate
    ring: DmaBuffer
    sent: DmaBuffer
    received: DmaBuffer
    regs: IoMem | None = None
    doorbell: IoMem | None = None
    watchdog: Any = None
    vectors: int = 0
    interrupts: int = 0
    tail: int = 0

    def up(self) -> None:
        try:
            self._take()
        except PciError:
            self._give_back()
            raise

    def _take(self) -> None:
        self.dev.request_regions("nic")
        self.regs, self.doorbell = self.dev.iomap(0), self.dev.iomap(2, 0, 0x1000, wc=True)
        self.vectors = self.dev.alloc_irq_vectors(1, 2)
        for vector in range(self.vectors):
            self.dev.request_irq(vector, self._interrupt, f"nic-{vector}")
        if self.regs.readl(IDENTITY) != 0xE1000:
            raise PciError(errno.ENODEV, f"{self.dev.name}: no answer")
        self.regs.writeq(self.ring.address, RING)
        self.regs.writeq(self.received.address, BUFFER)
        for value, register in ((0, HEAD), (0, TAIL), (1, ENABLE)):
            self.regs.writel(value, register)
        self.tail = 0
        self.watchdog = self.dev.queue_work(self._watch, delay_ms=1000)

    def down(self) -> None:
        if self.regs is None:
            return
        regs = self.regs
        self.watchdog.cancel()
        self.dev.wait_for(lambda: regs.readl(HEAD) in (self.tail, 0xFFFF_FFFF), timeout_ms=5)
        regs.writel(0, ENABLE)
        for vector in range(self.vectors):
            self.dev.synchronize_irq(vector)
            self.dev.free_irq(vector)
        self._give_back()

    def _give_back(self) -> None:
        self.dev.free_irq_vectors()
        for mapping in (self.regs, self.doorbell):
            if mapping is not None:
                mapping.iounmap()
        self.regs = self.doorbell = None
        self.dev.release_regions()

    def send(self, frame: bytes) -> None:
        with self.gate.entered():
            if self.regs is None or self.doorbell is None:
                raise PciError(errno.ENODEV, f"{self.dev.name}: down")
            self.sent.view[: len(frame)], self.received.view[: len(frame)] = frame, bytes(len(frame))
            ENTRY.pack_into(self.ring.view, ENTRY.size * self.tail, self.sent.address, len(frame), 0)
            self.tail = (self.tail + 1) % ENTRIES
            self.doorbell.writel(self.tail, 0)
            self.regs.writel(self.tail, TAIL)

    def _interrupt(self) -> None:
        self.interrupts += 1

    def _watch(self) -> None:
        if self.regs is not None and self.regs.readl(IDENTITY) == 0xE1000:
            self.watchdog = self.dev.queue_work(self._watch, delay_ms=1000)


class Nic:
    """Drains the ring before a move and goes on with an empty one; callers wait at a gate."""

    name = "nic"
    id_table = (PciId(NicModel.vendor_id, NicModel.device_id),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.set_master()
        ring, sent, received = (dev.dma_alloc_coherent(1024) for _ in range(3))
        dev.drvdata = Card(dev, Gate(f"{dev}.send"), ring, sent, received)
        dev.drvdata.up()

    def remove(self, dev: PciDev) -> None:
        card: Card = dev.drvdata
        card.gate.kill()
        card.down()
        for buffer in (card.ring, card.sent, card.received):
            dev.dma_free_coherent(buffer)
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev.drvdata.regs is not None:
            dev.drvdata.gate.freeze()
            dev.drvdata.down()

    def rescan_done(self, dev: PciDev) -> None:
        if dev.drvdata.regs is None:
            try:
                dev.drvdata.up()
            finally:
                if dev.drvdata.gate.depth:
                    dev.drvdata.gate.unfreeze()

    def exercise(self, dev: PciDev) -> None:
        card: Card = dev.drvdata
        card.send(FRAME)
        if not dev.wait_for(lambda: bytes(card.received.view[: len(FRAME)]) == FRAME, timeout_ms=20):
            raise PciError(errno.EIO, f"{dev.name}: a frame was lost")
