"""Asks the card whether its BAR may move, though the card is paused by then."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C36", ("C45",)
MODEL = EduModel


class LooksItUp(Edu):
    """A question is to be answered from memory."""

    name = "looks-it-up"

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        return dev.read_config_word(0) == 0xFFFF
