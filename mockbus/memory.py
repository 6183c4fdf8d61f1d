"""Host memory that devices can reach: coherent buffers, and the answer to who owns a DMA address.

Twin: ``dma_alloc_coherent()`` without an IOMMU, but as strict as one: only buffers in use are memory, the rest is a fault.
"""

from __future__ import annotations

import errno
from bisect import bisect_right, insort
from typing import Final

from attrs import define, field

from mockbus import footprint
from movsdk import points
from movsdk.address import Span
from movsdk.errors import BadInput, PciError
from movsdk.ops import DmaBuffer

FIRST_ADDRESS: Final = 0x10_0000
DEFAULT_RAM: Final = Span(FIRST_ADDRESS, 0x3FFF_FFFF)  # the machine of the recorded vectors has 1 GiB
_PAGE: Final = 4096


@define(eq=False)
class CoherentBuffer:
    """One buffer: `address` as devices see it, `view` as the CPU sees it; both name the same bytes."""

    address: int
    size: int
    _bytes: memoryview = field(repr=False)

    @property
    def view(self) -> memoryview:
        """The bytes, for the CPU. Ask anew each time: who explores schedules takes it for a look at them."""
        if points.is_watched():
            footprint.uses_memory(self)
        return self._bytes

    @property
    def last(self) -> int:
        """Address of the last byte."""
        return self.address + self.size - 1


@define(eq=False)
class HostMemory:
    """The range `span` of machine memory, handed out in buffers, lowest free place first."""

    span: Span = DEFAULT_RAM
    _buffers: list[CoherentBuffer] = field(factory=list, init=False)

    def alloc(self, size: int, align: int = _PAGE) -> CoherentBuffer:
        """Reserve `size` zeroed bytes on a multiple of `align` (bytes, a power of two).

        Raises `PciError` ENOMEM if no hole is big enough, `BadInput` for a size or alignment that makes no sense.
        """
        if size <= 0 or align <= 0 or align & (align - 1):
            raise BadInput(f"DMA buffer of {size} bytes aligned to {align}: give a positive size and a power of two")
        place = self.span.start
        for buffer in (*self._buffers, None):
            place = (place + align - 1) & -align
            if buffer is None or place + size <= buffer.address:
                break
            place = max(place, buffer.last + 1)
        if place + size - 1 > self.span.last:
            used = sum(buffer.size for buffer in self._buffers)
            raise PciError(errno.ENOMEM, f"no {size:#x} bytes of DMA memory left in {self.span} ({used:#x} in use)")
        made = CoherentBuffer(place, size, memoryview(bytearray(size)))
        insort(self._buffers, made, key=lambda buffer: buffer.address)
        return made

    def free(self, buffer: DmaBuffer) -> None:
        """Take a buffer back; its view dies. Raises `BadInput` if it is not in use."""
        if not isinstance(buffer, CoherentBuffer) or buffer not in self._buffers:
            raise BadInput(f"the DMA buffer at {buffer.address:#x} is not in use; it was freed before or is another machine's")
        self._buffers.remove(buffer)
        buffer._bytes.release()

    def buffer_at(self, address: int, length: int) -> CoherentBuffer | None:
        """Return the buffer in which `length` bytes at `address` lie."""
        index = bisect_right(self._buffers, address, key=lambda buffer: buffer.address) - 1
        if index < 0 or length <= 0:
            return None
        buffer = self._buffers[index]
        return buffer if address + length - 1 <= buffer.last else None

    def find(self, address: int, length: int) -> memoryview | None:
        """Return `length` bytes at `address` if they lie in one buffer, for a device."""
        buffer = self.buffer_at(address, length)
        return None if buffer is None else buffer._bytes[address - buffer.address :][:length]
