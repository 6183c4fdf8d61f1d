"""The kit as a whole: reference drivers conform, and a broken one is told its rule first."""

from __future__ import annotations

from typing import ClassVar

import pytest

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import PciDev, PciId
from movsdk.bench import reference
from movsdk.testing.conformance.kit import examine
from movsdk.testing.conformance.rule import Status


@pytest.mark.parametrize("name", ["edu", "nvme", "gpu", "legacy"])
def test_a_reference_driver_conforms(name: str) -> None:
    """No breach, no advice."""
    found = reference.load(name)

    verdict = examine(found.driver, found.model)

    assert [seen.message for judgement in verdict.judgements for seen in judgement.violations] == []


class Stale(Edu):
    """Keeps its mapping across the move."""

    name = "stale"

    def rescan_prepare(self, dev: object) -> None: ...

    def rescan_done(self, dev: object) -> None: ...


def test_the_cause_comes_first() -> None:
    """What follows from it stands behind, and the message names mapping, move and access."""
    verdict = examine(Stale, EduModel)

    assert not verdict.conforms
    assert verdict.of("C01").status is Status.BROKEN
    assert "C01" in verdict.causes
    message = verdict.of("C01").violations[0].message
    assert "drivers/edu/driver.py:" in message
    assert "but BAR 0 is now at" in message


class Remembers(Edu):
    """Its class knows the cards that it drives."""

    name = "remembers"
    alive: ClassVar[set[PciDev]] = set()

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self.alive.add(dev)

    def remove(self, dev: PciDev) -> None:
        self.alive.discard(dev)
        super().remove(dev)


def test_no_story_leaves_a_card_with_the_driver() -> None:
    """Also where there is nothing to learn from it: cards of a machine that is gone would confuse the next story."""
    verdict = examine(Remembers, EduModel)

    assert any(played.reason for played in verdict.played)
    assert Remembers.alive == set()
