"""Puts the BAR registers back in rescan_done, as if it were a resume."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C30", ("C03", "C04", "C01")
MODEL = EduModel


class WritesBars(Edu):
    """Turns decode off before the move and on afterwards."""

    name = "writes-bars"

    def rescan_prepare(self, dev: PciDev) -> None:
        super().rescan_prepare(dev)
        dev.write_config_word(4, dev.read_config_word(4) & ~2)

    def rescan_done(self, dev: PciDev) -> None:
        dev.write_config_word(4, dev.read_config_word(4) | 2)
        super().rescan_done(dev)
