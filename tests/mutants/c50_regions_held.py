"""Keeps its regions requested while the BAR moves."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C50", ("C07", "C35", "C43", "C12")
MODEL = EduModel


class RegionsHeld(Edu):
    """Requests once, in probe, and releases in remove."""

    name = "regions-held"

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev.drvdata is None:
            return
        dev.wait_for(lambda: not self._is_computing(dev), timeout_ms=10)
        dev.synchronize_irq(0)
        dev.free_irq(0)
        dev.drvdata.iounmap()
        dev.drvdata = None
        dev.free_irq_vectors()

    def rescan_done(self, dev: PciDev) -> None:
        dev.alloc_irq_vectors(1, 1)
        dev.drvdata = dev.iomap(0)
        dev.request_irq(0, lambda: self._interrupt(dev), self.name)
