"""Work and waiting on the virtual clock."""

from __future__ import annotations

from functools import partial

import pytest

from movsdk.errors import AccessWhilePaused
from movsdk.hooks import PciId
from movsdk.kernel.actor import current_actor
from movsdk.kernel.binding import BoundDriver, probe_device
from movsdk.kernel.pcidev import PciDev
from movsdk.points import install
from tests.kernel.rig import Card, Rig


class Nvme:
    """A driver with a timeout."""

    name, id_table = "nvme", [PciId(0x1234)]

    def probe(self, dev: PciDev, id: PciId) -> None:
        """Map the registers and start the timer."""
        dev.enable_device()
        dev.drvdata = dev.iomap(0)
        dev.queue_work(partial(self.timeout, dev), delay_ms=5)

    def timeout(self, dev: PciDev) -> None:
        """Look at the device."""
        dev.drvdata.readl(0)


def test_work_runs_when_time_has_passed() -> None:
    """In order of its delays, ties in order of queueing."""
    dev = Rig.of(Card()).dev()
    ran: list[str] = []
    for name, delay in (("late", 2), ("now", 0), ("soon", 0.5), ("too", 0)):
        dev.queue_work(partial(ran.append, name), delay_ms=delay)
    assert ran == []

    dev.msleep(1)
    assert ran == ["now", "too", "soon"]
    dev.msleep(1)

    assert ran == ["now", "too", "soon", "late"]
    assert dev.held.works == []


def test_cancelled_work_never_runs() -> None:
    """`cancel()` says whether it was in time."""
    dev = Rig.of(Card()).dev()
    ran: list[int] = []
    work = dev.queue_work(lambda: ran.append(1), delay_ms=1)
    assert work.is_pending

    assert work.cancel()
    assert not work.cancel()
    dev.msleep(2)

    assert ran == []


def test_flushed_work_runs_at_once() -> None:
    """And only once."""
    dev = Rig.of(Card()).dev()
    ran: list[int] = []
    work = dev.queue_work(lambda: ran.append(1), delay_ms=1)

    assert work.flush()
    assert not work.flush()
    dev.msleep(2)

    assert ran == [1]


def test_cancel_waits_for_running_work() -> None:
    """Nothing of it runs after cancel() returns: the running part sleeps, and is waited for."""
    dev = Rig.of(Card()).dev()
    states: list[object] = []

    def slow() -> None:
        dev.clock.call_later(1000, lambda: states.append(("inside", work.is_running)))
        dev.udelay(5)

    work = dev.queue_work(slow)
    dev.udelay(10)
    states.append(("after", work.is_running))

    assert states == [("inside", True), ("after", False)]
    assert not work.cancel()


def test_work_acts_in_its_own_name() -> None:
    """The name is the driver's and the function's, also of a partial; outside there is none."""
    rig = Rig.of(Card())
    probe_device(rig.system, rig.device(), BoundDriver.of(Nvme))
    names: list[str] = []

    def tick() -> None:
        names.append(current_actor())

    work = rig.device().view.queue_work(tick)
    rig.system.ops.clock.run_pending()

    assert str(work) == "work nvme tick"
    assert names == ["work nvme tick"]
    assert current_actor() == ""


def test_a_fault_in_work_is_told_in_its_name_and_hits_nobody_else() -> None:
    """C05: the timer that forgot the pause."""
    rig = Rig.of(Card())
    probe_device(rig.system, rig.device(), BoundDriver.of(Nvme))
    rig.device().is_paused = True

    rig.system.ops.clock.advance(10_000_000)

    (failure,) = rig.system.failures
    assert isinstance(failure.__cause__, AccessWhilePaused)
    assert failure.__cause__.fields["actor"] == "work nvme timeout"
    assert "by work nvme timeout between rescan_prepare and rescan_done" in str(failure)
    assert str(failure).startswith(
        "card1 (0000:00:01.0): work nvme timeout raised AccessWhilePaused at tests/kernel/test_work.py:"
    )


def test_wait_for_lets_the_hardware_work() -> None:
    """True as soon as the condition holds, no later."""
    rig = Rig.of(Card())
    dev = rig.dev()
    regs = dev.iomap(0)
    model = rig.models["card1"]
    model.clock.call_later(2_000_000, lambda: model.registers.update({(0, 0x40): 1}))

    assert dev.wait_for(lambda: regs.readl(0x40) == 1, timeout_ms=5)

    assert dev.clock.now == 2_000_000


@pytest.mark.parametrize("call", ["queue", "cancel", "run"])
def test_work_is_announced(call: str) -> None:
    """An explorer hears of queueing, cancelling and running."""
    dev = Rig.of(Card()).dev()
    labels: list[str] = []
    before = install(lambda label, reads, writes, guard: labels.append(label))
    try:
        dev.queue_work(lambda: None)
        dev.udelay(1)
        dev.queue_work(lambda: None).cancel()
    finally:
        install(before)

    assert f"work ? <lambda> {call}" in labels
