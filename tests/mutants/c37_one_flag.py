"""Keeps the state of all cards in the driver."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C37", ("C05", "C31", "C50", "C02", "C01", "C03", "C07", "C35", "C43")
MODEL = EduModel


class OneFlag(Edu):
    """One flag for all: the second card is never stopped."""

    name = "one-flag"
    is_stopped = False

    def rescan_prepare(self, dev: PciDev) -> None:
        if not self.is_stopped:
            super().rescan_prepare(dev)
        self.is_stopped = True

    def rescan_done(self, dev: PciDev) -> None:
        if self.is_stopped:
            super().rescan_done(dev)
        self.is_stopped = False
