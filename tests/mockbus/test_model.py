"""Device models: what an author gets without writing anything."""

from __future__ import annotations

import pytest

from mockbus.bar import BarSpec
from mockbus.model import DeviceModel, PlainModel
from movsdk.ops import Space
from movsdk.pci_regs import BarKind
from tests.mockbus.machines import MEM, desk, model


def test_a_model_without_handlers_reads_zero() -> None:
    """An author overrides what matters; the rest is silent."""

    class Silent(DeviceModel):
        vendor_id, device_id = 0x1234, 0x0001
        bars = (BarSpec(0, BarKind.MEM32, 0x1000),)

    machine = desk(Silent())

    machine.fabric.write(Space.MEM, MEM, 4, 0xFFFFFFFF)

    assert (machine.fabric.read(Space.MEM, MEM, 4), len(machine.fabric.faults)) == (0, 0)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_a_plain_device_reads_back_what_was_written(size: int) -> None:
    """Scratch registers of any width, empty again after a power cycle."""
    machine = desk(PlainModel(bars=(BarSpec(0, BarKind.MEM32, 0x1000),)))

    machine.fabric.write(Space.MEM, MEM + 8, size, 0x1122334455667788)
    value = machine.fabric.read(Space.MEM, MEM + 8, size)
    machine.unplug("card")
    machine.plug("card")

    assert value == 0x1122334455667788 & ((1 << 8 * size) - 1)
    assert machine.fabric.read(Space.MEM, MEM + 8, size) == 0


def test_services_reach_the_machine() -> None:
    """A model knows its function, the machine's clock and its own memory."""
    machine = desk()
    card = model(machine)

    card.ram(2)[:2] = b"hi"

    assert card.function is machine.function("card")
    machine.fabric.clock.advance(5)
    assert card.clock.now == machine.fabric.clock.now == 5
    assert bytes(card.ram(2)[:2]) == b"hi"
