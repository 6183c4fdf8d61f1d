"""The driver on the bench: BARs move under load, and no request is lost, answered twice, out of order, or wrong."""

from __future__ import annotations

from collections.abc import Callable
from errno import EIO, ENODEV
from itertools import pairwise

import pytest

from movsdk import Bench, PciDev, PciError
from movsdk.pci_regs import COMMAND, COMMAND_MASTER

from .controller import NvmeController, State
from .driver import Nvme
from .load import Load
from .model import NvmeModel
from .trial import quiet, settle, started

MakeBench = Callable[..., Bench]


# --- the BAR moved --------------------------------------------------------------------------------


def test_no_request_is_lost_when_the_bar_moves_under_load(bench: Bench, driver: Nvme, dev: PciDev) -> None:
    """C01-C03, C15: three moves; every request is answered once and in order, every block holds what was written."""
    load, addresses = started(dev), [dev.resource_start(0)]

    for _ in range(3):
        bench.run(1)
        bench.force_move(dev, bar=0)
        addresses.append(dev.resource_start(0))
    bench.run(1)
    settle(load)

    assert dev.drvdata.moves == list(pairwise(addresses))
    assert driver.moves == [(dev.name, old, new) for old, new in dev.drvdata.moves]
    assert load.ledger.completed > 500
    assert (load.ledger.failed, load.ledger.outstanding) == (0, 0)
    assert bool(load.ledger.replayed) == (driver.drain_ms == 0)
    assert sum(queue.held + queue.requeued for queue in dev.drvdata.queues) > 100
    quiet(bench)


def test_nothing_of_the_device_is_in_use_between_prepare_and_done(bench: Bench, dev: PciDev) -> None:
    """C02, C10, C12, C50: no mapping, region or vector, no command in the drive, no bus mastering, and time may pass."""
    load, model, held = started(dev), bench.model(dev), dev.held
    seen: list[dict[str, int]] = []
    bench.run(0.5)

    def look() -> None:
        answered = load.ledger.completed
        bench.world.machine.fabric.clock.advance(5_000_000)
        seen.append(
            {
                "mappings, regions, vectors": len(held.mappings) + len(held.regions) + len(held.vectors),
                "commands in the drive": model.in_flight + model.is_ready,
                "bus mastering": dev.read_config_word(COMMAND) & COMMAND_MASTER,
                "answers": load.ledger.completed - answered,
            }
        )

    with bench.before_step("bridges", look):
        bench.force_move(dev)
    settle(load)

    assert [sum(look.values()) for look in seen] == [0], seen
    quiet(bench)


def test_a_request_submitted_during_the_pause_is_held_and_answered_afterwards(bench: Bench, dev: PciDev) -> None:
    """A caller does not notice the move but for the time it takes."""
    controller: NvmeController = dev.drvdata
    requests = []

    with bench.before_step("bridges", lambda: requests.append(controller.submit_write(0, b"held" * 128))):
        bench.force_move(dev)

    assert not requests[0].is_done
    controller.wait(requests[0])
    assert controller.wait(controller.submit_read(0, 1)) == b"held" * 128
    quiet(bench)


@pytest.mark.parametrize("rules", ["v5", "v9"])
def test_every_version_of_the_series_moves_the_drive(make_bench: MakeBench, driver: Nvme, rules: str) -> None:
    """The two hooks are enough for both; `bar_fixed` is asked by v9 only."""
    bench = make_bench(rules=rules)
    dev = bench.plug(driver, NvmeModel())
    load = started(dev)

    bench.run(1)
    bench.force_move(dev, bar=0)
    bench.run(1)
    settle(load)

    assert len(dev.drvdata.moves) == 1
    quiet(bench)


# --- the BAR not moved ------------------------------------------------------------------------------


def test_a_pause_without_a_move_is_survived_too(bench: Bench, driver: Nvme, dev: PciDev) -> None:
    """C34: same address, and the drive is reset and works; `moves` stays empty."""
    bench.rescan()
    load, before = started(dev), (list(driver.moves), dev.resource_start(0), dev.drvdata.starts)

    bench.run(1)
    bench.rescan()
    bench.run(1)
    settle(load)

    assert (driver.moves, dev.resource_start(0), dev.drvdata.starts) == (*before[:2], before[2] + 1)
    quiet(bench)


# --- the BAR lost -----------------------------------------------------------------------------------


def test_a_lost_bar_fails_every_request_once(make_bench: MakeBench, driver: Nvme) -> None:
    """C07, C35: nothing is touched, each request fails with EIO, the hook raises, and remove works."""
    bench = make_bench(strict=False)
    dev, other = bench.plug(driver, NvmeModel()), bench.plug(driver, NvmeModel())
    load, bystander = started(dev), started(other, seed=2)
    bench.run(1)

    bench.lose_bar(dev, bar=0)
    bench.run(1)
    settle(bystander)
    load.stop()

    assert dev.drvdata.state is State.DEAD
    assert load.ledger.is_clean, load.ledger.complaints
    assert load.ledger.failed == 80
    (failure,) = bench.failures
    assert "rescan_done raised PciError" in str(failure)
    assert "BAR 0" in str(failure)
    late = dev.drvdata.submit_read(0, 1)
    with pytest.raises(PciError, match="did not come back, its requests fail") as caught:
        dev.drvdata.wait(late)
    assert caught.value.errno == EIO
    bench.remove(dev)
    assert not bench.faults
    assert len(bench.failures) == 1


# --- pulled -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("faults", ["raise", "hardware"])
@pytest.mark.parametrize("step", ["bridges", "resume"])
def test_a_drive_pulled_between_prepare_and_done_fails_its_requests_once(
    make_bench: MakeBench, driver: Nvme, faults: str, step: str
) -> None:
    """C43: done notices (all-ones), does not hang and does not raise; remove works; the other drive goes on."""
    bench = make_bench(faults=faults)
    dev, other = bench.plug(driver, NvmeModel()), bench.plug(driver, NvmeModel())
    load, bystander = started(dev), started(other, seed=2)
    bench.run(1)

    with bench.before_step(step, lambda: bench.pull(dev, told=False)):
        bench.rescan()
    bench.run(1)
    load.stop()
    settle(bystander)

    assert dev.drvdata.state is State.DEAD
    assert (load.ledger.failed, load.ledger.is_clean) == (80, True)
    bench.remove(dev)
    quiet(bench)


@pytest.mark.parametrize("after", range(0, 2_400_000, 300_000))
def test_a_drive_pulled_at_any_instant_of_a_rescan_fails_its_requests_once(
    make_bench: MakeBench, driver: Nvme, after: int
) -> None:
    """While it drains, shuts down, is disabled, reset, identified: no hang, no request lost or answered twice."""
    bench = make_bench(faults="hardware")
    other, dev = bench.plug(Nvme(), NvmeModel()), bench.plug(driver, NvmeModel())
    load, bystander, clock = started(dev), started(other, seed=2), bench.trace.clock
    bench.run(1)

    clock.call_later(after, lambda: bench.pull(dev, told=False))
    before = clock.now
    bench.rescan()
    assert clock.now - before < 10_000_000
    bench.run(3)
    settle(bystander)
    load.is_running = False
    bench.remove(dev)
    load.stop()

    assert (load.ledger.failed, load.ledger.is_clean) == (80, True), load.ledger.complaints
    assert bystander.ledger.failed == 0
    assert not bench.failures


@pytest.mark.parametrize("faults", ["raise", "hardware"])
def test_a_drive_pulled_at_work_is_removed_and_its_requests_fail_once(make_bench: MakeBench, driver: Nvme, faults: str) -> None:
    """A surprise removal under load: remove does not wait for the hardware, and answers everything with ENODEV."""
    bench = make_bench(faults=faults)
    dev = bench.plug(driver, NvmeModel())
    errors: list[int | None] = []
    request = dev.drvdata.submit_read(0, 1, lambda done: errors.append(done.error and done.error.errno))
    load = started(dev)

    bench.pull(dev)
    bench.run(1)
    load.stop()

    assert (errors, request.completions) == ([ENODEV], 1)
    assert (load.ledger.failed, load.ledger.is_clean) == (80, True)
    quiet(bench)


def test_another_drive_in_the_slot_does_not_get_the_requests(make_bench: MakeBench, driver: Nvme) -> None:
    """Swapped during the pause: the serial number differs, so nothing is replayed to it."""
    bench = make_bench(strict=False)
    dev = bench.plug(driver, NvmeModel(serial="old"))
    model, load = bench.model(dev), started(dev)
    bench.run(1)

    def swap() -> None:
        model.serial = "new"
        model.store._medium.clear()
        model.reset()

    with bench.before_step("bridges", swap):
        bench.rescan()
    load.stop()

    assert "this is drive 'new', the requests are for 'old'" in str(bench.failures[0])
    assert (load.ledger.failed, load.ledger.is_clean, model.store.dirty) == (80, True, 0)


# --- two drives, and a hook that raises -----------------------------------------------------------------


def test_two_drives_with_one_driver_share_nothing(bench: Bench, driver: Nvme, two: tuple[PciDev, PciDev]) -> None:
    """C37: both are paused by every rescan; each keeps its own account, wherever its BAR goes."""
    loads = [started(dev, seed) for seed, dev in enumerate(two)]

    for dev in (*two, *two):
        bench.run(0.5)
        bench.force_move(dev)
    for load in loads:
        settle(load)

    assert {name for name, _, _ in driver.moves} == {dev.name for dev in two}
    assert [dev.drvdata.starts for dev in two] == [device.drvdata.starts for device in two]
    assert all(len(dev.drvdata.moves) >= 2 for dev in two)
    quiet(bench)


def test_a_program_whose_request_raises_ends_and_nobody_else(bench: Bench, dev: PciDev, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits on the clock for its next request; the rescan that lets time pass is not broken off by what it meets."""
    load = Load(think=1_000)
    load.start(dev.drvdata, queue_depth=2)
    bench.run(0.1)

    monkeypatch.setattr(NvmeController, "submit", refuse)
    bench.rescan()
    bench.run(1)
    load.stop()

    assert [problem for problem in load.problems if "raised" in problem] == [
        "a request of the load raised PciError: [EIO] no"
    ] * 2


def refuse(*_: object) -> None:
    raise PciError(EIO, "no")
