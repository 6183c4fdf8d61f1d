"""Lends an address of its memory, and moves without a word to the borrower."""

from __future__ import annotations

from collections.abc import Callable

from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from movsdk import PciDev

RULE, CONSEQUENCES = "C21", ()
MODEL = GpuModel


class PeerNotTold(Gpu):
    """Forgets whom it gave the address to."""

    name = "peer-not-told"

    def export_memory(self, dev: PciDev, revoke: Callable[[], None]) -> int:
        return super().export_memory(dev, lambda: None)
