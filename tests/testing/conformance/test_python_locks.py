"""Drivers that lock their I/O path with Python's own locks: nothing is learnt from a hook that they would have kept out."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from drivers.edu import regs as r
from drivers.edu.model import EduModel
from movsdk import PciDev, PciId
from movsdk.testing.conformance.kit import examine
from movsdk.testing.conformance.rule import Status
from tests.testing.conformance.correct_styles import Plain

STORY = ["a move inside a user call"]


class UnderLock(Plain):
    """Each user call holds the lock, rescan_prepare keeps it until rescan_done."""

    name = "under-lock"
    make_lock: Any = staticmethod(threading.RLock)
    in_hooks = True

    def __init__(self) -> None:
        super().__init__()
        self.locks: dict[PciDev, Any] = {}

    def probe(self, dev: PciDev, id: PciId) -> None:
        self.locks[dev] = self.make_lock()
        super().probe(dev, id)

    def rescan_prepare(self, dev: PciDev) -> None:
        if dev in self.maps and self.in_hooks:
            self.locks[dev].acquire()
        super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        if dev in self.maps:
            return
        try:
            super().rescan_done(dev)
        finally:
            if self.in_hooks and dev in self.locks and self.locks[dev]._is_owned():
                self.locks[dev].release()

    def exercise(self, dev: PciDev) -> None:
        with self.locks[dev]:
            super().exercise(dev)
            regs = self.maps[dev]
            dev.msleep(1)
            assert regs.readl(r.IDENTIFICATION) == r.IDENTITY


def test_an_rlock_that_the_hook_takes_too_is_no_breach() -> None:
    """The move came in only because there is one thread: C42 is not checked, and it is said why."""
    judgement = examine(UnderLock, EduModel, only=STORY).of("C42")

    assert judgement.status is Status.NOT_CHECKED
    assert judgement.reason.startswith("its I/O holds driver.locks[")
    assert "an RLock, which lets the hook pass at " in judgement.reason
    assert "test_python_locks.py:" in judgement.reason


class LocksUsersAlone(UnderLock):
    """The hooks know nothing of the lock."""

    name = "locks-users-alone"
    in_hooks = False


def test_an_rlock_that_the_hook_does_not_take_keeps_no_move_out() -> None:
    """The pointer fetched before the wait is used after it: a breach all the same."""
    judgement = examine(LocksUsersAlone, EduModel, only=STORY).of("C42")

    assert judgement.status is Status.BROKEN
    assert "test_python_locks.py:" in judgement.violations[0].message


class WithLock(UnderLock):
    """In a `with`, and given back before prepare returns."""

    name = "with-lock"
    in_hooks = False

    def rescan_prepare(self, dev: PciDev) -> None:
        with self.locks[dev]:
            super().rescan_prepare(dev)


class WithCondition(WithLock):
    """A condition has an RLock inside."""

    name = "with-condition"
    make_lock = staticmethod(threading.Condition)


@pytest.mark.parametrize("driver", [WithLock, WithCondition], ids=lambda driver: driver.name)
def test_the_lock_is_seen_wherever_it_is(driver: type[Any]) -> None:
    """Taken for a moment, or inside of something else."""
    assert examine(driver, EduModel, only=STORY).of("C42").status is Status.NOT_CHECKED


class Impatient(Plain):
    """Its users wait for ten milliseconds at most, and the pause is longer."""

    name = "impatient"

    def exercise(self, dev: PciDev) -> None:
        before = dev.clock.now
        dev.msleep(1)
        if dev.clock.now - before > 10_000_000:
            raise TimeoutError("too late")


def test_how_long_the_move_took_is_said() -> None:
    """A user call that fails in it may just have been too impatient."""
    (seen,) = examine(Impatient, EduModel, only=STORY).of("C42").violations

    assert seen.message.endswith("TimeoutError: too late; a move in its middle paused the device for 40 ms")
