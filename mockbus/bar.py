"""Base address registers: what a BAR declares, where it decodes now, and what lies behind it.

Twin: PCI 3.0 §6.2.5. The register's bits live in config space, so sizing by writing ones needs no code here. Whether an
access gets this far is `routing`'s matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from mockbus.ram import Ram
from movsdk.address import Span
from movsdk.errors import BadInput
from movsdk.ops import Space
from movsdk.pci_regs import ROM_ADDRESS_ENABLE, ROM_RESOURCE, BarKind, bar_register

if TYPE_CHECKING:
    from mockbus.function import Function

_ROM_BITS = 0x7FF


@frozen
class BarSpec:
    """One BAR as the datasheet gives it.

    Args:
        n: 0-5, or 6 for the expansion ROM; a 64-bit BAR takes n+1 as well.
        size: bytes, a power of two.
        content: "registers" asks the model on each access; "ram" is plain memory.
        start: address at power-on, bytes; 0 = none.
        is_readonly: the address bits are hard-wired: writes, sizing too, vanish.
    """

    n: int
    kind: BarKind
    size: int
    content: str = "registers"
    start: int = 0
    is_readonly: bool = False

    def __attrs_post_init__(self) -> None:
        if (self.n == ROM_RESOURCE) != (self.kind is BarKind.ROM) or not 0 <= self.n <= (4 if self.kind.is_64bit else 6):
            raise BadInput(f"BAR {self.n} cannot be {self.kind.value}: use 0-5, 0-4 where 64 bits wide, 6 for the ROM alone")
        least = {BarKind.IO: 4, BarKind.ROM: _ROM_BITS + 1}.get(self.kind, 16)
        most = 1 << (63 if self.kind.is_64bit else 31)
        if not least <= self.size <= most or self.size & (self.size - 1):
            raise BadInput(
                f"BAR {self.n} of {self.size:#x} bytes: {self.kind.value} needs a power of two from {least:#x} to {most:#x}"
            )
        if self.content not in ("registers", "ram"):
            raise BadInput(f"BAR {self.n}: content is {self.content!r}; it must be 'registers' or 'ram'")

    @property
    def registers(self) -> tuple[int, ...]:
        """The BAR numbers it takes."""
        return (self.n, self.n + 1) if self.kind.is_64bit else (self.n,)

    @property
    def address_mask(self) -> int:
        """The address bits that exist."""
        bits = (1 << (64 if self.kind.is_64bit else 32)) - 1
        return ~(self.size - 1) & bits


@frozen
class Overlay:
    """A range inside a BAR that the function serves itself before the model sees it, as it does the MSI-X table."""

    start: int
    last: int
    read: Callable[[int, int], int]
    write: Callable[[int, int, int], None]


@define(eq=False)
class Bar:
    """A BAR at work: register, address and contents."""

    spec: BarSpec
    function: Function = field(repr=False)
    register: int
    memory: Ram | None = field(default=None, init=False)
    overlays: list[Overlay] = field(factory=list, init=False)

    @classmethod
    def of(cls, spec: BarSpec, function: Function, *, is_bridge: bool) -> Bar:
        """Attach `spec` to its function and give it memory if it is memory."""
        bar = cls(spec, function, bar_register(spec.n, is_bridge))
        bar.power_off()
        return bar

    @property
    def space(self) -> Space:
        """Which kind of access it answers."""
        return Space.IO if self.spec.kind is BarKind.IO else Space.MEM

    @property
    def address(self) -> int:
        """What the register holds, without type and enable bits."""
        config, kind = self.function.config, self.spec.kind
        value = config.read(self.register, 4)
        if kind.is_64bit:
            value |= config.read(self.register + 4, 4) << 32
        return value & ~(0x3 if kind is BarKind.IO else _ROM_BITS if kind is BarKind.ROM else 0xF)

    @property
    def span(self) -> Span:
        """The range the register chooses, whether or not it is decoded."""
        return Span.sized(self.address, self.spec.size)

    @property
    def is_enabled(self) -> bool:
        """False only for an expansion ROM whose own enable bit is clear."""
        return self.spec.kind is not BarKind.ROM or bool(self.function.config.read(self.register, 1) & ROM_ADDRESS_ENABLE)

    @property
    def is_plain_memory(self) -> bool:
        """True if any byte range can be copied without anybody noticing."""
        return self.memory is not None and not self.overlays

    def power_off(self) -> None:
        """Forget the contents. Views of the old memory stay usable and reach nothing."""
        if self.spec.content == "ram":
            self.memory = Ram(self.spec.size, f"{self.function.label}-bar{self.spec.n}")

    def read(self, offset: int, size: int) -> int:
        """Serve an aligned read of 1, 2, 4 or 8 bytes inside the BAR."""
        for overlay in self.overlays:
            if overlay.start <= offset <= overlay.last:
                return overlay.read(offset - overlay.start, size)
        if self.memory is not None:
            return self.memory.read(offset, size)
        model = self.function.model
        if model is None:
            return 0
        if size > model.max_access:
            half = size // 2
            return self.read(offset, half) | self.read(offset + half, half) << 8 * half
        return model.read(self.spec.n, offset, size) & ((1 << 8 * size) - 1)

    def write(self, offset: int, size: int, value: int) -> None:
        """Serve an aligned write of 1, 2, 4 or 8 bytes inside the BAR."""
        for overlay in self.overlays:
            if overlay.start <= offset <= overlay.last:
                overlay.write(offset - overlay.start, size, value)
                return
        if self.memory is not None:
            self.memory.write(offset, size, value)
            return
        model = self.function.model
        if model is None:
            return
        if size > model.max_access:
            half = size // 2
            self.write(offset, half, value & ((1 << 8 * half) - 1))
            self.write(offset + half, half, value >> 8 * half)
            return
        model.write(self.spec.n, offset, size, value)

    def read_bytes(self, offset: int, length: int) -> bytes:
        """Copy out; registers are read with the widest aligned accesses that fit."""
        if self.memory is not None and self.is_plain_memory:
            return bytes(self.memory.view[offset : offset + length])
        parts, end = [], offset + length
        while offset < end:
            size = _widest(offset, end - offset)
            parts.append(self.read(offset, size).to_bytes(size, "little"))
            offset += size
        return b"".join(parts)

    def write_bytes(self, offset: int, data: bytes) -> None:
        """Copy in; registers are written with the widest aligned accesses that fit."""
        if self.memory is not None and self.is_plain_memory:
            self.memory.view[offset : offset + len(data)] = data
            return
        done = 0
        while done < len(data):
            size = _widest(offset + done, len(data) - done)
            self.write(offset + done, size, int.from_bytes(data[done : done + size], "little"))
            done += size


def _widest(offset: int, length: int) -> int:
    """Return the largest access size that is aligned at `offset` and fits into `length`."""
    return next(size for size in (8, 4, 2, 1) if not offset & (size - 1) and size <= length)
