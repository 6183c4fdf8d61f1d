"""Probe leaves the work for later; a hook that comes first finds nothing there."""

from __future__ import annotations

import errno

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciError, PciId

RULE, CONSEQUENCES = "C40", ("C37",)
MODEL = EduModel


class ReadyLater(Edu):
    """Starts the card a millisecond after probe."""

    name = "ready-later"

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.queue_work(lambda: super(ReadyLater, self).probe(dev, id), delay_ms=1)

    def rescan_prepare(self, dev: PciDev) -> None:
        dev.drvdata.readl(r.STATUS)
        super().rescan_prepare(dev)

    def exercise(self, dev: PciDev) -> None:
        if not dev.wait_for(lambda: dev.drvdata is not None, timeout_ms=10):
            raise PciError(errno.ENODEV, f"{dev}: not started")
        super().exercise(dev)
