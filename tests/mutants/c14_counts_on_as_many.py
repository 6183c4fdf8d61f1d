"""Asks for the number of vectors it got at probe, and gives up if there are fewer now."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from mockbus.capabilities import Msi, Pm
from movsdk import PciDev

RULE, CONSEQUENCES = "C14", ()
QUEUES = 2


class TwoMessages(EduModel):
    """An edu card that can send two messages."""

    capabilities = (Pm(), Msi(QUEUES))


MODEL = TwoMessages


class CountsOnAsMany(Edu):
    """One vector would do: probe takes what there is."""

    name = "counts-on-as-many"

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[PciDev, int] = {}

    def _start(self, dev: PciDev) -> None:
        dev.request_regions(self.name)
        least = self.counts.get(dev, 1)
        self.counts[dev] = dev.alloc_irq_vectors(least, QUEUES)
        dev.request_irq(0, lambda: self._interrupt(dev), self.name)
        dev.drvdata = dev.iomap(0)
