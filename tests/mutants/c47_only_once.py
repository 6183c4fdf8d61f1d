"""Stops for the first rescan only."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C47", ("C37", "C35", "C43", "C07", "C42", "C05", "C33", "C12")
MODEL = EduModel


class OnlyOnce(Edu):
    """A flag that rescan_done does not take back."""

    name = "only-once"

    def __init__(self) -> None:
        super().__init__()
        self._stopped: set[object] = set()

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev.slot_path not in self._stopped:
            super().rescan_prepare(dev)
        self._stopped.add(dev.slot_path)

    def rescan_done(self, dev: PciDev) -> None:
        if dev.drvdata is None:
            super().rescan_done(dev)
