"""Lets its BAR move before it was used, and after every second use."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C36", ()
MODEL = EduModel


class AnswersByUse(Edu):
    """The number of rounds is no reason for anything."""

    name = "answers-by-use"

    def __init__(self) -> None:
        super().__init__()
        self.rounds = 0

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        return self.rounds % 2 == 1

    def exercise(self, dev: PciDev) -> None:
        super().exercise(dev)
        self.rounds += 1
