"""Uses what it reads as an index, without a look whether the card is still there."""

from __future__ import annotations

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C08", ()
MODEL = EduModel
REASONS = ("nothing", "a factorial", "a transfer")


class IndexFromRegister(Edu):
    """Tells why the last interrupt came."""

    name = "index-from-register"

    def exercise(self, dev: PciDev) -> None:
        super().exercise(dev)
        REASONS[dev.drvdata.readl(r.IRQ_STATUS) & 0xFF]
