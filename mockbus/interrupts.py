"""Interrupts of a function: the INTx pin and MSI; see `msix` for the third kind.

Twin: PCI 3.0 §6.8, PCI-to-PCI Bridge 1.2 §9.1. Messages are memory writes and travel as DMA does; see `upstream`. What a
vector means is the kernel's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import define, field

from mockbus import footprint
from movsdk import pci_regs as regs
from movsdk.ops import Interrupt

if TYPE_CHECKING:
    from mockbus.function import Function

MSI_FLAGS_MASK: Final = 0x0071  # enable, number of messages granted
MSI_FLAGS_PER_VECTOR: Final = 0x0100


@define(eq=False)
class IntxPin:
    """A level on a shared line."""

    function: Function = field(repr=False)
    level: bool = field(default=False, init=False)
    _queued: bool = field(default=False, init=False)

    def drive(self, level: bool) -> None:
        """Assert or release the pin; STATUS shows the level even while COMMAND keeps it from the line."""
        footprint.changes_register(self.function, regs.STATUS)
        self.level = level
        status = self.function.config.read(regs.STATUS, 2)
        self.function.config.put(regs.STATUS, 2, status | regs.STATUS_INTERRUPT if level else status & ~regs.STATUS_INTERRUPT)
        self.update()

    def clear(self) -> None:
        """Release the pin as a reset does."""
        if self.level:
            self.drive(False)

    def update(self) -> None:
        """Let the level reach the line, unless it is on its way already."""
        if self.level and not self._queued and not self.function.command & regs.COMMAND_INTX_DISABLE:
            self._queued = True
            self.function.fabric.clock.call_soon(self._deliver, f"{self.function.label} intx")

    def pulse(self) -> None:
        """Deliver once and release: an edge, for models that keep no level."""
        if not self.function.command & regs.COMMAND_INTX_DISABLE:
            self.function.fabric.clock.call_soon(self._announce, f"{self.function.label} intx")

    def _deliver(self) -> None:
        self._queued = False
        if self.level and not self.function.command & regs.COMMAND_INTX_DISABLE:
            self._announce()

    def _announce(self) -> None:
        if self.function.present:
            self.function.fabric.interrupt_now(Interrupt("intx", self.line, self.function.label))

    @property
    def line(self) -> int:
        """The line 0-3 at the root: each bridge rotates the pin by the device number below it."""
        hop: Function = self.function
        line = max(0, self.function.config.read(regs.INTERRUPT_PIN, 1) - 1) & 3
        for bridge in self.function.bridges():
            line = ((hop.devfn >> 3) + line) & 3
            hop = bridge
        return line


@define(eq=False)
class MsiSender:
    """The MSI capability at `offset`."""

    function: Function = field(repr=False)
    offset: int
    _mask_at: int = field(init=False)
    _data_at: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        config, at = self.function.config, self.offset
        flags = config.read(at + regs.MSI_FLAGS, 2)
        wide = bool(flags & regs.MSI_FLAGS_64BIT)
        self._data_at = at + (regs.MSI_DATA_64 if wide else regs.MSI_DATA_32)
        self._mask_at = self._data_at + 4 if flags & MSI_FLAGS_PER_VECTOR else 0
        config.permit(at + regs.MSI_FLAGS, 2, mask=MSI_FLAGS_MASK)
        config.permit(at + regs.MSI_ADDRESS_LO, 4, mask=0xFFFFFFFC)
        if wide:
            config.permit(at + regs.MSI_ADDRESS_HI, 4, mask=0xFFFFFFFF)
        config.permit(self._data_at, 2, mask=0xFFFF)
        if self._mask_at:
            config.permit(self._mask_at, 4, mask=0xFFFFFFFF)
            self.function.watch(self._mask_at, lambda _written, _changed: self._unmasked())

    @property
    def is_enabled(self) -> bool:
        """True while software wants MSI."""
        return bool(self._flags & regs.MSI_FLAGS_ENABLE)

    @property
    def _flags(self) -> int:
        return self.function.config.read(self.offset + regs.MSI_FLAGS, 2)

    def send(self, vector: int) -> None:
        """Send message `vector`; vectors beyond the number granted share the granted ones."""
        config = self.function.config
        granted = 1 << (self._flags >> 4 & 7)
        vector %= granted
        if self._mask_at and config.read(self._mask_at, 4) >> vector & 1:
            footprint.changes_register(self.function, self._mask_at + 4)
            config.put(self._mask_at + 4, 4, config.read(self._mask_at + 4, 4) | 1 << vector)
            return
        address = config.read(self.offset + regs.MSI_ADDRESS_LO, 4)
        if self._flags & regs.MSI_FLAGS_64BIT:
            address |= config.read(self.offset + regs.MSI_ADDRESS_HI, 4) << 32
        data = config.read(self._data_at, 2) & ~(granted - 1) | vector
        self.function.fabric.send_message(self.function, address, data)

    def _unmasked(self) -> None:
        config = self.function.config
        pending, mask = config.read(self._mask_at + 4, 4), config.read(self._mask_at, 4)
        for vector in range(32):
            if pending & ~mask & 1 << vector:
                footprint.changes_register(self.function, self._mask_at + 4)
                config.put(self._mask_at + 4, 4, config.read(self._mask_at + 4, 4) & ~(1 << vector))
                self.send(vector)
