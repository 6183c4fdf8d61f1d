"""Frees its interrupt in rescan_prepare and does not ask for it again."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C13", ("C33", "C34", "C43", "C48", "C35", "C12")
MODEL = EduModel


class NoVector(Edu):
    """Computes by polling afterwards, so nobody notices."""

    name = "no-vector"

    def rescan_done(self, dev: PciDev) -> None:
        dev.request_regions(self.name)
        dev.drvdata = dev.iomap(0)
        self._gates[dev].unfreeze()

    def _stop(self, dev: PciDev) -> None:
        if dev.held.vectors:
            dev.synchronize_irq(0)
            dev.free_irq(0)
            dev.free_irq_vectors()
        if dev.drvdata is not None:
            dev.drvdata.iounmap()
            dev.drvdata = None
        dev.release_regions()
