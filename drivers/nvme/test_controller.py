"""What callers of a controller see: mistakes refused at the door, waits that end, answers that raise."""

from __future__ import annotations

import re
from collections.abc import Callable
from errno import EINVAL, ETIMEDOUT

import pytest

from movsdk import Bench, PciDev, PciError
from movsdk.ops import Space
from movsdk.pci_regs import MSIX_ENTRY_CTRL_MASKBIT, MSIX_ENTRY_SIZE, MSIX_ENTRY_VECTOR_CTRL

from .controller import NvmeController
from .driver import Nvme
from .model import NvmeModel
from .regs import MSIX_TABLE, Io
from .requests import Request
from .trial import quiet

MakeBench = Callable[..., Bench]


@pytest.mark.parametrize(
    ("submit", "message"),
    [
        (
            lambda drive: drive.submit_read(0, 0),
            "blocks 0+0; a request to drive 'nvme0' of 2097152 blocks, 256 at a time",
        ),
        (lambda drive: drive.submit_read(0, 257), "blocks 0+257"),
        (lambda drive: drive.submit_read(2097152, 1), "blocks 2097152+1"),
        (lambda drive: drive.submit_write(-1, bytes(512)), "blocks -1+1"),
        (lambda drive: drive.submit_write(0, b"short"), "write of 5 bytes; a block has 512"),
    ],
)
def test_a_request_that_cannot_be_served_is_refused_at_the_door(
    dev: PciDev, submit: Callable[[NvmeController], object], message: str
) -> None:
    """EINVAL names the blocks and what would fit."""
    with pytest.raises(PciError, match=re.escape(message)) as caught:
        submit(dev.drvdata)

    assert caught.value.errno == EINVAL


def test_waiting_for_a_hung_drive_ends(bench: Bench, dev: PciDev) -> None:
    """ETIMEDOUT names the request, and how long."""
    bench.model(dev).is_hung = True
    request = dev.drvdata.submit_read(8, 2)

    with pytest.raises(PciError, match=r"read 0 of queue 0, blocks 8\+2 was not answered in 50 ms \(live\)") as caught:
        dev.drvdata.wait(request, timeout_ms=50)

    assert caught.value.errno == ETIMEDOUT


def test_the_drive_exercises_itself_and_takes_a_load_by_the_scenarios_words(bench: Bench, driver: Nvme, dev: PciDev) -> None:
    """`exercise` and `start_load` are what bench and scenarios ask of a driver."""
    bench.run_io(dev, times=2)
    load = driver.start_load(dev, reads=4, writes=12, size=1000)

    bench.run(4)
    load.stop()

    assert load.blocks == 2
    assert load.ledger.completed > 100
    assert not load.problems
    quiet(bench)


def mask(bench: Bench, dev: PciDev, masked: int) -> None:
    """Write the mask bit of vector 1, that of queue 0, into the table in BAR 0."""
    address = dev.resource_start(0) + MSIX_TABLE + 1 * MSIX_ENTRY_SIZE + MSIX_ENTRY_VECTOR_CTRL
    bench.world.machine.fabric.write(Space.MEM, address, 4, masked)


def test_an_answer_that_raises_takes_no_other_answer_with_it(make_bench: MakeBench) -> None:
    """What `on_done` raises is reported in the interrupt's name, after all requests of that interrupt were answered."""
    bench = make_bench(strict=False)
    dev = bench.plug(Nvme(), NvmeModel())

    def explode(_request: Request) -> None:
        raise ValueError("caller's bug")

    mask(bench, dev, MSIX_ENTRY_CTRL_MASKBIT)
    requests = [dev.drvdata.submit(Request(Io.FLUSH, on_done=done), 0) for done in (explode, None, None)]
    bench.run(1)
    assert not any(request.is_done for request in requests)
    mask(bench, dev, 0)
    bench.run(1)

    assert [request.completions for request in requests] == [1, 1, 1]
    (failure,) = bench.failures
    assert "irq 1 nvme-q1 raised ValueError" in str(failure)


def test_what_the_drive_finished_unheard_is_not_replayed(bench: Bench) -> None:
    """A pause reads the completion rings once more when the drive is quiet: done is done."""
    dev = bench.plug(Nvme(drain_ms=0), NvmeModel())
    mask(bench, dev, MSIX_ENTRY_CTRL_MASKBIT)
    requests = [dev.drvdata.submit(Request(Io.FLUSH), 0) for _ in range(3)]
    bench.run(1)

    bench.rescan()

    assert [(request.completions, request.issues) for request in requests] == [(1, 1)] * 3
