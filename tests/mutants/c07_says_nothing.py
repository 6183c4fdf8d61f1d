"""Takes a lost BAR lightly: rescan_done says that all is well."""

from __future__ import annotations

from contextlib import suppress

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciError

RULE, CONSEQUENCES = "C07", ("C35", "C43")
MODEL = EduModel


class SaysNothing(Edu):
    """Ignores what iomap() says."""

    name = "says-nothing"

    def rescan_done(self, dev: PciDev) -> None:
        with suppress(PciError):
            super().rescan_done(dev)
            return
        if self._gates[dev].depth:
            self._gates[dev].unfreeze()
