"""Looks at BAR 0 to see whether something moved."""

from __future__ import annotations

from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C04", ("C01", "C20", "C06", "C50", "C45", "C44", "C35", "C23", "C21")
MODEL = GpuModel


class OnlyTheFirstBar(Gpu):
    """Maps again if BAR 0 is elsewhere; keeps everything if it is not."""

    name = "only-the-first-bar"

    def rescan_prepare(self, dev: PciDev) -> None:
        regs = dev.drvdata.regs
        self._wait_idle(dev)
        regs.writel(0, 0x14)  # interrupts off
        regs.writel(0, 0x200)  # scanout off
        dev.synchronize_irq(0)
        dev.release_regions()

    def rescan_done(self, dev: PciDev) -> None:
        card = dev.drvdata
        if card.regs.start != dev.resource_start(0):
            self._start(dev)
            return
        dev.request_regions(self.name)
        card.regs.writel(3, 0x14)
        self._program_scanout(dev)
