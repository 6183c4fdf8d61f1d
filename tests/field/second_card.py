"""The second card hangs in rescan_prepare (AMD, two GPUs, 2021): a reset lock of the module is held from prepare to done."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

model = EduModel


class TwoGpus(Edu):
    """One reset domain for all cards; who enters it leaves it in rescan_done."""

    name = "two-gpus"
    model = EduModel

    def __init__(self) -> None:
        super().__init__()
        self._resetting: PciDev | None = None

    def rescan_prepare(self, dev: PciDev) -> None:
        while self._resetting not in (None, dev):
            dev.msleep(1)  # the first card leaves it when it is woken, and that is after all are paused
        self._resetting = dev
        super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        self._resetting = None


class TwoGpusFixed(Edu):
    """The reset is over when rescan_prepare is."""

    name = "two-gpus-fixed"
    model = EduModel

    def __init__(self) -> None:
        super().__init__()
        self._resetting: PciDev | None = None

    def rescan_prepare(self, dev: PciDev) -> None:
        while self._resetting is not None:
            dev.msleep(1)
        self._resetting = dev
        try:
            super().rescan_prepare(dev)
        finally:
            self._resetting = None
