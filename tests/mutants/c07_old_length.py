"""Remembers how long its BAR was at probe."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciId

RULE, CONSEQUENCES = "C07", ()
MODEL = EduModel


class OldLength(Edu):
    """The last register is where it was, it thinks."""

    name = "old-length"

    def __init__(self) -> None:
        super().__init__()
        self.length = 0

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self.length = max(self.length, dev.resource_len(0))

    def exercise(self, dev: PciDev) -> None:
        super().exercise(dev)
        dev.drvdata.readl(self.length - 4)
