"""A table of the module holds where each card is, for tools that ask; nobody brings it up to date."""

from __future__ import annotations

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciId

RULE, CONSEQUENCES = "C03", ()
MODEL = EduModel

_places: dict[PciDev, dict[str, int]] = {}


class AddressInATable(Edu):
    """Works all the same: it does not use the address itself."""

    name = "address-in-a-table"

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        _places[dev] = {"start": dev.resource_start(0)}

    def remove(self, dev: PciDev) -> None:
        _places.pop(dev)
        super().remove(dev)
