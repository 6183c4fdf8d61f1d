"""A window on a BAR of registers: the file holds a copy of their values, and accesses that Python lets us see go to the model.

Twin: mapped registers, of which plain memory can be no more than a picture: the first `SHOWN` bytes are read when the window is
made and at each `refresh()`, which also carries what changed in the first `CARRIED` bytes to the device, lowest offset first. A
write of the value that is there already is not seen. `read()` and `write()` are exact.
"""

from __future__ import annotations

import posix
from collections.abc import Callable, Iterator
from typing import Final

from attrs import define, field

from mockbus.faults import FaultLog
from movsdk.bench.sysfs.window import StaleWrite, Window
from movsdk.ops import Space

SHOWN: Final = 0x1000
"""How much of a register BAR the file shows, bytes."""
CARRIED: Final = 0x4000
"""How much of it is compared for writes, bytes."""


@define(eq=False)
class RegisterWindow(Window):
    """`known`: what the file held when it was last compared."""

    known: bytes = field(default=b"", init=False, repr=False)
    lost: list[StaleWrite] = field(factory=list, init=False, repr=False)

    # --- exact accesses ----------------------------------------------------------------------------
    def read(self, offset: int, size: int) -> int:
        """Read 1, 2, 4 or 8 bytes from the device; all-ones if the window is dead."""
        if not self.is_live:
            return (1 << 8 * size) - 1
        return self.bar.function.fabric.read(Space.MEM, self.address + offset, size)

    def write(self, offset: int, size: int, value: int) -> None:
        """Write 1, 2, 4 or 8 bytes to the device; noted and dropped if the window is dead."""
        if self.is_live:
            self.bar.function.fabric.write(Space.MEM, self.address + offset, size, value)
        else:
            data = value.to_bytes(size, "little")
            self.lost.append(StaleWrite(self.bar.function.label, self.bar.spec.n, self.address, offset, data))

    # --- the picture -------------------------------------------------------------------------------
    def adopt(self) -> None:
        """Show the registers."""
        posix.ftruncate(self.file, 0)
        posix.ftruncate(self.file, self.bar.spec.size)
        self.is_live = True
        self.show()

    def refresh(self) -> None:
        """Carry what user space wrote to the device, then show the registers."""
        if self.is_live:
            self.carry()
            self.show()

    def retire(self) -> None:
        """Become dead; what was written before still goes to the device."""
        if self.bar.function.present:
            self.carry(self.bar.write)
        super().retire()

    def stale_writes(self) -> Iterator[StaleWrite]:
        """What was written while it was dead."""
        yield from self.lost
        yield from super().stale_writes()

    def carry(self, write: Callable[[int, int, int], None] | None = None) -> None:
        """Write each aligned dword that changed in the file to the device, if the window is live."""
        if not self.is_live:
            return
        write = write or self.write
        now = posix.pread(self.file, CARRIED, 0)
        if now == self.known:
            return
        before, self.known = self.known, now
        for offset in range(0, len(now), 4):
            value = now[offset : offset + 4]
            if value != before[offset : offset + 4]:
                write(offset, len(value), int.from_bytes(value, "little"))

    def show(self) -> None:
        """Read the registers into the file. Nothing of it appears in the fault log: no driver made these accesses."""
        fabric = self.bar.function.fabric
        log, fabric.faults = fabric.faults, FaultLog(fabric.clock)
        try:
            size = min(SHOWN, self.bar.spec.size)
            values = [self.read(offset, 4) for offset in range(0, size, 4)]
        finally:
            fabric.faults = log
        posix.pwrite(self.file, b"".join(value.to_bytes(4, "little") for value in values), 0)
        self.known = posix.pread(self.file, CARRIED, 0)
