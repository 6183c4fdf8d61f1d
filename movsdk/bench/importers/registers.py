"""BAR registers in config bytes: numbers, kinds and addresses. Knows no sizes; no register shows one at rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from movsdk import pci_regs as regs
from movsdk.bench.config_facts import dword, header_type
from movsdk.pci_regs import BarKind

_KIND_BY_BITS: Final = {kind.low_bits: kind for kind in BarKind if kind is not BarKind.ROM}


def bar_addresses(config: bytes) -> Iterator[tuple[int, BarKind, int]]:
    """Yield number, kind and address of each BAR register, the expansion ROM's last; upper halves are none of their own."""
    is_bridge = header_type(config) == regs.HEADER_TYPE_BRIDGE
    number, count = 0, 2 if is_bridge else 6
    while number < count:
        at = regs.bar_register(number)
        register = dword(config, at)
        kind = _KIND_BY_BITS.get(register & (0x3 if register & 1 else 0xF), BarKind.MEM32)
        address = register & (~0x3 if kind.is_io else ~0xF)
        is_wide = kind.is_64bit and number + 1 < count
        yield number, kind, address | (dword(config, at + 4) << 32 if is_wide else 0)
        number += 2 if is_wide else 1
    rom = dword(config, regs.bar_register(regs.ROM_RESOURCE, is_bridge))
    yield regs.ROM_RESOURCE, BarKind.ROM, rom & ~0x7FF


def find_extended(config: bytes, number: int) -> int:
    """Offset of an extended capability, or 0. Stops at a loop, and where the bytes end."""
    offset, seen = 0x100, set[int]()
    while 0x100 <= offset <= len(config) - 4 and offset not in seen:
        seen.add(offset)
        head = dword(config, offset)
        if head & 0xFFFF == number and head != 0xFFFF_FFFF:
            return offset
        offset = head >> 20 & 0xFFC
    return 0
