"""A desk with the interrupt wires connected: what arrives, and the registers that a kernel would program for it.

Twin: the interrupt half of a kernel, without a kernel. Asserts nothing of interest.
"""

from __future__ import annotations

from movsdk import pci_regs as regs
from movsdk.ops import Interrupt, Space
from tests.mockbus.machines import MEM, MSIX_PBA, MSIX_TABLE, Card, desk, model, set_config

MESSAGE = 0xFEE0_1000


class Wired:
    """A machine whose interrupts are collected."""

    def __init__(self, card: Card | None = None) -> None:
        self.machine = desk(card or Card())
        self.heard: list[Interrupt] = []
        self.machine.fabric.set_interrupt_handler(self.heard.append)
        self.card = model(self.machine)
        self.function = self.machine.function("card")

    def vectors(self) -> list[tuple[str, int]]:
        """Let time pass; return what was heard since the last call."""
        self.machine.fabric.clock.run_pending()
        heard = [(message.kind, message.vector) for message in self.heard]
        self.heard.clear()
        return heard

    def enable_msix(self, flags: int = regs.MSIX_FLAGS_ENABLE) -> None:
        assert self.function.msix is not None
        set_config(self.machine, "card", self.function.msix.offset + regs.MSIX_FLAGS, 2, flags)

    def enable_msi(self, flags: int = regs.MSI_FLAGS_ENABLE, data: int = 0x40) -> None:
        assert self.function.msi is not None
        at = self.function.msi.offset
        set_config(self.machine, "card", at + regs.MSI_ADDRESS_LO, 4, MESSAGE)
        set_config(self.machine, "card", at + regs.MSI_DATA_64, 2, data)
        set_config(self.machine, "card", at + regs.MSI_FLAGS, 2, flags)

    def entry(self, vector: int, data: int, *, masked: bool = False, address: int = MESSAGE) -> None:
        """Write a table entry through the BAR, as a kernel does."""
        at = MEM + MSIX_TABLE + vector * regs.MSIX_ENTRY_SIZE
        for offset, value in ((0, address & 0xFFFFFFFF), (4, address >> 32), (8, data), (12, int(masked))):
            self.machine.fabric.write(Space.MEM, at + offset, 4, value)

    def entry_byte(self, vector: int, value: int) -> int:
        """Write one byte of a table entry, which no table takes; return the low byte of what stands there."""
        at = MEM + MSIX_TABLE + vector * regs.MSIX_ENTRY_SIZE
        self.machine.fabric.write(Space.MEM, at, 1, value | 1)
        return self.machine.fabric.read(Space.MEM, at, 4) & 0xFF

    def mask(self, vector: int, masked: bool) -> None:
        at = MEM + MSIX_TABLE + vector * regs.MSIX_ENTRY_SIZE + regs.MSIX_ENTRY_VECTOR_CTRL
        self.machine.fabric.write(Space.MEM, at, 4, int(masked))

    def pending(self) -> int:
        return self.machine.fabric.read(Space.MEM, MEM + MSIX_PBA, 8)
