"""Correct drivers in other styles than ours: no breach; at most advice."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.edu.model import EduModel
from movsdk import PciDev, PciId, UserMapping
from movsdk.testing.conformance.kit import examine
from movsdk.testing.conformance.rule import Status
from tests.mutants.memory_card import MemoryCard, MemoryModel
from tests.testing.conformance.correct_drivers import CORRECT
from tests.testing.conformance.correct_nic import Nic, NicModel
from tests.testing.conformance.correct_styles import STYLES, Plain
from tests.testing.conformance.test_stand_in import Plain as OnMemory


@pytest.mark.parametrize("driver", [*CORRECT, *STYLES], ids=lambda driver: driver.name)
def test_a_correct_driver_conforms(driver: type[Any]) -> None:
    """Whatever its style."""
    verdict = examine(driver, EduModel)

    assert [seen.message for judgement in verdict.broken for seen in judgement.violations] == []


def test_a_card_with_users_conforms() -> None:
    """Zapped before a move, refused while paused, inserted again afterwards."""
    verdict = examine(MemoryCard, MemoryModel)

    assert [seen.message for judgement in verdict.broken for seen in judgement.violations] == []
    assert verdict.of("C23").status is Status.KEPT


class Patient(MemoryCard):
    """Its fault handler sleeps until the device is back, as C23 asks for."""

    name = "patient"

    def _fault(self, mapping: UserMapping) -> None:
        while mapping.dev.drvdata.is_paused:
            mapping.dev.msleep(1)
        mapping.insert()


def test_a_user_may_wait_for_the_device() -> None:
    """Here nobody goes on meanwhile, so that it waits for ever: that is no deadlock of the driver's."""
    verdict = examine(Patient, MemoryModel)

    assert [seen.message for judgement in verdict.broken for seen in judgement.violations] == []


def test_advice_is_not_a_breach() -> None:
    """A mapping kept open where hooks alone make the BARs movable."""
    driver = next(driver for driver in CORRECT if driver.name == "remaps-if-moved")

    verdict = examine(driver, EduModel)

    assert verdict.conforms
    assert [judgement.rule.id for judgement in verdict.judgements if judgement.status is Status.ADVICE] == ["C02"]


def test_a_card_with_rings_vectors_and_doorbells_conforms() -> None:
    """DMA in flight, MSI-X with its table in a BAR, a write-combined window, a watchdog: all at once."""
    verdict = examine(Nic, NicModel)

    assert [seen.message for judgement in verdict.broken for seen in judgement.violations] == []
    assert {verdict.of(rule).status for rule in ("C04", "C06", "C10", "C13", "C14")} == {Status.KEPT}


LAYOUTS = {
    "a graphics card": "0:mem32:16M, 1:pref64:256M, 3:pref64:32M, 5:io:128, 6:rom:512K",
    "another": "0:pref64:16G, 2:pref64:2M, 4:io:256, 5:mem32:512K",
    "six": "0:mem32:32M, 1:mem32:16M, 2:mem32:8M, 3:mem32:4M, 4:mem32:2M, 5:mem32:1M",
}


@pytest.mark.parametrize("bars", LAYOUTS.values(), ids=LAYOUTS)
def test_cards_with_several_bars_are_moved_whole(bars: str) -> None:
    """And whoever loses a BAR because nothing else was left for it may say so."""
    verdict = examine(OnMemory, bars=bars)

    assert [seen.message for judgement in verdict.broken for seen in judgement.violations] == []
    assert {verdict.of(rule).status for rule in ("C01", "C03", "C04", "C37")} == {Status.KEPT}


class TwoCopies(Plain):
    """Looks one copy of the address up again, and forgets the other."""

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        dev.drvdata = {"now": dev.resource_start(0), "probed_at": dev.resource_start(0)}

    def rescan_done(self, dev: PciDev) -> None:
        super().rescan_done(dev)
        if dev.drvdata:
            dev.drvdata["now"] = dev.resource_start(0)


def test_a_record_of_an_old_place_is_advice() -> None:
    """Beside a copy that is up to date; nobody can tell a record from a cache."""
    verdict = examine(TwoCopies, EduModel, only=["every BAR moves"])

    (seen,) = verdict.of("C03").violations
    assert verdict.conforms
    assert "drvdata['probed_at'] still holds 0x80000000, where BAR 0 was" in seen.message
