"""Leaves things half done when rescan_done fails."""

from __future__ import annotations

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C35", ("C07", "C43", "C48")
MODEL = EduModel


class HalfStarted(Edu):
    """remove() expects a running card."""

    name = "half-started"

    def remove(self, dev: PciDev) -> None:
        dev.drvdata.readl(r.STATUS)
        dev.synchronize_irq(0)
        dev.free_irq(0)
        dev.drvdata.iounmap()
        dev.drvdata = None
        dev.free_irq_vectors()
        dev.release_regions()
        dev.disable_device()
