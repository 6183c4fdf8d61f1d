"""Behaviour of an endpoint: the class that authors of device models subclass.

Twin: a device in QEMU's hw/misc. Sees only accesses that reached it, aligned and inside its BARs; knows no addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mockbus.bar import BarSpec
from mockbus.header import Identity
from movsdk.clock import DeviceClock
from movsdk.errors import BadInput

if TYPE_CHECKING:
    from mockbus.capabilities import CapabilitySpec
    from mockbus.function import Function


class DeviceModel:
    """Declare what the device is with class attributes, then override `read`, `write` and `reset`.

    >>> from mockbus import BarKind, BarSpec
    >>> class Edu(DeviceModel):
    ...     vendor_id, device_id, class_code = 0x1234, 0x11E8, 0x00FF00
    ...     bars = (BarSpec(0, BarKind.MEM32, 0x100000),)
    ...     def read(self, bar, offset, size):
    ...         return 0x010000ED if offset == 0 else 0
    """

    vendor_id: int = 0xFFFF
    device_id: int = 0xFFFF
    class_code: int = 0xFF0000
    revision: int = 0
    subsystem: tuple[int, int] = (0, 0)
    config_size: int = 256
    interrupt_pin: int = 1
    bars: tuple[BarSpec, ...] = ()
    capabilities: tuple[CapabilitySpec, ...] = ()
    max_access: int = 8
    """Widest access that `read` and `write` understand, bytes; wider ones arrive in halves, low half first."""

    function: Function

    # --- override these ------------------------------------------------------------------------

    def read(self, bar: int, offset: int, size: int) -> int:
        """Return the value of `size` bytes (1, 2, 4 or 8, aligned) at `offset` of register BAR `bar`."""
        return 0

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        """Take a write of `size` bytes (1, 2, 4 or 8, aligned) at `offset` of register BAR `bar`."""

    def reset(self) -> None:
        """Go to power-on state: at power-on, on leaving D3hot without No_Soft_Reset, on a function-level or bus reset."""

    def programmed_addresses(self) -> Sequence[tuple[str, int, int]]:
        """Return what the device was told of its own addresses: register or table, BAR, address in bytes (rule C20)."""
        return ()

    # --- services, valid once the model is in a machine ----------------------------------------

    def attach(self, function: Function) -> None:
        """Called once, when the model becomes `function`."""
        self.function = function

    @property
    def identity(self) -> Identity:
        """The identification registers. Raises `BadInput` if the class names no vendor."""
        if self.vendor_id == 0xFFFF:
            raise BadInput(f"{type(self).__name__}: set vendor_id and device_id; 0xffff means nobody is there")
        return Identity(
            vendor=self.vendor_id,
            device=self.device_id,
            class_code=self.class_code,
            revision=self.revision,
            subsystem=self.subsystem,
            interrupt_pin=self.interrupt_pin,
        )

    @property
    def clock(self) -> DeviceClock:
        """The virtual clock of the machine."""
        return DeviceClock(self.function.fabric.clock)

    def dma_read(self, address: int, length: int) -> bytes:
        """Fetch `length` bytes from host memory or a peer's BAR; all-ones and a fault if the way is barred."""
        return self.function.fabric.dma_read(self.function, address, length)

    def dma_write(self, address: int, data: bytes) -> None:
        """Store into host memory or a peer's BAR; vanishes with a fault if the way is barred."""
        self.function.fabric.dma_write(self.function, address, data)

    def raise_irq(self, vector: int = 0) -> None:
        """Send interrupt `vector`: MSI-X, else MSI, else one INTx pulse, by what is enabled."""
        self.function.raise_irq(vector)

    def set_intx(self, level: bool) -> None:
        """Drive the INTx pin. Asserting it again while it is asserted asks for one more delivery."""
        self.function.intx.drive(level)

    def ram(self, bar: int) -> memoryview:
        """The memory of a RAM BAR, writable."""
        return self.function.memory(bar)

    def bad_access(self, bar: int, offset: int, size: int, operation: str = "read") -> int:
        """Record an access that the datasheet does not allow; returns all-ones, to be returned by `read`."""
        return self.function.bad_access(bar, offset, size, operation)


class PlainModel(DeviceModel):
    """A device without behaviour: what is written to a register BAR is read back."""

    interrupt_pin = 0

    def __init__(
        self, vendor: int = 0x1AF4, device: int = 0x0001, class_code: int = 0x020000, bars: tuple[BarSpec, ...] = ()
    ) -> None:
        self.vendor_id, self.device_id, self.class_code, self.bars = vendor, device, class_code, tuple(bars)
        self._bytes: dict[tuple[int, int], int] = {}

    def read(self, bar: int, offset: int, size: int) -> int:
        """Return what was written last; zero where nothing was."""
        return sum(self._bytes.get((bar, offset + i), 0) << 8 * i for i in range(size))

    def write(self, bar: int, offset: int, size: int, value: int) -> None:
        """Remember the bytes."""
        for i in range(size):
            self._bytes[bar, offset + i] = value >> 8 * i & 0xFF

    def reset(self) -> None:
        """Forget everything."""
        self._bytes.clear()
