"""Which numbers a driver keeps, wherever it keeps them, and which of them are addresses."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import Bench, PciDev, PciId
from movsdk.testing.conformance.keeping import addresses
from movsdk.testing.conformance.kit import examine

_of_module: dict[PciDev, int] = {}


class InModule(Edu):
    """In a table of the module."""

    name = "in-module"

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        _of_module[dev] = dev.resource_start(0)


class InClass(Edu):
    """In a variable of the class."""

    name = "in-class"
    last: list[int]

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        InClass.last = [dev.resource_start(0)]


def in_closure() -> type[Any]:
    """In a variable that only its methods see."""
    known: dict[PciDev, int] = {}

    class InClosure(Edu):
        name = "in-closure"

        def probe(self, dev: PciDev, id: PciId) -> None:
            super().probe(dev, id)
            known[dev] = dev.resource_start(0)

    return InClosure


class InSpan(Edu):
    """As what `resources` says, and far inside the BAR."""

    name = "in-span"

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[PciDev, object] = {}

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self.kept[dev] = (dev.resources, dev.resource_start(0) + 0x4000)


@pytest.mark.parametrize(
    ("driver", "path"),
    [(InModule, "_of_module["), (InClass, "InClass.last[0 of 1]"), (in_closure(), "known["), (InSpan, "driver.kept[")],
)
def test_an_address_is_found_wherever_it_is_kept(driver: type[Any], path: str) -> None:
    """And the message says where; the driver itself works."""
    bench = Bench()
    dev = bench.plug(driver, EduModel)

    kept = {found: place for found, place in addresses(dev, set()).items() if found.startswith(path)}
    verdict = examine(driver, EduModel)

    assert {bar for bar, _ in kept.values()} == {0}
    assert verdict.causes == ("C03",)
    assert path.partition("[")[0] in verdict.of("C03").violations[0].message


class Mask(Edu):
    """Keeps numbers of its own; on the kit's bench the first card has its BAR exactly there."""

    name = "mask"
    top = 0x8000_0000

    def __init__(self) -> None:
        super().__init__()
        self.masks: dict[PciDev, tuple[int, int]] = {}

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self.masks[dev] = (0x8000_0000, self.top | 0x4000)

    def remove(self, dev: PciDev) -> None:
        self.masks.pop(dev)
        super().remove(dev)


def test_a_number_that_lies_in_a_bar_by_chance_is_no_address() -> None:
    """It is the same where the card is elsewhere."""
    assert examine(Mask, EduModel).conforms
