"""One flag for all cards says that the machine sleeps; the first card that wakes clears it."""

from __future__ import annotations

from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C46", ()
MODEL = GpuModel


class FirstWakesAll(Gpu):
    """A card is resumed only while the flag says so."""

    name = "first-wakes-all"

    def __init__(self) -> None:
        super().__init__()
        self.is_asleep = False

    def suspend(self, dev: PciDev, state: int) -> None:
        super().suspend(dev, state)
        self.is_asleep = True

    def resume(self, dev: PciDev) -> None:
        if self.is_asleep:
            self.is_asleep = False
            super().resume(dev)
