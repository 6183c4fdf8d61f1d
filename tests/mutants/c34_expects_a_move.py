"""Takes an unchanged address for an error."""

from __future__ import annotations

import errno

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciError

RULE, CONSEQUENCES = "C34", ("C33", "C37", "C47", "C05", "C07", "C35", "C43")
MODEL = EduModel


class ExpectsAMove(Edu):
    """Refuses to start where it was."""

    name = "expects-a-move"

    def rescan_prepare(self, dev: PciDev) -> None:
        self.before = {**getattr(self, "before", {}), dev.slot_path: dev.drvdata.start if dev.drvdata else 0}
        super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        if dev.resource_start(0) == self.before.get(dev.slot_path):
            raise PciError(errno.EINVAL, f"{dev.name}: nothing has moved")
        super().rescan_done(dev)
