"""Maps VRAM write-combined in probe and uncached after a move."""

from __future__ import annotations

from drivers.gpu import regs as r
from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from movsdk import IoMem, PciDev

RULE, CONSEQUENCES = "C06", ()
MODEL = GpuModel


class Uncached(Gpu):
    """Forgets wc= the second time."""

    name = "uncached"

    def _map(self, dev: PciDev, bar: int) -> IoMem:
        is_first = bar not in dev.drvdata.seen_at
        mapping = super()._map(dev, bar)
        if is_first or bar != r.VRAM_BAR:
            return mapping
        mapping.iounmap()
        return dev.iomap(bar)
