"""The old line-printer card in silicon: I/O ports that print a byte in 100 µs, scratch memory, and an INTx pin.

Twin: README.md next door. The paper is `printed`; the pin is a level that stays until acknowledged.
"""

from __future__ import annotations

from mockbus.bar import BarSpec
from mockbus.model import DeviceModel
from movsdk.clock import NS_PER_US, Timer
from movsdk.pci_regs import BarKind

from . import regs as r

BYTE_TIME = 100 * NS_PER_US


class LegacyModel(DeviceModel):
    """No capabilities at all: no MSI, no power management."""

    vendor_id, device_id, class_code = r.VENDOR, r.DEVICE, r.CLASS_PARALLEL_PORT
    max_access = 1
    bars = (
        BarSpec(r.PORTS_BAR, BarKind.IO, r.PORTS_SIZE),
        BarSpec(r.MEMORY_BAR, BarKind.MEM32, r.MEMORY_SIZE, content="ram"),
    )

    def __init__(self) -> None:
        self.printed = bytearray()
        self._control = 0
        self._pending = False
        self._printing: Timer | None = None

    def reset(self) -> None:
        """Drop the byte being printed and the interrupt. The paper stays."""
        if self._printing is not None:
            self._printing.cancel()
        self._control, self._pending, self._printing = 0, False, None

    def read(self, bar: int, offset: int, size: int) -> int:
        """Write-only ports read as zero."""
        if offset == r.STATUS:
            return (0 if self._is_busy else r.STATUS_READY) | (r.STATUS_PENDING if self._pending else 0)
        return self._control if offset == r.CONTROL else 0

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        """A byte for a busy printer is lost."""
        if offset == r.DATA and not self._is_busy:
            self._printing = self.clock.call_later(BYTE_TIME, lambda: self._print(value), "printer")
        elif offset == r.CONTROL:
            self._control = value & r.CONTROL_IRQ
        elif offset == r.ACKNOWLEDGE:
            self._pending = False
            self.set_intx(False)

    @property
    def _is_busy(self) -> bool:
        return self._printing is not None

    def _print(self, byte: int) -> None:
        self._printing = None
        if not self.function.present:
            return
        self.printed.append(byte)
        if self._control & r.CONTROL_IRQ:
            self._pending = True
            self.set_intx(True)
