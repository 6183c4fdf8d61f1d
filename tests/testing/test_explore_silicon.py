"""What a card does by itself is one step for the tasks of a test: a status that reads "done" means that all of it is done."""

from __future__ import annotations

import pytest

from mockbus import BarKind, BarSpec, DeviceModel
from movsdk import PciDev, PciId
from movsdk.bench.bench import Bench
from movsdk.clock import DeviceClock
from movsdk.explore import Result, World, explore
from movsdk.testing.tasks import Tasks

ID = PciId(0x6D76, 0x0005)


class Copier(DeviceModel):
    """A write to offset 0 names a place in host memory; a microsecond later the card writes there."""

    vendor_id, device_id, class_code = ID.vendor, ID.device, 0x00FF00
    bars = (BarSpec(0, BarKind.MEM32, 0x1000),)
    is_done = False

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        self.clock.call_later(1000, lambda: self._finish(value))

    def read(self, bar: int, offset: int, size: int) -> int:
        return int(self.is_done)

    def _finish(self, place: int) -> None:
        self.is_done = True
        self.dma_write(place, b"done")


class Driver:
    """Takes bus mastering away as soon as the card says that it is done."""

    name, id_table = "copier", (ID,)

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.set_master()
        dev.drvdata = dev.iomap(0)

    def remove(self, dev: PciDev) -> None:
        dev.disable_device()

    def copy(self, dev: PciDev) -> None:
        """Let the card copy once."""
        buffer = dev.dma_alloc_coherent(16)
        dev.drvdata.writel(buffer.address, 0)
        dev.clock.advance(1000)
        while not dev.drvdata.readl(0):
            dev.clock.advance(1000)
        dev.clear_master()
        dev.dma_free_coherent(buffer)


def explored() -> Result:
    """One task that copies; its looks at the card meet what the card does."""

    def program(world: World) -> None:
        tasks, bench = Tasks(world), Bench(faults="hardware", strict=False)
        dev = bench.plug(Driver, Copier())
        tasks.watch(bench)
        tasks.spawn("copy", bench.driver(dev).copy, dev)

    return explore(program, shorten=False)


def test_nobody_comes_between_what_a_card_decides_and_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver may believe the status that it reads. Were the card's clock anybody's clock, its DMA would come too late."""
    assert explored().verdict == "proved"

    monkeypatch.setattr(Copier, "clock", property(lambda self: self.function.fabric.clock))
    assert explored().failure is not None


def test_a_device_has_the_machines_time() -> None:
    """Its clock tells the time and calls; it cannot make time pass."""
    bench, model, seen = Bench(), Copier(), list[int]()
    bench.plug(Driver, model)
    before = model.clock.now
    model.clock.call_soon(lambda: seen.append(model.clock.now))

    bench.run(1)

    assert seen == [before]
    assert isinstance(model.clock, DeviceClock)
    assert not hasattr(model.clock, "advance")
