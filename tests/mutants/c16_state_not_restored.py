"""Programs the card in probe only."""

from __future__ import annotations

import errno

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciError, PciId

RULE, CONSEQUENCES = "C16", ("C45", "C08")
MODEL = EduModel


class StateNotRestored(Edu):
    """Leaves a mark in the liveness register and relies on it."""

    name = "state-not-restored"

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        dev.drvdata.writel(0x1234, r.LIVENESS)

    def exercise(self, dev: PciDev) -> None:
        super().exercise(dev)
        if dev.drvdata.readl(r.LIVENESS) != ~0x1234 & 0xFFFF_FFFF:
            raise PciError(errno.EIO, f"{dev.name}: the card forgot its mode")
