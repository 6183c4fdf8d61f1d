"""What the window registers of a bridge mean, decoded from their bytes.

Twin: PCI-to-PCI Bridge 1.2 §3.2.5. Pure, and remembered: each DMA of a busy device asks every bridge above it, and the bytes
hardly ever change. Knows nothing of COMMAND and power.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Final

from attrs import frozen

from mockbus.header import WINDOW_TYPE_MASK, WINDOW_WIDE
from movsdk import pci_regs as regs
from movsdk.address import Span

WINDOW_REGISTERS: Final = slice(regs.IO_BASE, regs.IO_LIMIT_UPPER16 + 2)
"""The bytes of config space that `decode_windows` takes."""
_LAYOUT: Final = Struct("<BB2xHHHHIIHH")


@frozen
class Windows:
    """What a bridge passes: each window, None if it is closed or not there."""

    io: Span | None
    memory: Span | None
    prefetchable: Span | None

    def open(self, *, io: bool) -> list[Span]:
        """The open windows of one space."""
        return [span for span in ((self.io,) if io else (self.memory, self.prefetchable)) if span is not None]


@lru_cache(maxsize=1024)
def decode_windows(registers: bytes, *, has_io: bool = True, has_prefetchable: bool = True) -> Windows:
    """Return the windows that the bytes from IO_BASE to the end of IO_LIMIT_UPPER16 stand for.

    Args:
        has_io, has_prefetchable: the bridge has this window at all. One without it reads zero there, as an open window at 0 does.

    >>> print(decode_windows(bytes.fromhex("e1f1 0000 00fe 30fe 01c0 f1cf 08000000 08000000 0000 0000")).prefetchable)
    [0x8c0000000-0x8cfffffff]
    """
    (io_base, io_limit, base, limit, pref_base, pref_limit, base_upper, limit_upper, io_upper, io_last_upper) = _LAYOUT.unpack(
        registers
    )
    if io_base & WINDOW_TYPE_MASK != WINDOW_WIDE:
        io_upper = io_last_upper = 0
    if pref_base & WINDOW_TYPE_MASK != WINDOW_WIDE:
        base_upper = limit_upper = 0
    return Windows(
        _span((io_base & 0xF0) << 8 | io_upper << 16, (io_limit & 0xF0) << 8 | io_last_upper << 16 | 0xFFF) if has_io else None,
        _span((base & 0xFFF0) << 16, (limit & 0xFFF0) << 16 | 0xFFFFF),
        _span((pref_base & 0xFFF0) << 16 | base_upper << 32, (pref_limit & 0xFFF0) << 16 | limit_upper << 32 | 0xFFFFF)
        if has_prefetchable
        else None,
    )


def _span(start: int, last: int) -> Span | None:
    return Span(start, last) if start <= last else None
