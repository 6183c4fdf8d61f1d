"""Goes on after sleep with the mapping it had before."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C45", ("C46", "C44", "C38")
MODEL = EduModel


class SleepsThrough(Edu):
    """Rescans pass by while it sleeps, so it does not hear of the move."""

    name = "sleeps-through"

    def __init__(self) -> None:
        super().__init__()
        self._asleep: set[object] = set()

    def suspend(self, dev: PciDev, state: int) -> None:
        self._asleep.add(dev.slot_path)

    def resume(self, dev: PciDev) -> None:
        self._asleep.discard(dev.slot_path)

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev.slot_path in self._asleep:
            dev.release_regions()
            return
        super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        if dev.slot_path in self._asleep:
            dev.request_regions(self.name)
            return
        super().rescan_done(dev)
