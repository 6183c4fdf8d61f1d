"""Observables of kernel-facts §4 about drivers: who waits for its reset in done, and who is held up by that.

docs/reference/observables.md names the test of each of the 64.
"""

from __future__ import annotations

import pytest

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from drivers.nvme.driver import Nvme
from drivers.nvme.model import NvmeModel
from movsdk import Bench, PciDev


class Queueing(Nvme):
    """The drive as v9 has it: done only queues the reset."""

    name = "queueing"

    def rescan_done(self, dev: PciDev) -> None:
        dev.queue_work(lambda: super(Queueing, self).rescan_done(dev))


class Next(Edu):
    """The card after the drive: notes when it was told to go on, and what the drive could do then."""

    name = "next"

    def __init__(self, drive: list[PciDev]) -> None:
        super().__init__()
        self.drive = drive
        self.seen: list[tuple[int, bool]] = []

    def rescan_done(self, dev: PciDev) -> None:
        self.seen.append((dev.clock.now, self.drive[0].drvdata.is_paused))
        super().rescan_done(dev)


@pytest.mark.parametrize(("driver", "is_held_up", "sleeps_on"), [(Nvme, True, False), (Queueing, False, True)])
def test_who_comes_after_a_drive_waits_for_its_reset_or_not(driver: type[Nvme], is_held_up: bool, sleeps_on: bool) -> None:
    """Observable 52: v6 waits in done, so later drivers go on later; v9 does not, and the drive is not back when they are."""
    bench, drives = Bench(), list[PciDev]()
    after = Next(drives)
    drives.append(bench.plug(driver, NvmeModel))
    card = bench.plug(after, EduModel)
    began: list[int] = []
    with bench.before_step("resume", lambda: began.append(card.clock.now)):
        bench.rescan()

    (told, is_asleep), *_ = after.seen[-1:]
    assert (told > began[0], is_asleep) == (is_held_up, sleeps_on)

    bench.run(1000)
    bench.run_io(drives[0], times=2)
    assert drives[0].drvdata.is_paused is False
    assert (bench.failures, list(bench.faults)) == ([], [])
