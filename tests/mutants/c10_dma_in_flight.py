"""Does not wait for the card's DMA in rescan_prepare."""

from __future__ import annotations

import errno

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciError

RULE, CONSEQUENCES = "C10", ("C15", "C42", "C05", "C12", "C03")
MODEL = EduModel


class DmaInFlight(Edu):
    """A round of I/O is a transfer to the card, polled for."""

    name = "dma-in-flight"

    def exercise(self, dev: PciDev) -> None:
        buffer = dev.dma_alloc_coherent(64)
        try:
            for offset, value in (
                (r.DMA_SOURCE, buffer.address),
                (r.DMA_DESTINATION, r.DMA_BUFFER),
                (r.DMA_COUNT, 64),
                (r.DMA_COMMAND, r.DMA_START),
            ):
                dev.drvdata.writeq(value, offset)
            if not dev.wait_for(lambda: not dev.drvdata.readq(r.DMA_COMMAND) & r.DMA_START, timeout_ms=10):
                raise PciError(errno.ETIMEDOUT, f"{dev.name}: the transfer did not end")
        finally:
            dev.dma_free_coherent(buffer)
