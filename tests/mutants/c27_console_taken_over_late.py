"""Takes the display over from the console in rescan_done, when its BAR is elsewhere already."""

from __future__ import annotations

from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C27", ()
MODEL = GpuModel


class ConsoleTakenOverLate(Gpu):
    """Between the move and that line each message of the log is drawn at the old place."""

    name = "console-taken-over-late"

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        return False

    def rescan_done(self, dev: PciDev) -> None:
        super()._take_over(dev)
        super().rescan_done(dev)

    def _take_over(self, dev: PciDev) -> None:
        """Later."""
