"""The story of a user who maps the BAR: when it cannot be told, and who sleeps with which lock."""

from __future__ import annotations

import errno

from movsdk import Mutex, PciDev, PciError, PciId, UserMapping
from movsdk.testing.conformance.kit import examine
from movsdk.testing.conformance.rule import Status
from tests.mutants.c25_sleeps_with_the_lock import SleepsWithTheLock
from tests.mutants.memory_card import MemoryCard, MemoryModel

STORY = ["a user maps the BAR"]


class NeverReady(MemoryCard):
    """Refuses every fault."""

    name = "never-ready"

    def mmap(self, dev: PciDev, offset: int, length: int) -> UserMapping:
        return UserMapping(dev, 0, offset, length, fault=self._refuse)

    def _refuse(self, mapping: UserMapping) -> None:
        raise PciError(errno.EAGAIN, "not today")


def test_a_user_who_gets_sigbus_before_the_move_learns_nothing() -> None:
    """The rules about users are not checked, with the reason; the kit goes on."""
    judgement = examine(NeverReady, MemoryModel, only=STORY).of("C23")

    assert judgement.status is Status.NOT_CHECKED
    assert "a user gets SIGBUS before anything moves: " in judgement.reason
    assert "[EAGAIN] not today" in judgement.reason


class SleepsAlone(SleepsWithTheLock):
    """Looks under the lock, sleeps without."""

    name = "sleeps-alone"

    def probe(self, dev: PciDev, id: PciId) -> None:
        super().probe(dev, id)
        self.faults[dev] = Mutex(f"{dev}.faults")

    def _fault(self, mapping: UserMapping) -> None:
        dev = mapping.dev
        while True:
            with self.faults[dev].held():
                if not dev.drvdata.is_paused:
                    mapping.insert()
                    return
            dev.msleep(1)


def test_who_sleeps_without_the_lock_is_right() -> None:
    """The hook gets it between two looks."""
    verdict = examine(SleepsAlone, MemoryModel)

    assert [seen.message for judgement in verdict.broken for seen in judgement.violations] == []


def test_both_ends_of_the_wait_are_named() -> None:
    """Which lock, who holds it since where, who takes it where."""
    (seen,) = examine(SleepsWithTheLock, MemoryModel, only=STORY).of("C25").violations

    assert ".faults, taken at " in seen.message
    assert "and sleeps-with-the-lock.rescan_done takes it at " in seen.message
    assert seen.message.count("c25_sleeps_with_the_lock.py:") == 2
