"""Fetches the mapping before a wait and uses it after."""

from __future__ import annotations

import errno

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciError

RULE, CONSEQUENCES = "C42", ("C01",)
MODEL = EduModel


class PointerAcrossWait(Edu):
    """A local variable outlives the move."""

    name = "pointer-across-wait"

    def factorial(self, dev: PciDev, n: int) -> int:
        regs = dev.drvdata
        regs.writel(n, r.FACTORIAL)
        dev.msleep(1)
        if regs.readl(r.STATUS) & r.STATUS_COMPUTING:
            raise PciError(errno.ETIMEDOUT, f"{dev.name}: not ready")
        return int(regs.readl(r.FACTORIAL))
