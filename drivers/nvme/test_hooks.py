"""Hooks that raise, come twice, or come alone; probe, remove and power states."""

from __future__ import annotations

from collections.abc import Callable
from errno import ETIMEDOUT

import pytest

from mockbus.capabilities import CapabilitySpec, Msi, MsiX, Pcie, Pm
from movsdk import Bench, PciDev, PciError
from movsdk.errors import HookFailed
from movsdk.kernel.pcidev import device_of
from movsdk.kernel.power import resume_device, suspend_device

from .driver import Nvme
from .model import NvmeModel
from .trial import quiet, settle, started

MakeBench = Callable[..., Bench]


class RaisesEarly(Nvme):
    """A driver with a bug: its prepare raises before it has done anything."""

    def rescan_prepare(self, dev: PciDev) -> None:
        raise RuntimeError("no thanks")


class RaisesLate(Nvme):
    """A driver with a bug: its prepare raises after it has done everything."""

    def rescan_prepare(self, dev: PciDev) -> None:
        super().rescan_prepare(dev)
        raise RuntimeError("after all")


class RaisesInDone(Nvme):
    """A driver with a bug: its done raises instead of waking the drive."""

    def rescan_done(self, dev: PciDev) -> None:
        raise RuntimeError("still asleep")


@pytest.mark.parametrize("driver_class", [RaisesEarly, RaisesLate])
def test_a_prepare_that_raises_keeps_its_bar_and_loses_nothing(make_bench: MakeBench, driver_class: type[Nvme]) -> None:
    """The rescan goes on round it; done finds the drive running, or starts it again."""
    bench = make_bench(strict=False)
    other, dev = bench.plug(Nvme(), NvmeModel()), bench.plug(driver_class(), NvmeModel())
    loads = [started(dev), started(other)]
    start = dev.resource_start(0)
    bench.run(1)

    bench.force_move(other)
    bench.run(1)
    for load in loads:
        settle(load)

    assert dev.resource_start(0) == start
    (prepare,) = bench.failures
    assert "rescan_prepare raised RuntimeError" in str(prepare)
    assert not bench.faults


def test_a_done_that_raises_leaves_the_device_gone_until_remove(bench: Bench) -> None:
    """Its requests stay held, the other drive works, remove answers them."""
    other, dev = bench.plug(Nvme(), NvmeModel()), bench.plug(RaisesInDone(), NvmeModel())
    loads = [started(dev), started(other)]
    bench.run(1)

    with pytest.raises(HookFailed, match=r"rescan_done raised RuntimeError at .*: still asleep; the device is gone until remove"):
        bench.rescan()
    bench.run(1)
    settle(loads[1])
    waiting = loads[0].ledger.outstanding
    loads[0].is_running = False
    bench.remove(dev)
    loads[0].stop()

    assert waiting == 80
    assert (loads[0].ledger.failed, loads[0].ledger.is_clean) == (80, True)
    assert device_of(other).driver is not None
    assert not bench.faults


# --- hooks out of step ----------------------------------------------------------------------------------


def test_hooks_that_come_twice_or_alone_do_no_harm(bench: Bench, driver: Nvme, dev: PciDev) -> None:
    """C33: prepare twice, done without prepare, done twice; requests go on and nothing is touched that is not there."""
    load, restarts = started(dev), []

    for hooks in ("done", "prepare prepare done", "prepare done done"):
        bench.run(0.5)
        for hook in hooks.split():
            getattr(driver, f"rescan_{hook}")(dev)
        restarts.append(dev.drvdata.starts)
    settle(load)

    assert restarts == [1, 2, 3]
    quiet(bench)


def test_bar_fixed_always_answers_the_same(driver: Nvme, dev: PciDev) -> None:
    """C36: no BAR of a drive has to stay, however often one asks."""
    assert [driver.bar_fixed(dev, bar) for bar in (0, 0, 3, 0)] == [False] * 4


# --- drives that do not behave ----------------------------------------------------------------------------


def test_a_drive_that_hangs_gets_its_requests_back_after_the_reset(bench: Bench, driver: Nvme, dev: PciDev) -> None:
    """It never answers, so the drain ends by its limit; disabled and enabled again it serves everything, in order."""
    load, model, before = started(dev), bench.model(dev), bench.trace.clock.now
    model.is_hung = True

    bench.run(1)
    bench.rescan()
    bench.run(1)
    settle(load)

    assert load.ledger.replayed == 62
    assert bench.trace.clock.now - before < 2_000_000_000
    quiet(bench)


def test_a_drive_that_does_not_get_ready_again_fails_its_requests_once(make_bench: MakeBench, driver: Nvme) -> None:
    """C35: the wait for RDY has a limit (CAP.TO); then the drive is given up, the other one works, remove works."""
    bench = make_bench(strict=False)
    dev, other = bench.plug(driver, NvmeModel()), bench.plug(driver, NvmeModel())
    loads = [started(dev), started(other)]
    bench.model(dev).is_broken = True

    bench.rescan()
    loads[0].stop()
    settle(loads[1])
    bench.remove(dev)

    (failure,) = bench.failures
    assert "the controller did not become ready (CSTS.RDY = 1) in 7500 ms" in str(failure)
    assert (loads[0].ledger.failed, loads[0].ledger.is_clean) == (80, True)
    assert not bench.faults


def test_a_probe_that_fails_leaves_nothing_behind(bench: Bench, driver: Nvme) -> None:
    """The drive never gets ready: probe reports ETIMEDOUT, and every vector, region, mapping and buffer was given back."""
    model = NvmeModel()
    model.is_broken = True

    with pytest.raises(PciError, match=r"did not become ready") as caught:
        bench.plug(driver, model)

    assert caught.value.errno == ETIMEDOUT
    assert not [event for event in bench.trace.events if "after probe failed" in event.text]
    assert not bench.faults


@pytest.mark.parametrize(
    ("capabilities", "kind"),
    [
        pytest.param((MsiX(2, (0, 0x2000), (0, 0x3000)), Pcie()), "two MSI-X vectors", id="msix-2"),
        pytest.param((Msi(vectors=1), Pcie()), "one MSI vector", id="msi"),
        pytest.param((Pcie(),), "the pin", id="intx"),
    ],
)
def test_queues_share_the_interrupts_there_are(
    bench: Bench, driver: Nvme, capabilities: tuple[CapabilitySpec, ...], kind: str
) -> None:
    """C13, C14: with fewer vectors than queues, or another kind, a drive works and survives the move."""
    model = NvmeModel()
    model.capabilities = capabilities
    dev = bench.plug(driver, model)
    load = started(dev)

    bench.run(1)
    bench.force_move(dev)
    bench.run(1)
    settle(load)

    assert load.ledger.completed > 100, kind
    quiet(bench)


# --- sleep ---------------------------------------------------------------------------------------------------


def power_cycle(bench: Bench, dev: PciDev, meanwhile: Callable[[], object]) -> list[int]:
    system, device = bench.world.system, device_of(dev)
    answers = [suspend_device(system, device)]
    meanwhile()
    return [*answers, resume_device(system, device)]


@pytest.mark.parametrize("keeps", [True, False], ids=["No_Soft_Reset", "reset on waking"])
def test_requests_are_held_through_sleep_and_no_block_is_lost(bench: Bench, driver: Nvme, keeps: bool) -> None:
    """C16: suspend flushes the cache, resume starts afresh; whether the drive kept its state does not matter."""
    model = NvmeModel()
    model.capabilities = (Pm(no_soft_reset=keeps), Pcie())
    dev = bench.plug(driver, model)
    load = started(dev)
    bench.run(1)

    answers = power_cycle(bench, dev, lambda: bench.run(5))
    bench.run(1)
    settle(load)

    assert answers == [0, 0]
    assert dev.drvdata.starts == 2
    quiet(bench)


def test_a_drive_that_moves_while_it_sleeps_wakes_at_its_new_place(bench: Bench, dev: PciDev) -> None:
    """C45: neither prepare nor done touches a sleeping drive; resume maps BAR 0 where it is then."""
    load, start = started(dev), dev.resource_start(0)
    bench.run(1)

    answers = power_cycle(bench, dev, lambda: bench.force_move(dev))
    bench.run(1)
    settle(load)

    assert answers == [0, 0]
    assert dev.drvdata.moves == [(start, dev.resource_start(0))]
    quiet(bench)


def test_a_shutdown_leaves_no_dma_and_a_clean_cache(bench: Bench, dev: PciDev) -> None:
    """Nothing follows it: the drive is disabled, its cache durable, and what was waiting is told so."""
    load = started(dev)
    bench.run(1)

    bench.driver(dev).shutdown(dev)
    load.stop()

    model = bench.model(dev)
    assert (model.is_ready, model.in_flight) == (False, 0)
    assert load.ledger.is_clean
    quiet(bench)
