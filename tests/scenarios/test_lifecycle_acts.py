"""Each life cycle of the reference cards: sampled here, every schedule with one preemption by ``movsdk race --lifecycle``."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk import PciDev
from movsdk.bench import lifecycle, reference
from movsdk.bench.lifecycle import ACTS, DRIVERS, LifeCycle, Stage, live
from movsdk.explore.strategies import Dfs, RandomWalk
from movsdk.pci_regs import BASE_ADDRESS_0

GPU: Any = reference.load("gpu").driver
NVME: Any = reference.load("nvme").driver


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("against", ACTS)
def test_a_life_cycle_is_clean(driver: str, against: str) -> None:
    """Whatever meets the move: no oracle speaks, no hook raises, and the card does its I/O afterwards or is gone."""
    result = live(LifeCycle(driver, against), runs=8, strategy=RandomWalk(8, seed=1))

    assert (result.verdict, result.runs) == ("sampled", 8), result


@pytest.mark.parametrize("driver", DRIVERS)
def test_two_rescans_are_proved(driver: str) -> None:
    """One lock holds both: two orders, and that is all."""
    assert str(live(LifeCycle(driver, "second rescan"), runs=10)) == "proved after 2 runs"


class NoGate(GPU):  # type: ignore[misc]  # loaded by name
    """Pauses without looking whether a user is inside."""

    def rescan_prepare(self, dev: PciDev) -> None:
        dev.drvdata.is_shut = True  # as if the gate were shut
        super().rescan_prepare(dev)
        dev.drvdata.is_shut = False


class NoMask(GPU):  # type: ignore[misc]  # loaded by name
    """Leaves the vblank interrupt on while it is paused."""

    def rescan_prepare(self, dev: PciDev) -> None:
        dev.drvdata.is_paused = True


class Restless(NVME):  # type: ignore[misc]  # loaded by name
    """Leaves its queues running while it is paused."""

    def rescan_prepare(self, dev: PciDev) -> None:
        dev.drvdata.is_paused = True


BUGS = [
    ("gpu", "user I/O", NoGate),
    ("gpu", "interrupt", NoMask),
    ("nvme", "user I/O", Restless),
    ("nvme", "interrupt", Restless),
]


@pytest.mark.parametrize(("driver", "against", "kind"), BUGS)
def test_a_seeded_bug_is_found(driver: str, against: str, kind: type) -> None:
    """A driver that breaks its part fails in a schedule that is printed, and the check is worth something."""
    cycle = LifeCycle(driver, against, kind)
    result = live(cycle, runs=60, strategy=RandomWalk(60, seed=1))

    assert result.verdict == "failed"
    assert result.schedule is not None


def test_an_address_that_never_was_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that sizes a BAR anew while users may read config space shows them all-ones (rule C26)."""

    class Sizing(Stage):
        def move(self) -> None:
            device = self.device
            before = device.config_read(BASE_ADDRESS_0, 4)
            device.config_write(BASE_ADDRESS_0, 4, 0xFFFF_FFFF)
            device.config_write(BASE_ADDRESS_0, 4, before)

    # What silicon shows between the two writes is an address, too: only the kernel's own word counts here.
    monkeypatch.setattr(Sizing, "_places", lambda self, bar: {self.device.resources[bar].start})
    monkeypatch.setattr(lifecycle, "Stage", Sizing)
    result = live(LifeCycle("gpu", "sysfs access"), runs=200, strategy=Dfs(1))

    assert result.failure is not None
    assert result.failure.name == "torn"
