"""Keeps the number of vectors in the class: a card that gets fewer decides for all others."""

from __future__ import annotations

from drivers.edu.driver import Edu
from movsdk import PciDev

from .c14_counts_on_as_many import TwoMessages

RULE, CONSEQUENCES = "C14", ()
MODEL = TwoMessages


class OneCountForAll(Edu):
    """With one card, or with equal ones, nobody notices."""

    name = "one-count-for-all"
    count = 0

    def _start(self, dev: PciDev) -> None:
        dev.request_regions(self.name)
        type(self).count = dev.alloc_irq_vectors(1, 2)
        for n in range(self.count):
            dev.request_irq(n, lambda: self._interrupt(dev), f"{self.name}-{n}")
        dev.drvdata = dev.iomap(0)

    def _stop(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            for n in range(self.count):
                dev.synchronize_irq(n)
                dev.free_irq(n)
            dev.drvdata.iounmap()
            dev.drvdata = None
        dev.free_irq_vectors()
        dev.release_regions()
