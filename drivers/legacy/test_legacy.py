"""Tests of the old line-printer card: the silicon, the driver on the bench, and that nothing moves it."""

from __future__ import annotations

import pytest

from mockbus.fabric import Fabric
from mockbus.topology import Machine
from movsdk.address import Span
from movsdk.clock import NS_PER_MS
from movsdk.ops import Interrupt, Space
from movsdk.pci_regs import COMMAND, COMMAND_IO, COMMAND_MEMORY

from . import regs as r
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
