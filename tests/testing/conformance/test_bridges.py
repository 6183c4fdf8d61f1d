"""Drivers of bridges have no card: cards come, move and go below their ports."""

from __future__ import annotations

import pytest

from drivers.port.driver import Port
from movsdk import PciDev, PciId
from movsdk.pci_regs import MEMORY_BASE
from movsdk.testing.conformance.kit import examine
from movsdk.testing.conformance.rule import Status


def test_the_reference_driver_conforms() -> None:
    """Without a model: any bridge will do. Rules about cards do not apply."""
    verdict = examine(Port)

    assert verdict.conforms
    assert verdict.of("C48").status is Status.KEPT
    assert verdict.of("C16").status is Status.NOT_APPLICABLE
    assert verdict.of("C16").reason == "it drives bridges and has no card"


class Picky(Port):
    """Takes only every other port."""

    def probe(self, dev: PciDev, id: PciId) -> None:
        if dev.name.endswith("2.0"):
            raise RuntimeError("not this one")
        super().probe(dev, id)


class Unbalanced(Port):
    """Enables twice."""

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        super().probe(dev, id)


class Meddling(Port):
    """Writes a window in its hook: that is the core's business."""

    def rescan_prepare(self, dev: PciDev) -> None: ...

    def rescan_done(self, dev: PciDev) -> None:
        dev.write_config_word(MEMORY_BASE, dev.read_config_word(MEMORY_BASE))


@pytest.mark.parametrize(
    ("driver", "rule"),
    [(Picky, "base"), (Unbalanced, "C48"), (Meddling, "C30")],
)
def test_a_broken_one_is_told(driver: type[Port], rule: str) -> None:
    """Its rule comes first."""
    assert examine(driver).causes[:1] == (rule,)
