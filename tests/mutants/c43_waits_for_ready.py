"""Waits in rescan_done until the card is ready, however long; a card that was pulled meanwhile never is."""

from __future__ import annotations

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C43", ()
MODEL = EduModel


class WaitsForReady(Edu):
    """Probe waits as well, which is another matter."""

    name = "waits-for-ready"

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        while dev.drvdata.readl(r.STATUS) & r.STATUS_COMPUTING:
            dev.msleep(1)
