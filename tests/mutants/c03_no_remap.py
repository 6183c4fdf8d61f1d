"""Unmaps in rescan_prepare and forgets to map again."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C03", ("C34", "C07", "C35", "C43", "C48", "C42", "C12")
MODEL = EduModel


class NoRemap(Edu):
    """Takes regions and interrupt back, and goes on with the closed mapping."""

    name = "no-remap"

    def rescan_prepare(self, dev: PciDev) -> None:
        dev.synchronize_irq(0)
        dev.free_irq(0)
        dev.free_irq_vectors()
        dev.drvdata.iounmap()
        dev.release_regions()

    def rescan_done(self, dev: PciDev) -> None:
        dev.request_regions(self.name)
        dev.alloc_irq_vectors(1, 1)
        dev.request_irq(0, lambda: self._interrupt(dev), self.name)
