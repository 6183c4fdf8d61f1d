"""Leaves the card's interrupt on and its handler in place."""

from __future__ import annotations

from drivers.gpu import regs as r
from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C12", ("C05", "C03", "C43", "C33", "C07", "C35", "C34", "C45", "C44", "C23", "C21")
MODEL = GpuModel


class InterruptLeftOn(Gpu):
    """Vblanks go on while the card is paused; the handler only counts them."""

    name = "interrupt-left-on"

    def rescan_prepare(self, dev: PciDev) -> None:
        card = dev.drvdata
        self._wait_idle(dev)
        for mapping in (card.regs, card.vram):
            mapping.iounmap()
        card.regs = card.vram = None
        dev.release_regions()

    def _interrupt(self, dev: PciDev) -> None:
        card = dev.drvdata
        card.vblanks += 1
        if card.regs is not None:
            card.regs.writel(card.regs.readl(r.IRQ_STATUS), r.IRQ_STATUS)
