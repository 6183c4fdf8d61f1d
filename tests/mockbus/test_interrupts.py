"""Interrupts: INTx levels and MSI."""

from __future__ import annotations

import pytest

from mockbus.capabilities import Msi
from mockbus.model import PlainModel
from mockbus.topology import Machine
from movsdk import pci_regs as regs
from movsdk.ops import Interrupt
from tests.mockbus.machines import (
    COMMAND_ALL,
    Card,
    config,
    set_command,
    set_config,
)
from tests.mockbus.wired import Wired

# --- INTx ------------------------------------------------------------------------------------------


def test_a_level_is_delivered_once_until_asserted_again() -> None:
    """One assertion is one delivery; asserting while asserted asks for one more; STATUS shows the level."""
    bench = Wired()

    bench.card.set_intx(True)
    bench.card.set_intx(True)
    first, status = bench.vectors(), config(bench.machine, "card", regs.STATUS, 2) & regs.STATUS_INTERRUPT
    bench.card.set_intx(True)
    second = bench.vectors()
    bench.card.set_intx(False)

    assert (first, status, second, bench.vectors()) == ([("intx", 0)], regs.STATUS_INTERRUPT, [("intx", 0)], [])
    assert not config(bench.machine, "card", regs.STATUS, 2) & regs.STATUS_INTERRUPT


def test_a_level_released_in_time_is_never_seen() -> None:
    """Nobody hears a pin that was released before time passed."""
    bench = Wired()

    bench.card.set_intx(True)
    bench.card.set_intx(False)

    assert bench.vectors() == []


def test_disabled_intx_waits_for_the_enable() -> None:
    """COMMAND keeps the level from the line, STATUS shows it all the same, enabling lets it through."""
    bench = Wired()
    set_command(bench.machine, "card", COMMAND_ALL | regs.COMMAND_INTX_DISABLE)

    bench.card.set_intx(True)
    bench.card.raise_irq()
    disabled, status = bench.vectors(), config(bench.machine, "card", regs.STATUS, 2) & regs.STATUS_INTERRUPT
    set_command(bench.machine, "card", COMMAND_ALL)

    assert (disabled, status, bench.vectors()) == ([], regs.STATUS_INTERRUPT, [("intx", 0)])


def test_without_messages_raise_irq_is_a_pulse() -> None:
    """A model that only calls raise_irq works on INTx too: one delivery, no level left."""
    bench = Wired()

    bench.card.raise_irq(3)

    assert (bench.vectors(), bench.function.intx.level) == ([("intx", 0)], False)


@pytest.mark.parametrize(
    ("slots", "pin", "line"),
    [
        pytest.param(["03.0"], 1, 0, id="on the root bus the pin is the line"),
        pytest.param(["03.0"], 4, 3, id="pin D"),
        pytest.param(["01.0", "00.0"], 1, 0, id="device 0 below a port"),
        pytest.param(["01.0", "03.0"], 1, 3, id="device 3 below a bridge"),
        pytest.param(["01.0", "03.0"], 2, 0, id="pin B of it"),
        pytest.param(["01.0", "02.0", "03.0"], 1, 1, id="two bridges add up"),
    ],
)
def test_each_bridge_rotates_the_pin(slots: list[str], pin: int, line: int) -> None:
    """Line = pin rotated by the device number at every bridge crossed (PCI-to-PCI Bridge 1.2 §9.1)."""
    machine = Machine([])
    on = "root"
    for i, slot in enumerate(slots[:-1]):
        machine.add_bridge(f"b{i}", on, slot)
        on = f"b{i}"
    card = PlainModel()
    card.interrupt_pin = pin
    heard: list[Interrupt] = []
    machine.fabric.set_interrupt_handler(heard.append)
    machine.add("card", on, slots[-1], card)

    card.set_intx(True)
    machine.fabric.clock.run_pending()

    assert heard == [Interrupt("intx", line, "card")]


def test_a_pulled_device_raises_nothing() -> None:
    """A level goes with the power, even one on its way."""
    bench = Wired()

    bench.card.set_intx(True)
    bench.card.raise_irq()
    bench.machine.unplug("card")

    assert bench.vectors() == []


# --- MSI -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("granted", "vector", "data"),
    [
        pytest.param(0, 0, 0x47, id="one vector"),
        pytest.param(0, 3, 0x47, id="all share the one granted"),
        pytest.param(1, 1, 0x47, id="two: the low bit is the vector"),
        pytest.param(2, 2, 0x46, id="four: two bits are"),
        pytest.param(2, 5, 0x45, id="beyond the granted ones"),
    ],
)
def test_msi_puts_the_vector_into_the_low_bits(granted: int, vector: int, data: int) -> None:
    """As many low bits of the data as vectors were granted are replaced by the vector."""
    bench = Wired()
    bench.enable_msi(regs.MSI_FLAGS_ENABLE | granted << 4, data=0x47)

    bench.card.raise_irq(vector)

    assert bench.vectors() == [("msi", data)]


def test_msi_masks_hold_a_message_back() -> None:
    """With per-vector masking a masked message is pending and goes out when it is unmasked."""

    class Masking(Card):
        capabilities = (Msi(vectors=4, per_vector_mask=True),)

    bench = Wired(Masking())
    assert bench.function.msi is not None
    mask = bench.function.msi.offset + regs.MSI_DATA_64 + 4
    bench.enable_msi(regs.MSI_FLAGS_ENABLE | 2 << 4)
    set_config(bench.machine, "card", mask, 4, 0b0010)

    bench.card.raise_irq(1)
    held, pending = bench.vectors(), config(bench.machine, "card", mask + 4)
    set_config(bench.machine, "card", mask, 4, 0)

    assert (held, pending) == ([], 0b0010)
    assert (bench.vectors(), config(bench.machine, "card", mask + 4)) == ([("msi", 0x41)], 0)
