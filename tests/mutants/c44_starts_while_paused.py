"""slot_reset starts the card, whether or not a rescan has it paused."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C44", ()
MODEL = EduModel


class StartsWhilePaused(Edu):
    """Recovery is the same at any time, it thinks."""

    name = "starts-while-paused"

    def error_detected(self, dev: PciDev, state: int) -> None:
        if dev.drvdata is not None:
            self._stop(dev)

    def slot_reset(self, dev: PciDev) -> None:
        if dev.drvdata is None:
            self._start(dev)
