"""A driver without a model: what the stand-in of plain memory can show, and what is not claimed from it."""

from __future__ import annotations

import pytest

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from drivers.gpu.driver import Gpu
from movsdk import PciDev, PciError, PciId
from movsdk.testing.conformance.kit import examine
from movsdk.testing.conformance.rule import Status
from movsdk.testing.conformance.verdict_text import headline

BEHAVIOUR = ["C08", "C10", "C11", "C12", "C14", "C15", "C16", "C20"]


class Plain:
    """Keeps a mapping, and a word in the card's memory."""

    name, id_table, bars = "plain", (PciId(0x1234, 0x5678),), "0:mem32:16K"

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.drvdata = dev.iomap(0)

    def remove(self, dev: PciDev) -> None:
        self._unmap(dev)
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        self._unmap(dev)

    def rescan_done(self, dev: PciDev) -> None:
        self._unmap(dev)
        dev.drvdata = dev.iomap(0)

    def _unmap(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            dev.drvdata.iounmap()
        dev.drvdata = None

    def exercise(self, dev: PciDev) -> None:
        dev.drvdata.writel(0x1234, 0)
        if dev.drvdata.readl(0) != 0x1234:
            raise PciError(5, f"{dev.name}: lost a word")


class PlainAndStale(Plain):
    """Does not look where the BAR is."""

    def rescan_prepare(self, dev: PciDev) -> None: ...

    def rescan_done(self, dev: PciDev) -> None: ...


@pytest.mark.parametrize("rule", BEHAVIOUR)
def test_rules_about_what_silicon_does_are_not_claimed(rule: str) -> None:
    """Memory raises no interrupt, moves no data and loses no state: that says nothing about the driver."""
    judgement = examine(Plain).of(rule)

    assert judgement.status in (Status.NOT_CHECKED, Status.NOT_APPLICABLE, Status.NOT_MODELLED)
    assert judgement.status is not Status.NOT_CHECKED or judgement.reason == "needs a model"


def test_mappings_are_judged_without_a_model() -> None:
    """Whoever keeps an old mapping is caught on plain memory as well."""
    assert examine(Plain).conforms
    assert "C01" in examine(PlainAndStale).causes


def test_ports_and_a_rom_may_be_declared() -> None:
    """All kinds of BARs that there are."""
    verdict = examine(Plain, bars="0:mem32:16K, 1:io:32, 2:pref64:1M, 6:rom:64K")

    assert verdict.conforms
    assert verdict.of("C04").status is Status.KEPT


def test_io_that_needs_behaviour_is_left_out() -> None:
    """edu's 10! comes out wrong on plain memory: no breach; the rest is judged without it."""
    verdict = examine(Edu, bars="0:mem32:1M")

    assert verdict.conforms
    assert verdict.of("C01").status is Status.NOT_CHECKED
    assert verdict.of("C02").status is Status.KEPT
    assert verdict.of("C42").status is not Status.KEPT


@pytest.mark.parametrize(
    "bars", [pytest.param("0:mem32:1M", id="a BAR is missing"), pytest.param("0:mem32:16M,2:pref64:256M", id="nobody answers")]
)
def test_where_not_even_probe_works_nothing_is_checked(bars: str) -> None:
    """Neither a breach nor conformity."""
    verdict = examine(Gpu, bars=bars)

    assert not verdict.conforms
    assert not verdict.broken
    assert headline(verdict).startswith("gpu: NOT CHECKED: needs a model; on plain memory: ")


class Refuses(Edu):
    """Finds its card unfit."""

    def probe(self, dev: PciDev, id: PciId) -> None:
        raise PciError(19, f"{dev.name}: not my card")


def test_a_driver_whose_probe_fails_does_not_conform() -> None:
    """With its own model there is nothing to excuse it."""
    verdict = examine(Refuses, EduModel)

    assert verdict.causes == ("base",)
    assert "not my card" in verdict.of("base").violations[0].message
