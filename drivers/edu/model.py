"""The edu card in silicon: liveness, factorials, an interrupt and a small DMA engine.

Twin: the public datasheet of QEMU's edu device; README.md next door. Computing takes 1 µs a factor, a transfer 100 µs.
An INTx interrupt is a pulse here, not a level.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from mockbus.bar import BarSpec
from mockbus.capabilities import Msi, Pm
from mockbus.model import DeviceModel
from movsdk.clock import NS_PER_US
from movsdk.pci_regs import BarKind

from . import regs as r

FACTOR_TIME = 1 * NS_PER_US
DMA_TIME = 100 * NS_PER_US
_DMA_REGISTERS = (r.DMA_SOURCE, r.DMA_DESTINATION, r.DMA_COUNT, r.DMA_COMMAND)


class EduModel(DeviceModel):
    """`buffer` is the card's own memory, `values` are its registers by offset."""

    vendor_id, device_id, revision, class_code = r.VENDOR, r.DEVICE, 0x10, 0x00FF00
    bars = (BarSpec(0, BarKind.MEM32, r.BAR_SIZE),)
    capabilities = (Pm(), Msi())

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything, also what was being computed."""
        self.buffer = bytearray(r.DMA_BUFFER_SIZE)
        self.values = dict.fromkeys((r.LIVENESS, r.FACTORIAL, r.STATUS, r.IRQ_STATUS, *_DMA_REGISTERS), 0)

    def read(self, bar: int, offset: int, size: int) -> int:
        """Unused and write-only offsets read as zero."""
        if not _is_allowed(offset, size):
            return self.bad_access(bar, offset, size)
        return r.IDENTITY if offset == r.IDENTIFICATION else self.values.get(offset, 0)

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        """Writes to unused and read-only offsets vanish; so do those to an engine that is busy."""
        if not _is_allowed(offset, size):
            self.bad_access(bar, offset, size, "write")
        elif offset == r.LIVENESS:
            self.values[r.LIVENESS] = ~value
        elif offset == r.STATUS:
            self.values[r.STATUS] = self.values[r.STATUS] & r.STATUS_COMPUTING | value & r.STATUS_IRQ_WHEN_DONE
        elif offset == r.FACTORIAL and not self.values[r.STATUS] & r.STATUS_COMPUTING:
            self._compute(value)
        elif offset == r.IRQ_RAISE:
            self._interrupt(value)
        elif offset == r.IRQ_ACK:
            self.values[r.IRQ_STATUS] &= ~value
        elif offset in _DMA_REGISTERS and not self.values[r.DMA_COMMAND] & r.DMA_START:
            self.values[offset] = value
            if offset == r.DMA_COMMAND and value & r.DMA_START:
                self._later(DMA_TIME, self._transfer)

    def _later(self, delay: int, finish: Callable[[], None]) -> None:
        """Call `finish` in `delay` ns, unless the card is reset or pulled before."""
        values = self.values
        self.clock.call_later(delay, lambda: finish() if values is self.values and self.function.present else None)

    def _interrupt(self, reasons: int) -> None:
        self.values[r.IRQ_STATUS] |= reasons
        self.raise_irq()

    def _compute(self, n: int) -> None:
        def finish() -> None:
            # From 34 on, n! has more than 32 factors of two: nothing is left of it in 32 bits.
            self.values[r.FACTORIAL] = math.factorial(n) if n < 34 else 0
            self.values[r.STATUS] &= ~r.STATUS_COMPUTING
            if self.values[r.STATUS] & r.STATUS_IRQ_WHEN_DONE:
                self._interrupt(r.IRQ_FACTORIAL)

        self.values[r.STATUS] |= r.STATUS_COMPUTING
        self._later(min(n, 1000) * FACTOR_TIME, finish)

    def _transfer(self) -> None:
        source, destination, count, command = (self.values[offset] for offset in _DMA_REGISTERS)
        mine = (source if command & r.DMA_FROM_CARD else destination) - r.DMA_BUFFER
        host = (destination if command & r.DMA_FROM_CARD else source) & ((1 << r.DMA_ADDRESS_BITS) - 1)
        if mine < 0 or mine + count > r.DMA_BUFFER_SIZE:
            self.bad_access(0, r.DMA_COMMAND, 8, "write")  # the range leaves the buffer: nothing is moved
        elif command & r.DMA_FROM_CARD:
            self.dma_write(host, bytes(self.buffer[mine : mine + count]))
        else:
            self.buffer[mine : mine + count] = self.dma_read(host, count)
        self.values[r.DMA_COMMAND] &= ~r.DMA_START
        if command & r.DMA_IRQ_WHEN_DONE:
            self._interrupt(r.IRQ_DMA)


def _is_allowed(offset: int, size: int) -> bool:
    """4 bytes, or 8 from the DMA registers on; an aligned 4-byte access to an upper half meets an unused offset."""
    return size == 4 or (size == 8 and offset >= r.DMA_SOURCE)
