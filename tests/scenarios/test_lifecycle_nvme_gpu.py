"""Life cycles on the real engine: what may meet a rescan, for the two large reference drivers.

Rescans and removals take ``pci_lock_rescan_remove()``, so that only the order of the two is open. I/O takes no lock.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from movsdk import PciDev, PciError
from movsdk.bench import forcing, reference
from movsdk.bench.bench import Bench
from movsdk.errors import HookFailed
from movsdk.kernel.pcidev import device_of
from movsdk.testing.tasks import Tasks

Make = Callable[..., Bench]
BOTH = pytest.mark.parametrize("name", ["nvme", "gpu"])


class Stage:
    """A bench with one card of a reference driver, and the acts of a life cycle."""

    def __init__(self, make_bench: Make, name: str) -> None:
        known = reference.load(name)
        assert known.model is not None
        self.bench: Bench = make_bench(ports=2, faults="hardware", strict=False)
        self.dev: PciDev = self.bench.plug(known.driver, known.model())
        self.bench.world.system.ops.clock.run_pending()

    def rescan(self) -> None:
        self.bench.world.engine.rescan()

    def move(self) -> None:
        device = device_of(self.dev)
        with forcing.forced_away(self.bench.world.engine, device, (0,)):
            self.bench.world.engine.rescan()

    def remove(self) -> None:
        self.bench.world.engine.remove(device_of(self.dev))

    def io(self) -> None:
        with suppress(PciError):  # the card is paused or gone, and says so: an answer
            self.bench.driver(self.dev).exercise(self.dev)

    @property
    def failures(self) -> list[HookFailed]:
        return self.bench.failures

    def works(self) -> bool:
        """Whether a bound card still does its I/O; True for one that is gone in good order."""
        device = device_of(self.dev)
        if device.driver is not None:
            self.bench.driver(self.dev).exercise(self.dev)
        return not self.failures


@BOTH
@pytest.mark.explore(must="proved")
def test_two_rescans(tasks: Tasks, make_bench: Make, name: str) -> None:
    """One waits for the other; the card works afterwards, wherever it is."""
    stage = Stage(make_bench, name)
    tasks.watch(stage.bench)
    tasks.spawn("rescan that moves", stage.move)
    tasks.spawn("rescan", stage.rescan)
    tasks.finally_("the card works", stage.works)


@BOTH
@pytest.mark.explore(must="proved")
def test_rescan_and_remove(tasks: Tasks, make_bench: Make, name: str) -> None:
    """Removed before or after: no hook raises, nobody touches a card that is gone."""
    stage = Stage(make_bench, name)
    tasks.watch(stage.bench)
    tasks.spawn("rescan", stage.rescan)
    tasks.spawn("remove", stage.remove)
    tasks.finally_("in good order", stage.works)


@BOTH
@pytest.mark.explore(preemptions=1, budget="60 runs")
def test_io_meets_a_move(tasks: Tasks, make_bench: Make, name: str) -> None:
    """I/O on one CPU, a rescan on another: the driver lets nobody in while it is paused, and waits for who is inside."""
    stage = Stage(make_bench, name)
    tasks.watch(stage.bench)
    tasks.spawn("move", stage.move)
    tasks.spawn("io", stage.io)
    tasks.finally_("the card works", stage.works)
