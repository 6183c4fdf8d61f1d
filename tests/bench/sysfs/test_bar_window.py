"""Windows on BARs: what is mapped, whose it is, and when it dies."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from attrs import evolve

from mockbus import BarKind, BarSpec
from mockbus.model import PlainModel
from movsdk.bench.bench import Bench
from movsdk.bench.sysfs.bar_window import BarWindow, Windows
from movsdk.bench.sysfs.ram_window import RamWindow
from movsdk.bench.sysfs.register_window import CARRIED, SHOWN, RegisterWindow
from movsdk.kernel.pcidev import PciDev, device_of
from tests.bench.sysfs.cards import Card, MemoryCard


@pytest.fixture
def windows(bench: Bench) -> Iterator[Windows]:
    """The windows of the bench's machine."""
    found = Windows(bench.world.machine)
    yield found
    found.close()


def window(windows: Windows, dev: PciDev, bar: int) -> RamWindow | RegisterWindow:
    """What BAR `bar` can be mapped to now."""
    found = BarWindow(windows, device_of(dev), bar).now()
    assert isinstance(found, RamWindow | RegisterWindow)
    return found


def test_one_window_a_place(bench: Bench, windows: Windows) -> None:
    """The same as long as the BAR stays, another after a move, the first again when it comes back."""
    dev = bench.plug(Card, MemoryCard)
    first = window(windows, dev, 2)
    assert window(windows, dev, 2) is first
    bench.force_move(dev, bar=2)
    second = window(windows, dev, 2)
    assert (second is first, first.is_live, second.is_live) == (False, False, True)
    bench.rescan()
    assert window(windows, dev, 2) is first
    assert (first.is_live, second.is_live) == (True, False)


def test_io_and_unassigned_bars_have_none(bench: Bench, windows: Windows) -> None:
    """Nothing to map."""
    dev = bench.plug(Card, MemoryCard)
    assert BarWindow(windows, device_of(dev), 4).now() is None
    bench.strict = False
    bench.lose_bar(dev, 2)
    assert BarWindow(windows, device_of(dev), 2).now() is None


def test_a_card_that_lost_power_has_other_memory(bench: Bench, windows: Windows) -> None:
    """Its contents are gone; the window at its place shows the new, empty ones."""
    dev = bench.plug(Card, MemoryCard)
    old = window(windows, dev, 2)
    os.pwrite(old.file, b"data", 0)
    label = device_of(dev).label
    bench.pull(dev)
    assert (old.is_live, os.pread(old.file, 4, 0)) == (False, b"\xff" * 4)

    bench.world.machine.plug(label)
    bench.world.system.ops.clock.run_pending()

    device = bench.world.find(label)
    assert device is not None
    again = BarWindow(windows, device, 2).now()
    assert again is not None
    assert (again is old, again.is_live, os.pread(again.file, 4, 0)) == (False, True, b"\0\0\0\0")


def test_a_device_that_is_removed_takes_its_maps_along(bench: Bench, windows: Windows) -> None:
    """Though the card still answers there, and is found again at the same place."""
    dev = bench.plug(Card, MemoryCard)
    old, place = window(windows, dev, 2), dev.resource_start(2)
    bench.world.engine.remove(device_of(dev))
    windows.refresh()
    bench.rescan()
    again = bench.world.find("card0")
    assert again is not None
    assert again.resources[2].start == place
    assert not old.is_live


def test_a_model_without_behaviour_is_memory(bench: Bench, windows: Windows) -> None:
    """What was written to it through registers is there, and the other way round."""
    model = PlainModel(MemoryCard.vendor_id, MemoryCard.device_id, bars=(BarSpec(0, BarKind.MEM32, 0x1000),))
    dev = bench.plug(Card, model)
    registers = dev.iomap(0)
    registers.writel(0x12345678, 0x10)
    found = window(windows, dev, 0)
    assert isinstance(found, RamWindow)
    assert os.pread(found.file, 4, 0x10) == b"\x78\x56\x34\x12"
    os.pwrite(found.file, b"\x01", 0x20)
    assert registers.readl(0x20) == 1


def test_a_register_window_shows_and_carries(bench: Bench, windows: Windows) -> None:
    """The first page is shown, four pages are compared for writes, and nothing of it is in the fault log."""
    model = MemoryCard()
    model.bars = (evolve(MemoryCard.bars[0], size=0x10000),)
    dev = bench.plug(Card, model)
    found = window(windows, dev, 0)
    assert isinstance(found, RegisterWindow)
    faults = len(bench.faults)
    os.pwrite(found.file, b"\x07\0\0\0", 0x10)
    os.pwrite(found.file, b"\x09", CARRIED - 4)
    os.pwrite(found.file, b"\x08", CARRIED)
    os.pwrite(found.file, b"\x06", SHOWN - 1)

    found.refresh()

    assert model.writes == [(0, 0x10, 4, 7), (0, SHOWN - 4, 4, 0x0600_0000), (0, CARRIED - 4, 4, 9)]
    assert os.pread(found.file, 4, 0) == b"\xed\x00\x00\x01"
    assert len(bench.faults) == faults


def test_pending_register_writes_reach_the_card_before_it_moves(bench: Bench, windows: Windows) -> None:
    """They were made at the old address, in time."""
    dev = bench.plug(Card, MemoryCard)
    found = window(windows, dev, 0)
    os.pwrite(found.file, b"\x07\0\0\0", 0x10)
    bench.force_move(dev, bar=0)
    assert bench.model(dev).writes == [(0, 0x10, 4, 7)]
    assert list(found.stale_writes()) == []
