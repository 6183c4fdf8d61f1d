"""Time passes while drivers are paused, and what their devices do meanwhile is a failure of the driver."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockbus.bar import BarSpec
from mockbus.capabilities import Msi
from mockbus.model import DeviceModel
from movsdk.bench.bench import Bench
from movsdk.bench.pause_watch import PAUSE
from movsdk.errors import BadInput, HookFailed
from movsdk.hooks import PciId
from movsdk.kernel.mmio import IoMem
from movsdk.kernel.pcidev import PciDev
from movsdk.pci_regs import BarKind

TICK = 100_000


class Beacon(DeviceModel):
    """Writes memory and sends a message each 100 us, from the first register write until a write of 0."""

    vendor_id, device_id, class_code = 0x1234, 0x11E9, 0x00FF00
    bars = (BarSpec(0, BarKind.MEM32, 0x1000),)
    capabilities = (Msi(),)
    target = 0

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        was, self.target = self.target, value
        if value and not was:
            self.tick()

    def tick(self) -> None:
        if self.target:
            self.dma_write(self.target, b"beat")
            self.raise_irq(0)
            self.clock.call_later(TICK, self.tick)


class Quiet:
    """A driver that stops its card in rescan_prepare."""

    name, id_table = "beacon", (PciId(0x1234, 0x11E9),)
    regs: IoMem

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.set_master()
        self.regs, self.buffer = dev.iomap(0), dev.dma_alloc_coherent(4096)
        dev.alloc_irq_vectors(1, 1)
        dev.request_irq(0, lambda: None)
        self.regs.writel(self.buffer.address, 0)

    def rescan_prepare(self, dev: PciDev) -> None:
        self.regs.writel(0, 0)
        dev.synchronize_irq(0)

    def rescan_done(self, dev: PciDev) -> None:
        self.regs.iounmap()
        self.regs = dev.iomap(0)
        self.regs.writel(self.buffer.address, 0)


class Noisy(Quiet):
    """The bug: nothing is stopped."""

    def rescan_prepare(self, dev: PciDev) -> None:
        pass


class Pinned(Quiet):
    """Its BAR stays."""

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        return True


def test_a_card_that_is_stopped_breaks_nothing(bench: Bench) -> None:
    """A millisecond of the rescan passes without a word."""
    dev = bench.plug(Quiet, Beacon)
    start = dev.clock.now

    bench.force_move(dev)

    assert dev.clock.now - start == PAUSE
    assert not bench.failures


@pytest.mark.parametrize("what", ["DMA write of 4 bytes", "irq 0 (beacon) arrived"])
def test_a_card_that_nobody_stopped_is_told_with_its_place(make_bench: Callable[..., Bench], what: str) -> None:
    """Rules C10 and C12: the message names what came, and the line to look at."""
    bench = make_bench(strict=False)
    dev = bench.plug(Noisy, Beacon)

    bench.force_move(dev)

    told = next(str(failure) for failure in bench.failures if what in str(failure))
    assert "between rescan_prepare and rescan_done" in told
    assert "test_pause_watch.py:" in told


def test_a_strict_bench_raises_it(bench: Bench) -> None:
    """A driver's test fails by itself."""
    dev = bench.plug(Noisy, Beacon)

    with pytest.raises(HookFailed, match="DMA write"):
        bench.rescan()
    assert dev.resource_len(0) == 0x1000


def test_real_hardware_says_nothing(make_bench: Callable[..., Bench]) -> None:
    """faults="hardware": the driver sees what a real one would see."""
    bench = make_bench(faults="hardware")

    bench.force_move(bench.plug(Noisy, Beacon))

    assert not bench.failures


def test_a_pinned_bar_is_not_forced(bench: Bench) -> None:
    """The driver's word counts; its subsets leave the BAR out."""
    dev = bench.plug(Pinned, Beacon)

    with pytest.raises(BadInput, match=r"BAR 0 cannot be forced to move, bar_fixed\(\) of its driver pins it"):
        bench.force_move(dev)
    assert bench.bar_subsets(dev) == []
