"""Takes whatever comes back for the answer."""

from __future__ import annotations

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C08", ()
MODEL = EduModel


class BelievesItAll(Edu):
    """A result is a result."""

    name = "believes-it-all"

    def exercise(self, dev: PciDev) -> None:
        dev.drvdata.writel(10, r.FACTORIAL)
        dev.msleep(1)
        dev.drvdata.readl(r.FACTORIAL)
