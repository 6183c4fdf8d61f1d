"""Does not unmap in rescan_prepare; under the contract of v9 (bar_fixed) that is an error."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C02", ("C33", "C12")
MODEL = EduModel


class StillMapped(Edu):
    """Unmaps the old place only after it has mapped the new one."""

    name = "still-mapped"

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        return False

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            dev.wait_for(lambda: not self._is_computing(dev), timeout_ms=10)
            dev.synchronize_irq(0)
            dev.free_irq(0)
        dev.free_irq_vectors()
        dev.release_regions()

    def rescan_done(self, dev: PciDev) -> None:
        old, dev.drvdata = dev.drvdata, None
        try:
            self._start(dev)
        finally:
            if old is not None:
                old.iounmap()
