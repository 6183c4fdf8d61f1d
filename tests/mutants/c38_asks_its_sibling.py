"""Function 0 looks at function 1 when it is paused: right only while function 1 is paused after it."""

from __future__ import annotations

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciId

RULE, CONSEQUENCES = "C38", ()
MODEL = EduModel


class AsksItsSibling(Edu):
    """The two share a link, and the first waits until both are idle."""

    name = "asks-its-sibling"

    def __init__(self) -> None:
        super().__init__()
        self.siblings: dict[tuple[int, int], list[PciDev]] = {}

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self.siblings.setdefault((dev.bdf.bus, dev.bdf.device), []).append(dev)

    def remove(self, dev: PciDev) -> None:
        for devices in self.siblings.values():
            if dev in devices:
                devices.remove(dev)
        super().remove(dev)

    def rescan_prepare(self, dev: PciDev) -> None:
        for devices in self.siblings.values():
            if devices[:1] == [dev]:
                for sibling in devices[1:]:
                    sibling.drvdata.readl(r.STATUS)
        super().rescan_prepare(dev)
