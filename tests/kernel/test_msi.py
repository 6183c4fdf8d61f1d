"""MSI and MSI-X in the registers: masked, unmasked, moved with their BAR."""

from __future__ import annotations

import pytest

from movsdk.errors import PciError
from movsdk.ops import Space
from movsdk.pci_regs import COMMAND_INTX_DISABLE, MSI_ADDRESS_BASE
from tests.kernel.rig import MEM_START, TABLE, Card, MsiCard, Rig, listen, raise_irq, ready


def test_msix_needs_memory_decode() -> None:
    """The table lies in a BAR: EINVAL says what to do first, and nothing is left allocated."""
    dev = Rig.of(Card()).dev(enabled=False)

    with pytest.raises(
        PciError, match=r"\[EINVAL\] .*cannot write the MSI-X table: memory decode is off; enable_device\(\) first"
    ):
        dev.alloc_irq_vectors(1, 1)

    assert dev.held.vectors == []


def test_an_unassigned_table_leaves_msi() -> None:
    """MSI-X without an address for its BAR is no choice."""
    rig = Rig.of(Card())
    dev = ready(rig)
    rig.lose(0)

    assert dev.alloc_irq_vectors(1, 4) == 4

    assert dev.held.vectors[0].kind == "msi"


def test_an_entry_without_handler_stays_masked() -> None:
    """What the device sent meanwhile is pending and arrives when the handler comes."""
    rig = Rig.of(Card())
    dev = ready(rig)
    dev.alloc_irq_vectors(1, 1)
    heard: list[str] = []

    raise_irq(rig)
    assert heard == []
    dev.request_irq(0, lambda: heard.append("late"))
    rig.system.ops.clock.run_pending()

    assert heard == ["late"]


def test_the_table_moves_with_its_bar() -> None:
    """C13: after a move the vectors fire as before, and the core masks at the current address."""
    rig = Rig.of(Card())
    dev = ready(rig)
    heard = listen(dev, 2)
    rig.move(0, MEM_START + 0x50_0000)

    raise_irq(rig, 1)
    dev.free_irq(1)
    raise_irq(rig, 1)

    assert heard == [1]
    assert rig.system.ops.read(Space.MEM, MEM_START + 0x50_0000 + TABLE + 16 + 12, 4) == 1
    assert list(rig.machine.fabric.faults) == []


def test_the_message_is_in_the_registers() -> None:
    """MSI: address and data in the capability; INTx is off while messages are on, and comes back."""
    rig = Rig.of(MsiCard())
    dev = ready(rig)
    dev.alloc_irq_vectors(1, 4)
    at = dev.find_capability(5)
    assert dev.read_config_dword(at + 4) == MSI_ADDRESS_BASE
    assert dev.read_config_word(at + 12) == dev.held.vectors[0].number
    assert dev.read_config_word(at + 2) & 0x71 == 0x21
    assert rig.function().command & COMMAND_INTX_DISABLE

    dev.free_irq_vectors()

    assert not dev.read_config_word(at + 2) & 1
    assert not rig.function().command & COMMAND_INTX_DISABLE
