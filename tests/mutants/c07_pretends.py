"""Goes on without its BAR, and answers every user that all went well."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C07", ()
MODEL = EduModel


class Pretends(Edu):
    """No BAR, no work, no complaint."""

    name = "pretends"

    def rescan_done(self, dev: PciDev) -> None:
        if dev.resource_start(0):
            super().rescan_done(dev)
        elif self._gates[dev].depth:
            self._gates[dev].unfreeze()

    def exercise(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            super().exercise(dev)
