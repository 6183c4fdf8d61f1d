"""Keeps the bus address that the BAR had when it was probed."""

from __future__ import annotations

from attrs import define

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciId

RULE, CONSEQUENCES = "C03", ()
MODEL = EduModel


@define
class Info:
    """What user space asks for."""

    address: int
    length: int


class CachedAddress(Edu):
    """Hands `info.address` to whoever asks."""

    name = "cached-address"

    def __init__(self) -> None:
        super().__init__()
        self.info: dict[str, Info] = {}

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self.info[dev.name] = Info(dev.resource_start(0), dev.resource_len(0))
