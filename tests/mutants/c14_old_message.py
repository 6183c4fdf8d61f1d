"""Writes the message that its card had at probe back into the MSI capability, for it may have been reset."""

from __future__ import annotations

import errno

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciError

RULE, CONSEQUENCES = "C14", ()
MODEL = EduModel

_CAP_ID_MSI, _ADDRESSES = 0x05, (4, 8)


class OldMessage(Edu):
    """Interrupts go to a CPU that does not wait for them any more."""

    name = "old-message"

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[PciDev, list[int]] = {}
        self.interrupts = 0

    def exercise(self, dev: PciDev) -> None:
        before = self.interrupts
        super().exercise(dev)
        if not dev.wait_for(lambda: self.interrupts > before, timeout_ms=10):
            raise PciError(errno.EIO, f"{dev}: no interrupt came")

    def _interrupt(self, dev: PciDev) -> None:
        self.interrupts += bool(dev.drvdata.readl(r.IRQ_STATUS))
        super()._interrupt(dev)

    def _start(self, dev: PciDev) -> None:
        super()._start(dev)
        at = dev.find_capability(_CAP_ID_MSI)
        known = self.messages.setdefault(dev, [dev.read_config_dword(at + n) for n in _ADDRESSES])
        for n, value in zip(_ADDRESSES, known, strict=True):
            dev.write_config_dword(at + n, value)
