"""Asks for one to two vectors, and requests both whatever it got."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from mockbus.capabilities import Msi, Pm
from movsdk import PciDev, PciError

RULE, CONSEQUENCES = "C14", ()
MODEL_VECTORS = 2


class TwoMessages(EduModel):
    """An edu card that can send two messages."""

    capabilities = (Pm(), Msi(MODEL_VECTORS))


MODEL = TwoMessages


class AsksForTheSecond(Edu):
    """Says that one is enough, and does not mean it; the error is clean, and rightly taken for an answer if it meant it."""

    name = "asks-for-the-second"

    def _start(self, dev: PciDev) -> None:
        dev.request_regions(self.name)
        try:
            dev.alloc_irq_vectors(1, MODEL_VECTORS)
            for n in range(MODEL_VECTORS):
                dev.request_irq(n, lambda: self._interrupt(dev), f"{self.name}-{n}")
            dev.drvdata = dev.iomap(0)
        except PciError:
            dev.free_irq_vectors()
            dev.release_regions()
            raise

    def _stop(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            for n in range(MODEL_VECTORS):
                dev.synchronize_irq(n)
                dev.free_irq(n)
            dev.drvdata.iounmap()
            dev.drvdata = None
        dev.free_irq_vectors()
        dev.release_regions()
