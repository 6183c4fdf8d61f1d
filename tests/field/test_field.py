"""Replays of what real authors met: the kit finds the bug by its rule, and nothing in the fix."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.testing.conformance.kit import Examination, Verdict
from movsdk.testing.conformance.subject import Subject
from movsdk.testing.conformance.trials import TRIALS, schedules
from tests.field.audio_in_flight import Audio, AudioFixed
from tests.field.fault_retry import FaultRetry, FaultRetryFixed
from tests.field.only_bar5 import OnlyBar5, OnlyBar5Fixed
from tests.field.second_card import TwoGpus, TwoGpusFixed


def examined(driver: Any) -> Verdict:
    """With the orders of concurrent acts, as ``movsdk check --deep`` has them."""
    return Examination(Subject.of(driver, driver.model), (*TRIALS, *schedules.TRIALS)).verdict()


@pytest.mark.parametrize(
    ("driver", "rule", "words"),
    [
        (TwoGpus, "C37", "waits for more than 20 s of virtual time, at tests/field/second_card.py:24"),
        (OnlyBar5, "C04", "BAR 0"),
        (Audio, "C31", "user call waits at 'lock audio0"),
        (FaultRetry, "C25", "1000 faults in a row"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_bug_is_found(driver: Any, rule: str, words: str) -> None:
    """By the rule that it breaks, with the place."""
    verdict = examined(driver)

    assert verdict.causes[0] == rule
    assert words in verdict.of(rule).violations[0].message


@pytest.mark.parametrize("driver", [TwoGpusFixed, OnlyBar5Fixed, AudioFixed, FaultRetryFixed], ids=lambda driver: driver.name)
def test_nothing_is_found_in_the_fix(driver: Any) -> None:
    """Neither alone nor side by side with others."""
    assert [seen.message for judgement in examined(driver).broken for seen in judgement.violations] == []
