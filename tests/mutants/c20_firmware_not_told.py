"""Does not tell the card's firmware where VRAM is now."""

from __future__ import annotations

from drivers.gpu import regs as r
from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C20", ("C03", "C04", "C37", "C47", "C05", "C42", "C45", "C38", "C46")
MODEL = GpuModel


class FirmwareNotTold(Gpu):
    """Writes the base that it saw first."""

    name = "firmware-not-told"

    def __init__(self) -> None:
        self._bases: dict[str, list[int]] = {}

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        first = self._bases.setdefault(str(dev.slot_path), [dev.drvdata.moves[0][1] if dev.drvdata.moves else 0])
        moved = [old for bar, old, _ in dev.drvdata.moves if bar == r.VRAM_BAR]
        if moved and first:
            dev.drvdata.regs.writeq(moved[0], r.FW_VRAM_BASE)
