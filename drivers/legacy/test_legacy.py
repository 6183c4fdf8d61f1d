"""Tests of the old line-printer card: the silicon, the driver on the bench, and that nothing moves it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockbus.fabric import Fabric
from mockbus.topology import Machine
from movsdk import Bench, PciError
from movsdk.address import Span
from movsdk.clock import NS_PER_MS
from movsdk.errors import BadInput
from movsdk.ops import Interrupt, Space
from movsdk.pci_regs import COMMAND, COMMAND_IO, COMMAND_MEMORY
from movsdk.trace import What

from ..edu.driver import Edu
from ..edu.model import EduModel
from . import regs as r
from .driver import Legacy
from .model import LegacyModel

PORTS = 0x1000
MEMORY = 0xE000_0000


@pytest.fixture
def card() -> tuple[Fabric, LegacyModel]:
    """A machine whose only device is the card, at 01.0."""
    model = LegacyModel()
    machine = Machine([("io", Span(0, 0xFFFF)), ("mem", Span.sized(MEMORY, 0x1000_0000))])
    machine.add("legacy", "root", "01.0", model, firmware={r.PORTS_BAR: PORTS, r.MEMORY_BAR: MEMORY})
    machine.fabric.config_write(0, 0x08, COMMAND, 2, COMMAND_IO | COMMAND_MEMORY)
    return machine.fabric, model


# --- silicon ------------------------------------------------------------------------------------


def test_a_byte_is_printed_after_a_while(card: tuple[Fabric, LegacyModel]) -> None:
    """Not ready while printing; a byte written meanwhile is lost."""
    fabric, model = card
    fabric.write(Space.IO, PORTS + r.DATA, 1, ord("a"))
    fabric.write(Space.IO, PORTS + r.DATA, 1, ord("b"))
    busy = fabric.read(Space.IO, PORTS + r.STATUS, 1)
    fabric.clock.advance(NS_PER_MS)

    assert not busy & r.STATUS_READY
    assert fabric.read(Space.IO, PORTS + r.STATUS, 1) == r.STATUS_READY
    assert model.printed == b"a"


def test_the_interrupt_is_a_level_until_acknowledged(card: tuple[Fabric, LegacyModel]) -> None:
    """STATUS shows it, ACKNOWLEDGE drops it."""
    fabric, _ = card
    heard: list[Interrupt] = []
    fabric.set_interrupt_handler(heard.append)
    fabric.write(Space.IO, PORTS + r.CONTROL, 1, r.CONTROL_IRQ)

    fabric.write(Space.IO, PORTS + r.DATA, 1, ord("a"))
    fabric.clock.advance(NS_PER_MS)
    before = fabric.read(Space.IO, PORTS + r.STATUS, 1)
    fabric.write(Space.IO, PORTS + r.ACKNOWLEDGE, 1, 0)

    assert [(interrupt.kind, interrupt.source) for interrupt in heard] == [("intx", "legacy")]
    assert before == r.STATUS_READY | r.STATUS_PENDING
    assert fabric.read(Space.IO, PORTS + r.STATUS, 1) == r.STATUS_READY


def test_the_memory_is_memory(card: tuple[Fabric, LegacyModel]) -> None:
    """What is written to BAR 1 is read back."""
    fabric, _ = card
    fabric.write_block(MEMORY + 0x100, b"ledger")

    assert fabric.read_block(MEMORY + 0x100, 6) == b"ledger"


# --- driver -------------------------------------------------------------------------------------


def test_it_prints_and_remembers(bench: Bench) -> None:
    """A byte an interrupt, over ports; content over memory."""
    dev = bench.plug(Legacy, LegacyModel)
    driver = bench.driver(dev)

    driver.print(dev, b"hello\n")
    driver.store(dev, 0x100, b"ledger")

    assert bench.model(dev).printed == b"hello\n"
    assert driver.load(dev, 0x100, 6) == b"ledger"
    assert dev.drvdata.interrupts == 6


def test_nothing_moves_it(bench: Bench) -> None:
    """Without the hooks both BARs are fixed, and the report says so."""
    dev = bench.plug(Legacy, LegacyModel)
    places = dev.resources

    report = bench.rescan()

    assert dev.resources == places
    assert [(device, bar) for device, bar, _ in report.fixed if device == "legacy0"] == [("legacy0", 0), ("legacy0", 1)]
    with pytest.raises(BadInput, match="legacy"):
        bench.force_move(dev, bar=r.MEMORY_BAR)


def test_it_works_while_others_move_around_it(bench: Bench) -> None:
    """A neighbour that moves away and back does not disturb a print."""
    dev, edu = bench.plug(Legacy, LegacyModel), bench.plug(Edu, EduModel)
    dev.queue_work(lambda: bench.force_move(edu), delay_ms=0.25)

    bench.driver(dev).print(dev, b"undisturbed")

    assert bench.model(dev).printed == b"undisturbed"
    assert not bench.faults


def test_cards_that_share_a_line_tell_whose_interrupt_it_is(make_bench: Callable[..., Bench]) -> None:
    """Ports 1 and 5 lead to the same root line; the handler of the other card looks and leaves."""
    bench = make_bench(ports=5)
    dev, other = bench.plug(Legacy, LegacyModel, slot="port1"), bench.plug(Legacy, LegacyModel, slot="port5")

    bench.driver(dev).print(dev, b"mine")

    assert (dev.drvdata.interrupts, other.drvdata.interrupts) == (4, 0)


def test_a_printer_that_hangs_is_an_error(bench: Bench) -> None:
    """No interrupt in 10 ms: EIO, naming the byte."""
    dev = bench.plug(Legacy, LegacyModel)
    dev.drvdata.ports.writeb(0, r.CONTROL)  # nobody will interrupt

    with pytest.raises(PciError, match="printer not ready for 10 ms after byte 0x78"):
        bench.driver(dev).print(dev, b"x")


def test_the_driver_leaves_nothing_behind(bench: Bench) -> None:
    """After remove the core has nothing to take back, whether the card is there or not."""
    dev, other = bench.plug(Legacy, LegacyModel), bench.plug(Legacy, LegacyModel)

    bench.remove(dev)
    bench.pull(other)

    assert not [event for event in bench.trace.of(What.NOTE) if "after remove of legacy" in event.text]
