"""Answers bar_fixed() by how often it was asked."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C36", ("C03", "C42")
MODEL = EduModel


class Moody(Edu):
    """Every third answer is no."""

    name = "moody"

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        self.asked += 1
        return self.asked % 3 == 0
