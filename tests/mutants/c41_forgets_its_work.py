"""Looks after the card some time after each move; remove does not cancel that."""

from __future__ import annotations

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C41", ()
MODEL = EduModel


class ForgetsItsWork(Edu):
    """Prepare and users do think of it."""

    name = "forgets-its-work"

    def __init__(self) -> None:
        super().__init__()
        self.works: dict[PciDev, object] = {}

    def rescan_prepare(self, dev: PciDev) -> None:
        self._cancel(dev)
        super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        self.works[dev] = dev.queue_work(lambda: dev.drvdata.readl(r.STATUS), delay_ms=10)

    def exercise(self, dev: PciDev) -> None:
        self._cancel(dev)
        super().exercise(dev)

    def _cancel(self, dev: PciDev) -> None:
        work = self.works.pop(dev, None)
        if work is not None:
            work.cancel()  # type: ignore[attr-defined]  # what queue_work() gives has no public name
