"""Maps its BAR anew in each interrupt."""

from __future__ import annotations

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C32", ()
MODEL = EduModel


class MapsInHandler(Edu):
    """A short mapping for a short look; mapping may sleep."""

    name = "maps-in-handler"

    def _interrupt(self, dev: PciDev) -> None:
        regs = dev.iomap(0)
        regs.writel(regs.readl(r.IRQ_STATUS), r.IRQ_ACK)
        regs.iounmap()
