"""PCI oracles: each kind of miss, made by hand, and the good case beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockbus import BarKind, BarSpec, DeviceModel, Msi, Pm
from movsdk import PciDev, PciId, points
from movsdk.bench.announce import Announcer
from movsdk.bench.bench import Bench
from movsdk.bench.oracles import Oracles
from movsdk.errors import AccessFault
from movsdk.kernel.enable import disable_device
from movsdk.kernel.pcidev import device_of
from movsdk.ops import DmaBuffer
from movsdk.pci_regs import COMMAND, PowerState


class Card(DeviceModel):
    """Registers that read 1; fetches and interrupts when it is told to."""

    vendor_id, device_id, class_code = 0x6D76, 0x0002, 0x00FF00
    bars = (BarSpec(0, BarKind.MEM32, 0x1000),)
    capabilities = (Pm(), Msi())

    def read(self, bar: int, offset: int, size: int) -> int:
        return 1


class Driver:
    """Movable; forgets to be quiet."""

    name, id_table = "card", [PciId(0x6D76, 0x0002)]
    buffer: DmaBuffer

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()
        dev.set_master()
        dev.drvdata = dev.iomap(0)
        self.buffer = dev.dma_alloc_coherent(0x1000)
        dev.alloc_irq_vectors(1, 1)
        dev.request_irq(0, lambda: None)

    def remove(self, dev: PciDev) -> None:
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        pass

    def rescan_done(self, dev: PciDev) -> None:
        pass


class Desk:
    """A bench with one card, oracles on it, and what went wrong so far."""

    def __init__(self, faults: str = "hardware") -> None:
        self.bench = Bench(faults=faults, strict=False)
        self.dev = self.bench.plug(Driver, Card())
        self.card: Card = self.bench.model(self.dev)
        self.oracles = Oracles.on(self.bench.world)
        self.announcer = Announcer(self.bench.world.machine, checks=[self.oracles.check])

    def fetch(self) -> None:
        self.card.dma_read(self.bench.driver(self.dev).buffer.address, 4)

    def between(self, action: Callable[[], object], step: str = "bridges") -> None:
        """Act in the middle of a rescan that moves BAR 0."""
        with self.bench.before_step(step, action):
            self.bench.force_move(self.dev, bar=0)

    def kinds(self) -> list[str]:
        return [miss.oracle for miss in self.oracles.misses]


def _decode_off(desk: Desk) -> None:
    desk.dev.write_config_word(COMMAND, 0)
    desk.dev.drvdata.readl(0)


def _stale(desk: Desk) -> None:
    desk.bench.force_move(desk.dev, bar=0)
    desk.dev.drvdata.readl(0)


def _pulled(desk: Desk) -> None:
    desk.bench.pull(desk.dev, told=False)
    desk.dev.drvdata.readl(0)


def _asleep(desk: Desk) -> None:
    desk.dev.set_power_state(PowerState.D3HOT)
    desk.dev.drvdata.readl(0)


def _closed(desk: Desk) -> None:
    desk.dev.drvdata.iounmap()
    desk.dev.drvdata.readl(0)


def _no_master(desk: Desk) -> None:
    desk.dev.clear_master()
    desk.fetch()


def _no_master_irq(desk: Desk) -> None:
    desk.dev.clear_master()
    desk.card.raise_irq()


def _nowhere(desk: Desk) -> None:
    desk.card.dma_read(0x7000_0000, 4)


def _late_irq(desk: Desk) -> None:
    def act() -> None:
        desk.card.raise_irq()
        desk.bench.world.system.ops.clock.run_pending()

    desk.between(act)


CASES = [
    pytest.param(_decode_off, ["master abort"], id="decode off"),
    pytest.param(_stale, ["MMIO through a moved BAR"], id="moved"),
    pytest.param(_pulled, ["MMIO to an absent device"], id="absent"),
    pytest.param(_asleep, ["MMIO to a sleeping device"], id="D3"),
    pytest.param(_closed, ["use after iounmap"], id="closed"),
    pytest.param(lambda desk: desk.between(lambda: desk.dev.drvdata.readl(0)), ["access between prepare and done"], id="paused"),
    pytest.param(_no_master, ["DMA without bus mastering"], id="DMA"),
    pytest.param(_no_master_irq, ["interrupt without bus mastering"], id="MSI"),
    pytest.param(_nowhere, ["DMA to nowhere"], id="nowhere"),
    pytest.param(lambda desk: desk.between(desk.fetch), ["DMA while paused"], id="DMA while paused"),
    pytest.param(_late_irq, ["interrupt while paused", "interrupt while paused"], id="an interrupt sent, and one delivered"),
    pytest.param(lambda desk: desk.dev.drvdata.readl(0), [], id="a good read"),
    pytest.param(lambda desk: desk.fetch(), [], id="a good fetch"),
    pytest.param(lambda desk: desk.card.raise_irq(), [], id="a good interrupt"),
    pytest.param(lambda desk: desk.bench.remove(desk.dev), [], id="orderly removal"),
]


@pytest.mark.parametrize(("act", "expected"), CASES)
def test_each_miss_has_its_name(act: Callable[[Desk], object], expected: list[str]) -> None:
    """What silicon or the sanitizer noticed is told once, under the name of its oracle."""
    desk = Desk()

    before = points.install(None)
    desk.announcer.listen()
    try:
        act(desk)
    finally:
        points.install(before)

    assert desk.kinds() == expected
    assert desk.oracles.is_clean() == (not expected)


def test_a_miss_says_who_and_why() -> None:
    """The text is the sanitizer's or silicon's, which names the address and who holds it."""
    desk = Desk()
    _decode_off(desk)
    _no_master(desk)

    mmio, dma = desk.oracles.misses
    assert str(mmio).startswith("master abort: card0 (0000:01:00.0): readl of BAR 0 + 0x0 at ")
    assert "decode is off in COMMAND of card0 BAR 0 + 0x0" in mmio.text
    assert (dma.device, "no-bus-master: read of 4 bytes" in dma.text) == ("card0", True)


def test_a_raised_fault_is_heard_too() -> None:
    """With the sanitizer raising, the oracle has spoken before the exception leaves."""
    desk = Desk(faults="raise")

    with pytest.raises(AccessFault):
        _decode_off(desk)

    assert desk.kinds() == ["master abort"]


def test_an_oracle_can_be_told_to_be_quiet() -> None:
    """By name; the others go on."""
    desk = Desk()
    desk.oracles.ignored = frozenset({"DMA without bus mastering"})

    _no_master(desk)
    _decode_off(desk)

    assert desk.kinds() == ["master abort"]


def test_enable_counts_are_compared_with_what_drivers_hold() -> None:
    """One enable too many undone behind the driver's back: unbalanced, and below zero in the end."""
    desk = Desk()
    assert desk.oracles.counts_are_balanced()

    disable_device(device_of(desk.dev))
    assert desk.oracles.unbalanced() == ["card0: enable count 0, its driver holds 1"]
    assert desk.oracles.counts_are_sane()

    disable_device(device_of(desk.dev))
    assert not desk.oracles.counts_are_sane()
    assert ("enable_cnt", "card0") in desk.oracles.count_cells()
