"""MSI-X: messages by the table of now, masks, pending bits."""

from __future__ import annotations

import pytest

from movsdk import pci_regs as regs
from movsdk.errors import BadInput
from movsdk.ops import Fault, FaultKind, Space
from tests.mockbus.machines import COMMAND_ALL, MEM, MSIX_PBA, MSIX_TABLE, claim, last, set_command
from tests.mockbus.wired import Wired


def test_messages_follow_the_table_of_now() -> None:
    """What the table holds at the moment of sending is what arrives; MSI-X goes before MSI."""
    bench = Wired()
    bench.enable_msi()
    bench.enable_msix()
    bench.entry(2, 0x51)
    bench.card.raise_irq(2)
    bench.entry(2, 0x52)
    bench.card.raise_irq(2)

    assert bench.vectors() == [("msi", 0x51), ("msi", 0x52)]


def test_a_masked_vector_is_pending_until_unmasked() -> None:
    """Masking loses nothing: the pending bit shows, and unmasking sends the message once."""
    bench = Wired()
    bench.enable_msix()
    bench.entry(1, 0x41, masked=True)

    bench.card.raise_irq(1)
    bench.card.raise_irq(1)
    held, pending = bench.vectors(), bench.pending()
    bench.mask(1, False)

    assert (held, pending) == ([], 0b10)
    assert (bench.vectors(), bench.pending()) == ([("msi", 0x41)], 0)


def test_the_function_mask_holds_all_vectors() -> None:
    """With the mask bit of the capability set everything is pending; clearing it sends all, in order."""
    bench = Wired()
    for vector in (0, 5):
        bench.entry(vector, 0x40 + vector)
    bench.enable_msix(regs.MSIX_FLAGS_ENABLE | regs.MSIX_FLAGS_MASKALL)

    for vector in (5, 0):
        bench.card.raise_irq(vector)
    held = bench.vectors()
    bench.enable_msix()

    assert (held, bench.vectors()) == ([], [("msi", 0x40), ("msi", 0x45)])


def test_the_table_starts_masked_and_hides_the_model() -> None:
    """At power-on every vector is masked; accesses to table and pending bits never reach the model."""
    bench = Wired()

    control = bench.machine.fabric.read(Space.MEM, MEM + MSIX_TABLE + 7 * 16 + 12, 4)
    wide = bench.machine.fabric.read(Space.MEM, MEM + MSIX_TABLE + 8, 8)
    bench.machine.fabric.write(Space.MEM, MEM + MSIX_PBA, 8, 0xFF)
    after_the_table = bench.machine.fabric.read(Space.MEM, MEM + MSIX_TABLE + 8 * 16, 4)

    assert (control, wide, bench.pending()) == (1, 1 << 32, 0)
    assert (after_the_table, bench.card.seen) == (0xA0A0A080, [("read", 0, MSIX_TABLE + 0x80, 4)])


def test_narrow_table_accesses_are_bad() -> None:
    """Table and pending bits take dwords and qwords only."""
    bench = Wired()

    value = bench.machine.fabric.read(Space.MEM, MEM + MSIX_TABLE + 2, 2)
    others = [bench.machine.fabric.read(Space.MEM, MEM + MSIX_PBA, 1), bench.entry_byte(0, 0)]

    expected = Fault(FaultKind.BAD_ACCESS, Space.MEM, "read", MEM + MSIX_TABLE + 2, 2, claims=(claim(0, MSIX_TABLE + 2),))
    assert (value, others, bench.machine.fabric.faults[0]) == (0xFFFF, [0xFF, 0], expected)
    assert [(fault.operation, fault.kind) for fault in bench.machine.fabric.faults] == [
        ("read", FaultKind.BAD_ACCESS),
        ("read", FaultKind.BAD_ACCESS),
        ("write", FaultKind.BAD_ACCESS),
    ]


def test_a_message_without_bus_mastering_is_lost() -> None:
    """MSI is a memory write: with bus mastering off on the way it leaves a fault in the interrupt space."""
    bench = Wired()
    bench.enable_msix()
    bench.entry(0, 0x40)
    set_command(bench.machine, "port", COMMAND_ALL & ~regs.COMMAND_MASTER)

    bench.card.raise_irq(0)

    assert bench.vectors() == []
    assert str(last(bench.machine)) == "no-bus-master: message of 4 bytes at irq 0xfee01000 by card; held by port"


def test_a_message_elsewhere_is_plain_dma() -> None:
    """A table entry that names memory stores its data there, as hardware does."""
    bench = Wired()
    buffer = bench.machine.fabric.alloc_coherent(16)
    bench.enable_msix()
    bench.entry(0, 0xCAFE, address=buffer.address)

    bench.card.raise_irq(0)

    assert (bytes(buffer.view[:4]), bench.vectors()) == (b"\xfe\xca\x00\x00", [])


def test_a_vector_past_the_table_is_the_models_bug() -> None:
    """The message names the device, the vector and the size of the table."""
    bench = Wired()
    bench.enable_msix()

    with pytest.raises(BadInput, match="card: interrupt vector 8, but its MSI-X table has 8"):
        bench.card.raise_irq(8)
