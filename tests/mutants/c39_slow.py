"""Sleeps half a second in rescan_prepare, to be sure."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C39", ()
MODEL = EduModel


class Slow(Edu):
    """Advice, not a breach."""

    name = "slow"

    def rescan_prepare(self, dev: PciDev) -> None:
        dev.msleep(500)
        super().rescan_prepare(dev)
