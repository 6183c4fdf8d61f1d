"""Correct drivers in other styles than ours: no breach; at most advice."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.edu.model import EduModel
from movsdk.testing.conformance.kit import examine
from movsdk.testing.conformance.rule import Status
from tests.mutants.memory_card import MemoryCard, MemoryModel
from tests.testing.conformance.correct_drivers import CORRECT


@pytest.mark.parametrize("driver", CORRECT, ids=lambda driver: driver.name)
def test_a_correct_driver_conforms(driver: type[Any]) -> None:
    """Whatever its style."""
    verdict = examine(driver, EduModel)

    assert [seen.message for judgement in verdict.broken for seen in judgement.violations] == []


def test_a_card_with_users_conforms() -> None:
    """Zapped before a move, refused while paused, inserted again afterwards."""
    verdict = examine(MemoryCard, MemoryModel)

    assert [seen.message for judgement in verdict.broken for seen in judgement.violations] == []
    assert verdict.of("C23").status is Status.KEPT


def test_advice_is_not_a_breach() -> None:
    """A mapping kept open where hooks alone make the BARs movable."""
    driver = next(driver for driver in CORRECT if driver.name == "remaps-if-moved")

    verdict = examine(driver, EduModel)

    assert verdict.conforms
    assert [judgement.rule.id for judgement in verdict.judgements if judgement.status is Status.ADVICE] == ["C02"]
