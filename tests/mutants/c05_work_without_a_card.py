"""Work that rescan_done queued comes in the next pause, and finds the mapping gone."""

from __future__ import annotations

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C05", ()
MODEL = EduModel


class WorkWithoutACard(Edu):
    """Cancelled in remove, not in rescan_prepare."""

    name = "work-without-a-card"

    def __init__(self) -> None:
        super().__init__()
        self.works: dict[PciDev, object] = {}

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        self.works[dev] = dev.queue_work(lambda: dev.drvdata.readl(r.STATUS), delay_ms=2)

    def remove(self, dev: PciDev) -> None:
        work = self.works.pop(dev, None)
        if work is not None:
            work.cancel()  # type: ignore[attr-defined]  # what queue_work() gives has no public name
        super().remove(dev)
