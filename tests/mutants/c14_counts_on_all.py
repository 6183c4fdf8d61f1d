"""Takes as many vectors as it gets, and later counts on the number it got at probe."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from mockbus.capabilities import Msi, Pm
from movsdk import PciDev

RULE, CONSEQUENCES = "C14", ()
QUEUES = 4


class FourMessages(EduModel):
    """An edu card that can send four messages."""

    capabilities = (Pm(), Msi(QUEUES))


MODEL = FourMessages


class CountsOnAll(Edu):
    """The last queue has the last vector."""

    name = "counts-on-all"

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[PciDev, list[str]] = {}

    def exercise(self, dev: PciDev) -> None:
        super().exercise(dev)
        assert self.names[dev][QUEUES - 1]

    def _start(self, dev: PciDev) -> None:
        dev.request_regions(self.name)
        self.names[dev] = [f"{self.name}-{n}" for n in range(dev.alloc_irq_vectors(1, QUEUES))]
        dev.drvdata = dev.iomap(0)
        for n, name in enumerate(self.names[dev]):
            dev.request_irq(n, lambda: self._interrupt(dev), name)

    def _stop(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            for n in range(len(self.names[dev])):
                dev.synchronize_irq(n)
                dev.free_irq(n)
            dev.drvdata.iounmap()
            dev.drvdata = None
        dev.free_irq_vectors()
        dev.release_regions()
