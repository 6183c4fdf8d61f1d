"""DMA: which way it takes, what bars it, whom it reaches."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockbus.bar import BarSpec
from mockbus.model import PlainModel
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.address import Span
from movsdk.ops import FaultKind, Interrupt, Space
from movsdk.pci_regs import BarKind, PowerState
from tests.mockbus.machines import (
    COMMAND_ALL,
    MEM,
    PREF,
    Narrow,
    desk,
    last,
    model,
    set_command,
    set_config,
    set_power,
)


def test_a_device_reaches_host_memory_both_ways() -> None:
    """With bus mastering all the way up, a device reads and writes what the CPU sees."""
    machine = desk()
    buffer = machine.fabric.alloc_coherent(0x1000)
    buffer.view[:5] = b"hello"

    fetched = model(machine).dma_read(buffer.address, 5)
    model(machine).dma_write(buffer.address + 0x100, b"world")

    assert (fetched, bytes(buffer.view[0x100:0x105])) == (b"hello", b"world")
    assert not machine.fabric.faults


def _no_master(label: str) -> Callable[[Machine], None]:
    return lambda machine: set_command(machine, label, COMMAND_ALL & ~regs.COMMAND_MASTER)


@pytest.mark.parametrize(
    ("change", "kind", "blocked"),
    [
        pytest.param(_no_master("card"), FaultKind.NO_BUS_MASTER, "card", id="master off in the device"),
        pytest.param(_no_master("port"), FaultKind.NO_BUS_MASTER, "port", id="master off in the bridge"),
        pytest.param(lambda machine: set_power(machine, "card", PowerState.D3HOT), FaultKind.ASLEEP, "card", id="asleep"),
        pytest.param(lambda machine: machine.unplug("card"), FaultKind.ABSENT, "card", id="pulled"),
        pytest.param(lambda machine: machine.unplug("port"), FaultKind.ABSENT, "card", id="pulled with its port"),
    ],
)
def test_dma_needs_every_hop(change: Callable[[Machine], None], kind: FaultKind, blocked: str) -> None:
    """A hop that does not forward bars the way: reads are all-ones, writes vanish, the fault names hop and master."""
    machine = desk()
    card = model(machine)
    buffer = machine.fabric.alloc_coherent(16)

    change(machine)
    fetched = card.dma_read(buffer.address, 4)
    card.dma_write(buffer.address, b"lost")

    assert (fetched, bytes(buffer.view[:4])) == (b"\xff" * 4, bytes(4))
    told = [(fault.kind, fault.space, fault.operation, fault.by, fault.blocked) for fault in machine.fabric.faults]
    assert told == [(kind, Space.DMA, name, "card", blocked) for name in ("read", "write")]


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(0x10_1000, id="memory nobody allocated"),
        pytest.param(MEM + 0x80_0000, id="no BAR"),
        pytest.param(0xFEE0_0000, id="a read of the message range"),
    ],
)
def test_dma_to_nowhere_is_noted(address: int) -> None:
    """Neither host memory nor a BAR: all-ones and DMA_NO_TARGET."""
    machine = desk()

    fetched = model(machine).dma_read(address, 4)

    assert fetched == b"\xff" * 4
    assert str(last(machine)) == f"dma-no-target: read of 4 bytes at dma {address:#x} by card"


def test_a_window_over_host_memory_takes_the_dma() -> None:
    """The bridge has the address on its own secondary side, so it passes nothing up; the fault names it."""
    machine = desk()
    buffer = machine.fabric.alloc_coherent(16)
    machine.fabric.config_write(0, machine.function("port").devfn, regs.MEMORY_BASE, 4, 0x0010_0010)

    model(machine).dma_write(buffer.address, b"lost")

    assert bytes(buffer.view[:4]) == bytes(4)
    assert (last(machine).kind, last(machine).blocked) == (FaultKind.DMA_NO_TARGET, "port")


def test_a_freed_buffer_is_no_target() -> None:
    """A device that goes on using a freed buffer is caught."""
    machine = desk()
    buffer = machine.fabric.alloc_coherent(16)

    machine.fabric.free_coherent(buffer)
    model(machine).dma_write(buffer.address, b"late")

    assert last(machine).kind is FaultKind.DMA_NO_TARGET


def _peers(master_above: bool) -> Machine:
    """Two devices below one switch port and one beside it; the port's own bus mastering as told."""
    machine = desk(Narrow(0x11223344))
    spec = BarSpec(0, BarKind.MEM32, 0x1000)
    machine.add("peer", "port", "00.1", PlainModel(bars=(spec,)), firmware={0: MEM + 0x8000})
    machine.add("beside", "root", "02.0", PlainModel(bars=(spec,)), firmware={0: MEM + 0x40_0000})
    set_command(machine, "port", COMMAND_ALL if master_above else COMMAND_ALL & ~regs.COMMAND_MASTER)
    return machine


@pytest.mark.parametrize(
    ("address", "master_above", "arrives"),
    [
        pytest.param(MEM + 0x8000, True, True, id="sibling"),
        pytest.param(MEM + 0x8000, False, True, id="sibling, the bridge need not be a master"),
        pytest.param(MEM + 0x40_0000, True, True, id="across the root"),
        pytest.param(MEM + 0x40_0000, False, False, id="across the root, barred at the bridge"),
    ],
)
def test_peer_to_peer_turns_at_the_nearest_common_bus(address: int, master_above: bool, arrives: bool) -> None:
    """A request for a BAR inside the bridge's own window never leaves its bus; others climb through it."""
    machine = _peers(master_above)
    card = model(machine)

    card.dma_write(address, b"peer")

    assert (card.dma_read(address, 4) == b"peer") is arrives
    assert bool(machine.fabric.faults) is not arrives


def test_four_bytes_to_the_message_range_are_an_interrupt() -> None:
    """A device may write an MSI by hand; it is delivered from the clock with the data as vector."""
    machine = desk()
    heard: list[Interrupt] = []
    machine.fabric.set_interrupt_handler(heard.append)

    model(machine).dma_write(0xFEE0_1000, (0x4041).to_bytes(4, "little"))
    before = list(heard)
    machine.fabric.clock.run_pending()

    assert (before, heard) == ([], [Interrupt("msi", 0x4041, "card")])


def test_peer_dma_past_the_end_of_a_bar_is_noted_by_its_master() -> None:
    """The part that hits nobody is a fault with the master's name."""
    machine = desk()
    set_config(machine, "card", regs.BASE_ADDRESS_0, 4, MEM)

    fetched = model(machine).dma_read(PREF + 0xFFFFE, 4)

    assert fetched == b"\x00\x00\xff\xff"
    assert (last(machine).kind, last(machine).by, last(machine).size) == (FaultKind.NO_DECODER, "card", 2)


def test_host_memory_stays_below_the_apertures() -> None:
    """By default DMA memory ends where the first memory aperture begins."""
    machine = Machine([("io", Span(0x1000, 0xFFFF)), ("mem", Span(0x2000_0000, 0xAFFF_FFFF))])

    assert machine.fabric.memory.span == Span(0x10_0000, 0x1FFF_FFFF)
