"""MSI-X: a table of messages in a BAR, its masks, and the bits of what waits.

Twin: PCI 3.0 §6.8.2. Sends by what the table holds at that moment. Messages travel as DMA does; see `upstream`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from attrs import define, field

from mockbus.bar import Overlay
from movsdk import pci_regs as regs
from movsdk.errors import BadInput

if TYPE_CHECKING:
    from mockbus.function import Function

MSIX_FLAGS_MASK: Final = 0xC000
_NARROWEST: Final = 4  # table and pending bits take dwords and qwords only

_Reader = Callable[[int, int], int]
_Writer = Callable[[int, int, int], None]


@define(eq=False)
class MsixSender:
    """The MSI-X capability at `offset`; its table and pending bits overlay the BARs that the capability names."""

    function: Function = field(repr=False)
    offset: int
    vectors: int = field(init=False)
    table: bytearray = field(init=False, repr=False)
    pending: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        config, at = self.function.config, self.offset
        self.vectors = (config.read(at + regs.MSIX_FLAGS, 2) & regs.MSIX_FLAGS_QSIZE) + 1
        config.permit(at + regs.MSIX_FLAGS, 2, mask=MSIX_FLAGS_MASK)
        self.function.watch(at & ~3, lambda _written, _changed: self._release())
        self.reset()
        table, pba = config.read(at + regs.MSIX_TABLE, 4), config.read(at + regs.MSIX_PBA, 4)
        self._overlay(table, self.vectors * regs.MSIX_ENTRY_SIZE, self._read_table, self._write_table)
        self._overlay(pba, (self.vectors + 63) // 64 * 8, self._read_pending, lambda _offset, _size, _value: None)

    def _overlay(self, place: int, size: int, read: _Reader, write: _Writer) -> None:
        """Put a range over the BAR; a dump may name a BAR that nobody declared, then the range is out of reach."""
        bar = self.function.bars.get(place & regs.MSIX_BIR)
        if bar is not None:
            start = place & ~regs.MSIX_BIR
            bar.overlays.append(Overlay(start, start + size - 1, read, write))

    def reset(self) -> None:
        """All vectors masked, nothing pending."""
        self.table = bytearray(self.vectors * regs.MSIX_ENTRY_SIZE)
        for vector in range(self.vectors):
            self.table[vector * regs.MSIX_ENTRY_SIZE + regs.MSIX_ENTRY_VECTOR_CTRL] = regs.MSIX_ENTRY_CTRL_MASKBIT
        self.pending = 0

    @property
    def is_enabled(self) -> bool:
        """True while software wants MSI-X."""
        return bool(self._flags & regs.MSIX_FLAGS_ENABLE)

    @property
    def _flags(self) -> int:
        return self.function.config.read(self.offset + regs.MSIX_FLAGS, 2)

    def send(self, vector: int) -> None:
        """Send message `vector` by what the table holds now; a masked one becomes pending. Raises `BadInput` past the table."""
        if not 0 <= vector < self.vectors:
            raise BadInput(f"{self.function.label}: interrupt vector {vector}, but its MSI-X table has {self.vectors}")
        if self._flags & regs.MSIX_FLAGS_MASKALL or self._is_masked(vector):
            self.pending |= 1 << vector
            return
        entry = self.table[vector * regs.MSIX_ENTRY_SIZE : (vector + 1) * regs.MSIX_ENTRY_SIZE]
        address = int.from_bytes(entry[: regs.MSIX_ENTRY_DATA], "little")
        data = int.from_bytes(entry[regs.MSIX_ENTRY_DATA : regs.MSIX_ENTRY_VECTOR_CTRL], "little")
        self.function.fabric.send_message(self.function, address, data)

    def _is_masked(self, vector: int) -> bool:
        control = self.table[vector * regs.MSIX_ENTRY_SIZE + regs.MSIX_ENTRY_VECTOR_CTRL]
        return bool(control & regs.MSIX_ENTRY_CTRL_MASKBIT)

    def _release(self) -> None:
        """Send what waited for an unmasking."""
        if not self.pending or not self.is_enabled or self._flags & regs.MSIX_FLAGS_MASKALL:
            return
        for vector in range(self.vectors):
            if self.pending >> vector & 1 and not self._is_masked(vector):
                self.pending &= ~(1 << vector)
                self.send(vector)

    def _read_table(self, offset: int, size: int) -> int:
        if size < _NARROWEST:
            return self._narrow(regs.MSIX_TABLE, offset, size, "read")
        return int.from_bytes(self.table[offset : offset + size], "little")

    def _write_table(self, offset: int, size: int, value: int) -> None:
        if size < _NARROWEST:
            self._narrow(regs.MSIX_TABLE, offset, size, "write")
            return
        self.table[offset : offset + size] = value.to_bytes(size, "little")
        self._release()

    def _read_pending(self, offset: int, size: int) -> int:
        if size < _NARROWEST:
            return self._narrow(regs.MSIX_PBA, offset, size, "read")
        return self.pending >> 8 * offset & ((1 << 8 * size) - 1)

    def _narrow(self, register: int, offset: int, size: int, operation: str) -> int:
        place = self.function.config.read(self.offset + register, 4)
        return self.function.bad_access(place & regs.MSIX_BIR, (place & ~regs.MSIX_BIR) + offset, size, operation)
