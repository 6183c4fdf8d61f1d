"""Sleeps in its interrupt handler."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C32", ()
MODEL = EduModel


class SleepsInHandler(Edu):
    """Gives the card a millisecond."""

    name = "sleeps-in-handler"

    def _interrupt(self, dev: PciDev) -> None:
        dev.msleep(0.001)
        super()._interrupt(dev)
