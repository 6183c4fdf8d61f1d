"""Trusts that hooks come in turn."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C33", ("C05", "C43", "C07", "C35")
MODEL = EduModel


class OnceOnly(Edu):
    """rescan_prepare twice finds no mapping and stumbles."""

    name = "once-only"

    def rescan_prepare(self, dev: PciDev) -> None:
        dev.drvdata.readl(0)
        super().rescan_prepare(dev)
