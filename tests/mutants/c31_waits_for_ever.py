"""Waits in rescan_prepare for something that only rescan_done can bring."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C31", ()
MODEL = EduModel


class WaitsForEver(Edu):
    """The flag is set by rescan_done."""

    name = "waits-for-ever"
    is_ready = False

    def rescan_prepare(self, dev: PciDev) -> None:
        while not self.is_ready:
            dev.msleep(10)
        super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        self.is_ready = True
