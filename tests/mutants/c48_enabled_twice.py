"""Enables once more in every rescan_done."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C48", ()
MODEL = EduModel


class EnabledTwice(Edu):
    """Never gives those back."""

    name = "enabled-twice"

    def rescan_done(self, dev: PciDev) -> None:
        dev.enable_device()
        super().rescan_done(dev)
