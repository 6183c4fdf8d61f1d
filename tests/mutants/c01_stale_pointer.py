"""Keeps the register pointer of the old place."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import IoMem, PciDev

RULE, CONSEQUENCES = "C01", ("C05", "C07", "C08", "C35", "C43")
MODEL = EduModel


class StalePointer(Edu):
    """Maps anew in rescan_done, but the interrupt handler and the I/O path use a second copy of the pointer."""

    name = "stale-pointer"

    def __init__(self) -> None:
        super().__init__()
        self.fast: dict[str, IoMem] = {}

    def probe(self, dev: PciDev, id: object) -> None:
        super().probe(dev, id)  # type: ignore[arg-type]  # the row of the id table, handed on
        self.fast[dev.name] = dev.iomap(0)

    def remove(self, dev: PciDev) -> None:
        super().remove(dev)
        self.fast.pop(dev.name).iounmap()

    def factorial(self, dev: PciDev, n: int) -> int:
        self.fast[dev.name].readl(0)  # "is it alive?"
        return super().factorial(dev, n)
