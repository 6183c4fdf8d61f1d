"""Tells the borrower of its memory when it wakes, and not before it moves."""

from __future__ import annotations

from collections.abc import Callable

from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C21", ()
MODEL = GpuModel


class PeerToldLate(Gpu):
    """Calls back in rescan_done; the borrower has stored into a paused device by then."""

    name = "peer-told-late"

    def __init__(self) -> None:
        super().__init__()
        self.borrowers: dict[PciDev, list[Callable[[], None]]] = {}

    def export_memory(self, dev: PciDev, revoke: Callable[[], None]) -> int:
        self.borrowers.setdefault(dev, []).append(revoke)
        return super().export_memory(dev, lambda: None)

    def rescan_done(self, dev: PciDev) -> None:
        for revoke in self.borrowers.pop(dev, []):
            revoke()
        super().rescan_done(dev)
