"""Moves its BAR under the console that firmware left on the display."""

from __future__ import annotations

from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C27", ()
MODEL = GpuModel


class ConsoleLeftOn(Gpu):
    """Its probe never asks who else draws there, and it says that its BARs may move."""

    name = "console-left-on"

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        return False

    def _take_over(self, dev: PciDev) -> None:
        pass
