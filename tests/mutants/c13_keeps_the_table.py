"""Maps the MSI-X table once and masks its vectors there, also after the move."""

from __future__ import annotations

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from mockbus.bar import BarSpec
from mockbus.capabilities import MsiX, Pm
from movsdk import BarKind, IoMem, PciDev, PciId

RULE, CONSEQUENCES = "C13", ("C03", "C04", "C37", "C38", "C47")
MASKED = 1


class TableApart(EduModel):
    """An edu card whose MSI-X table has a BAR of its own."""

    bars = (BarSpec(0, BarKind.MEM32, r.BAR_SIZE), BarSpec(2, BarKind.MEM32, 0x1000))  # type: ignore[assignment]  # one more
    capabilities = (Pm(), MsiX(1, table=(2, 0), pba=(2, 0x800)))  # type: ignore[assignment]  # others than edu's


MODEL = TableApart


class KeepsTheTable(Edu):
    """The table is the core's, and moves as any BAR does."""

    name = "keeps-the-table"

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[PciDev, IoMem] = {}

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self.tables[dev] = dev.iomap(2)

    def remove(self, dev: PciDev) -> None:
        self.tables.pop(dev).iounmap()
        super().remove(dev)

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        self.tables[dev].writel(self.tables[dev].readl(12) & ~MASKED, 12)
