"""Resets the card in rescan_prepare to be sure that it is quiet, and restores its configuration in rescan_done."""

from __future__ import annotations

import errno

from drivers.edu import regs as r
from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from mockbus.capabilities import Msi, Pcie, Pm
from movsdk import PciDev, PciError

RULE, CONSEQUENCES = "C26", ()

_CAP_ID_EXP, _DEVCTL, _RESET = 0x10, 8, 1 << 15


class Resettable(EduModel):
    """An edu card with a function-level reset."""

    capabilities = (Pm(), Msi(), Pcie(flr=True))  # type: ignore[assignment]  # the edu card has fewer


MODEL = Resettable


class RestoresLate(Edu):
    """Meanwhile its registers say that it has no place at all, to whoever reads them."""

    name = "restores-late"

    def rescan_prepare(self, dev: PciDev) -> None:
        was_running = dev.drvdata is not None
        super().rescan_prepare(dev)
        if was_running:
            dev.save_state()
            at = dev.find_capability(_CAP_ID_EXP) + _DEVCTL
            dev.write_config_word(at, dev.read_config_word(at) | _RESET)

    def rescan_done(self, dev: PciDev) -> None:
        dev.restore_state()
        super().rescan_done(dev)

    def exercise(self, dev: PciDev) -> None:
        with self._gates[dev].entered():
            dev.drvdata.writel(1, r.LIVENESS)
            if dev.drvdata.readl(r.LIVENESS) != 0xFFFF_FFFE:
                raise PciError(errno.EIO, f"{dev}: it does not live")
