"""The power tools: each does to the device what it says, in an ordinary rescan, and nothing beyond it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from drivers.nvme.driver import Nvme
from drivers.nvme.model import NvmeModel
from movsdk.bench.bench import Bench
from movsdk.kernel.pcidev import PciDev, device_of


class Recorder(Edu):
    """Notes which hook was called on which card."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def rescan_prepare(self, dev: PciDev) -> None:
        self.calls.append(f"prepare {device_of(dev).label}")
        super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        self.calls.append(f"done {device_of(dev).label}")
        super().rescan_done(dev)


def place(dev: PciDev, bar: int = 0) -> int:
    """Where a BAR is."""
    return dev.resource_start(bar)


# --- BARs ------------------------------------------------------------------------------------------------
def test_all_bars_are_forced_where_none_is_named(bench: Bench) -> None:
    """And the device works on."""
    dev = bench.plug(Gpu, GpuModel())

    report = bench.force(dev)

    assert {move.bar for move in report.moves} == {0, 2}
    bench.run_io(dev)
    assert not bench.faults


@pytest.mark.parametrize("rules", ["v9", "v5"])
def test_the_same_place(make_bench: Callable[..., Bench], rules: str) -> None:
    """Paused and resumed, though an ordinary rescan would have packed the BAR to the front."""
    bench = make_bench(rules=rules)
    dev = bench.plug(Edu, EduModel)
    bench.force_move(dev)

    kept = bench.force_same(dev)
    packed = bench.rescan()

    assert (kept.moves, kept.paused) == ((), ("edu0",))
    assert [move.bar for move in packed.moves] == [0]


def test_a_shrunk_bar_is_small_for_everybody(bench: Bench) -> None:
    """Silicon, sizing by ones, the kernel's table and the driver agree on the half; the device moves and works."""
    dev = bench.plug(Edu, EduModel)

    report = bench.force(dev, shrink=0)

    assert dev.resource_len(0) == 512 * 1024
    silicon = bench.world.machine.function("edu0")
    assert silicon.bars[0].spec.size == 512 * 1024
    assert silicon.config.writable(0x10, 4) == 0xFFF8_0000
    assert [move.new.size for move in report.moves if move.new] == [512 * 1024]
    assert dev.drvdata.size == 512 * 1024
    bench.run_io(dev)
    bench.rescan()
    assert not bench.faults


def test_a_bar_can_shrink_where_it_is(bench: Bench) -> None:
    """No move is needed for it."""
    dev = bench.plug(Edu, EduModel)
    before = place(dev)

    bench.force(dev, bars=(), shrink=0)

    assert (dev.resource_len(0), place(dev)) == (512 * 1024, before)


def test_one_bar_is_lost_and_the_other_moves(make_bench: Callable[..., Bench]) -> None:
    """In one rescan; the driver says which one it misses."""
    bench = make_bench(strict=False)
    dev = bench.plug(Gpu, GpuModel())
    before = place(dev, 0)

    bench.force(dev, lose=2)

    assert place(dev, 0) != before
    assert device_of(dev).bar_span(2) is None
    assert "BAR 2" in str(bench.failures[0])


# --- state -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["model", "power"])
@pytest.mark.parametrize(("driver", "model"), [(Edu, EduModel), (Gpu, GpuModel), (Nvme, NvmeModel)])
def test_state_lost_while_paused(bench: Bench, driver: Any, model: Any, how: str) -> None:
    """Every reference driver starts its device anew, whether it was reset or its power was cut."""
    dev = bench.plug(driver, model())
    resets: list[object] = []
    silicon = bench.model(dev)
    reset = silicon.reset

    def noted() -> None:
        resets.append(device_of(dev).is_paused)
        reset()

    silicon.reset = noted

    bench.force(dev, reset=how)

    assert True in resets
    bench.run_io(dev)
    assert not bench.faults


def test_power_takes_what_is_in_memory(bench: Bench) -> None:
    """A reset of the model leaves VRAM, a power cut does not."""
    dev = bench.plug(Gpu, GpuModel())
    bench.driver(dev).draw(dev, b"\x55" * 64)

    bench.force(dev, reset="model")
    kept = bench.driver(dev).read_picture(dev)[:4]
    bench.force(dev, reset="power")

    assert kept == b"\x55" * 4
    assert bench.driver(dev).read_picture(dev)[:4] != kept


def test_pulled_in_the_middle(make_bench: Callable[..., Bench]) -> None:
    """Its hook finds it gone; nobody has told the kernel."""
    bench = make_bench(strict=False, faults="hardware")
    dev = bench.plug(Gpu, GpuModel())

    bench.force(dev, pull="bridges")

    assert bench.world.find("gpu0") is not None
    assert "was it pulled?" in str(bench.failures[0])


# --- interrupts ------------------------------------------------------------------------------------------
def test_fewer_vectors_at_another_address(bench: Bench) -> None:
    """What the driver asks for after the move is cut; its messages go to another CPU, and arrive."""
    dev = bench.plug(Nvme, NvmeModel())
    before = len(dev.held.vectors)

    bench.force(dev, vectors=1)

    assert (before > 1, len(dev.held.vectors)) == (True, 1)
    count = dev.held.vectors[0].count
    bench.run_io(dev)
    assert dev.held.vectors[0].count > count


class KeepsVectors(Edu):
    """Allocates its vector once, at probe."""

    name = "keeper"

    def _start(self, dev: PciDev) -> None:
        if dev.held.vectors:
            dev.request_regions(self.name)
            dev.drvdata = dev.iomap(0)
        else:
            super()._start(dev)

    def _stop(self, dev: PciDev) -> None:
        dev.drvdata.iounmap()
        dev.drvdata = None
        dev.release_regions()


def test_vectors_that_are_kept_get_the_new_address(bench: Bench) -> None:
    """The core writes it, as when an interrupt is moved to another CPU."""
    dev = bench.plug(KeepsVectors, EduModel)
    msi = dev.find_capability(0x05)
    before = dev.read_config_dword(msi + 4)

    bench.force(dev, vectors=1)

    assert dev.read_config_dword(msi + 4) == before ^ 0x1000
    count = dev.held.vectors[0].count
    bench.run_io(dev)
    bench.run(1)
    assert dev.held.vectors[0].count > count


def test_a_card_is_pulled_with_all_its_functions(bench: Bench) -> None:
    """Told or not; removing takes one function only."""
    for told in (True, False):
        first, second = bench.plug_functions((Edu, EduModel), (Edu, EduModel))
        labels = [device_of(dev).label for dev in (first, second)]
        bench.pull(second, told=told)
        assert [bench.world.machine.function(label).present for label in labels] == [False, False]
        assert [bench.world.find(label) is None for label in labels] == [told, told]


@pytest.mark.parametrize("step", ["release", "attempts", "bridges", "resume"])
def test_a_pinned_card_recovers_at_its_place(step: str) -> None:
    """A reset in the middle of a rescan, when nobody counts its BARs as placed, does not cost it their addresses."""

    class Pinned(Gpu):
        name = "pinned"

        def bar_fixed(self, dev: PciDev, bar: int) -> bool:
            return True

    bench = Bench()
    dev = bench.plug(Pinned, GpuModel)
    before = dev.resources

    bench.force(dev, bars=(), recover=step)

    assert dev.resources == before
    bench.run_io(dev)
