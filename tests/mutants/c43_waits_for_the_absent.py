"""Waits in rescan_prepare for a card that was pulled."""

from __future__ import annotations

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C43", ("C08", "C33", "C35", "C07", "C13")
MODEL = EduModel


class WaitsForTheAbsent(Edu):
    """All-ones says "still computing", for ever."""

    name = "waits-for-the-absent"

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev.drvdata is None:
            return
        self._gates[dev].freeze()
        while dev.drvdata.readl(r.STATUS) & r.STATUS_COMPUTING:
            dev.msleep(1)
        self._stop(dev)
