"""Each life cycle finds the bug that belongs to it: a driver that breaks its part fails in a schedule that is printed.

All show in a few runs. Which act meets which is `movsdk.bench.lifecycle`'s to say.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from movsdk import PciDev
from movsdk.bench import reference, system_sleep
from movsdk.bench.lifecycle import LifeCycle, live
from movsdk.explore.strategies import Dfs, RandomWalk, Strategy
from movsdk.kernel import binding, recovery
from movsdk.pci_regs import VENDOR_ID

NOBODY = 0xFFFF
GPU: Any = reference.load("gpu").driver
NVME: Any = reference.load("nvme").driver


class WakesAlone(GPU):  # type: ignore[misc]  # loaded by name
    """Starts when it wakes, whoever else wants quiet."""

    def resume(self, dev: PciDev) -> None:
        dev.drvdata.is_paused = False
        super().resume(dev)


class ResetsAlone(GPU):  # type: ignore[misc]  # loaded by name
    """Starts after a reset, whoever else wants quiet."""

    def slot_reset(self, dev: PciDev) -> None:
        dev.drvdata.is_paused = False
        super().slot_reset(dev)


class LeavesUsers(GPU):  # type: ignore[misc]  # loaded by name
    """Is removed without waiting for who is inside."""

    def remove(self, dev: PciDev) -> None:
        dev.drvdata.gate.is_dead = True  # as if the gate were shut for good
        self._stop(dev)
        dev.disable_device()


class KeepsLock(GPU):  # type: ignore[misc]  # loaded by name
    """Forgets its lock when the card is gone."""

    def rescan_done(self, dev: PciDev) -> None:
        dev.drvdata.lock.lock()
        if dev.read_config_word(VENDOR_ID) == NOBODY:
            return
        dev.drvdata.lock.unlock()
        super().rescan_done(dev)


class Restless(NVME):  # type: ignore[misc]  # loaded by name
    """Leaves its queues running while it is paused."""

    def rescan_prepare(self, dev: PciDev) -> None:
        dev.drvdata.is_paused = True


WALK, FIRST = RandomWalk(20, seed=1), Dfs(1)
BUGS = [
    pytest.param("gpu", "rescan", "runtime PM", WakesAlone, WALK, id="runtime PM"),
    pytest.param("gpu", "rescan", "AER recovery", ResetsAlone, WALK, id="AER recovery"),
    pytest.param("gpu", "user I/O", "remove", LeavesUsers, FIRST, id="remove"),
    pytest.param("gpu", "rescan", "surprise removal", KeepsLock, WALK, id="surprise removal"),
    pytest.param("nvme", "user I/O", "probe of a sibling", Restless, WALK, id="probe of a sibling"),
    pytest.param("nvme", "rescan", "second rescan", Restless, FIRST, id="second rescan"),
]


@pytest.mark.parametrize(("driver", "meets", "against", "kind", "strategy"), BUGS)
def test_the_bug_is_found(driver: str, meets: str, against: str, kind: type, strategy: Strategy) -> None:
    """A driver that breaks its part fails in a schedule that is printed; the same life is clean with the reference driver."""
    found = live(LifeCycle(driver, against, kind, meets), runs=20, strategy=strategy)
    assert (found.verdict, found.schedule is not None) == ("failed", True)
    assert found.runs <= 5

    assert live(LifeCycle(driver, against, None, meets), runs=found.runs, strategy=strategy).failure is None


BESIDE = [
    ("AER recovery", "remove"),
    ("AER recovery", "system sleep"),
    ("AER recovery", "runtime PM"),
    ("remove", "system sleep"),
    ("remove", "runtime PM"),
    ("rescan", "system sleep"),
]


@pytest.mark.parametrize(("meets", "against"), BESIDE)
def test_what_the_device_lock_keeps_apart(meets: str, against: str) -> None:
    """Recovery, unbinding and sleep of one card wait for each other as in the driver core; no rescan lock is held."""
    result = live(LifeCycle("gpu", against, meets=meets), runs=8, strategy=RandomWalk(8, seed=3))

    assert (result.verdict, result.runs) == ("sampled", 8), result


@pytest.mark.parametrize("meets", ["AER recovery", "system sleep"])
def test_without_the_device_lock_a_hook_meets_remove(meets: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps something apart: without it the driver is told of a card that it has just let go."""
    for place in (recovery, system_sleep, binding):
        monkeypatch.setattr(place, "device_locked", lambda _device: nullcontext())

    result = live(LifeCycle("gpu", "remove", meets=meets), runs=20, strategy=WALK)

    assert result.failure is not None
    assert "hook raised" in result.failure.name
