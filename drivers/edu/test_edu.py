"""Tests of the edu driver on the bench: it computes wherever its BAR is, and lets go of a card that is gone."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable

import pytest

from movsdk import Bench, PciDev, PciError
from movsdk.clock import NS_PER_MS
from movsdk.trace import What

from . import regs as r
from .driver import Edu
from .model import EduModel

MakeBench = Callable[..., Bench]


def test_the_card_computes_and_every_interrupt_is_acknowledged(bench: Bench) -> None:
    """factorial() asks for an interrupt; the handler takes its reason away."""
    dev = bench.plug(Edu, EduModel)

    assert bench.driver(dev).factorial(dev, 10) == 3_628_800
    bench.run(1)
    assert dev.drvdata.readl(r.IRQ_STATUS) == 0


def test_it_computes_after_a_move(bench: Bench) -> None:
    """The BAR is elsewhere; nobody but the driver knew the old address."""
    dev = bench.plug(Edu, EduModel)
    old = dev.resource_start(0)

    report = bench.force_move(dev, bar=0)

    assert [(move.bar, move.old.start) for move in report.moves if move.device == "edu0"] == [(0, old)]
    assert dev.drvdata.start == dev.resource_start(0) != old
    assert bench.driver(dev).factorial(dev, 5) == 120
    assert not bench.faults


def test_it_computes_after_a_rescan_that_moves_nothing(bench: Bench) -> None:
    """Stop and start at the same address is the same as a move."""
    dev = bench.plug(Edu, EduModel)

    report = bench.rescan()

    assert not report.moves
    assert bench.driver(dev).factorial(dev, 5) == 120


def test_a_computation_in_flight_ends_before_the_pause(bench: Bench) -> None:
    """The result and its interrupt come before the BAR moves: no interrupt meets a paused driver."""
    dev = bench.plug(Edu, EduModel)
    dev.drvdata.writel(r.STATUS_IRQ_WHEN_DONE, r.STATUS)
    dev.drvdata.writel(7, r.FACTORIAL)

    bench.force_move(dev, bar=0)
    bench.run(1)

    assert dev.drvdata.readl(r.FACTORIAL) == 5040
    assert dev.drvdata.readl(r.IRQ_STATUS) == 0
    assert not noted(bench, "nobody cared")


def test_a_caller_that_waits_does_not_notice_the_move(bench: Bench) -> None:
    """A rescan in the middle of factorial() ends it early or late, never wrong."""
    dev = bench.plug(Edu, EduModel)
    dev.queue_work(lambda: bench.force_move(dev), delay_ms=0.003)

    assert bench.driver(dev).factorial(dev, 12) == math.factorial(12)
    assert [move.bar for move in bench.reports[-1].moves if move.device == "edu0"] == [0]


def test_a_lost_bar_leaves_the_card_gone(make_bench: MakeBench) -> None:
    """rescan_done says so, nothing is touched, and remove still works."""
    bench = make_bench(strict=False)
    dev = bench.plug(Edu, EduModel)

    bench.lose_bar(dev, 0)

    assert "can't reserve BAR 0, its 0x100000 bytes are not assigned" in str(bench.failures[0])
    assert dev.drvdata is None
    bench.remove(dev)
    assert len(bench.failures) == 1
    assert not bench.faults


@pytest.mark.parametrize("faults", ["raise", "hardware"])
def test_a_card_pulled_between_prepare_and_done_does_not_hang_the_rescan(make_bench: MakeBench, faults: str) -> None:
    """done finds nobody, and remove has nothing to wait for."""
    bench = make_bench(strict=False, faults=faults)
    dev = bench.plug(Edu, EduModel)

    with bench.before_step("release", lambda: bench.pull(dev, told=False)):
        bench.force_move(dev, bar=0)
    bench.remove(dev)

    assert [failure.fields["hook"] for failure in bench.failures] == ["rescan_done"]
    assert "the device is gone" in str(bench.failures[0])


@pytest.mark.parametrize("faults", ["raise", "hardware"])
def test_a_card_that_is_gone_before_prepare_lets_go_of_everything(make_bench: MakeBench, faults: str) -> None:
    """Nobody told us; the first read shows it, and still no region and no mapping stays behind."""
    bench = make_bench(strict=False, faults=faults)
    dev = bench.plug(Edu, EduModel)

    bench.pull(dev, told=False)
    bench.rescan()
    bench.remove(dev)

    assert [failure.fields["hook"] for failure in bench.failures] == ["rescan_done"]
    assert not noted(bench, "after remove")


def test_two_cards_share_a_driver_and_nothing_else(bench: Bench) -> None:
    """All state is in `drvdata`: each card moves alone."""
    edu = Edu()
    first, second = bench.plug(edu, EduModel), bench.plug(edu, EduModel)

    bench.force_move(first)
    bench.force_move(second)

    assert edu.factorial(first, 3) == 6
    assert edu.factorial(second, 4) == 24
    assert not bench.faults


class Stubborn(Edu):
    """Raises in rescan_prepare, having stopped the card."""

    name = "stubborn"
    has_enough = False

    def rescan_prepare(self, dev: PciDev) -> None:
        super().rescan_prepare(dev)
        if self.has_enough:
            raise PciError(errno.EBUSY, "not today")


def test_a_hook_that_raises_keeps_its_bars_and_the_other_card_moves(make_bench: MakeBench) -> None:
    """rescan_done is called all the same, so both cards work."""
    bench = make_bench(strict=False)
    stubborn, dev = bench.plug(Stubborn, EduModel), bench.plug(Edu, EduModel)
    old = stubborn.resource_start(0)
    bench.driver(stubborn).has_enough = True

    bench.force_move(dev)

    assert "rescan_prepare raised PciError" in str(bench.failures[0])
    assert stubborn.resource_start(0) == old
    assert bench.driver(stubborn).factorial(stubborn, 3) == 6
    assert bench.driver(dev).factorial(dev, 4) == 24


def test_the_driver_leaves_nothing_behind(bench: Bench) -> None:
    """After remove the core has nothing to take back."""
    dev = bench.plug(Edu, EduModel)

    bench.remove(dev)

    assert not noted(bench, "after remove")


def test_a_hung_computation_does_not_hang_the_pause(bench: Bench) -> None:
    """The wait in rescan_prepare has a limit: 10 ms, then the card is stopped all the same."""
    dev = bench.plug(Edu, EduModel)
    bench.model(dev).values[r.STATUS] |= r.STATUS_COMPUTING
    start = dev.clock.now

    bench.rescan()

    assert dev.clock.now - start == (10 + 1) * NS_PER_MS  # and one that the rest of the rescan takes


def noted(bench: Bench, text: str) -> list[str]:
    return [str(event) for event in bench.trace.of(What.NOTE) if text in event.text]
