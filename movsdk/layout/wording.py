"""Resources as Linux prints them today: ``bridge window [mem 0xe0000000-0xe01fffff]``, ``BAR 2 [mem size 0x04000000]``.

Twin: ``pci_resource_name()`` in drivers/pci/pci.c and ``%pR`` in lib/vsprintf.c (linux-6.9 and later). Text only.
"""

from __future__ import annotations

from movsdk.layout.table import IO, MEM_64, PREF
from movsdk.pci_regs import BRIDGE_RESOURCES, ROM_RESOURCE


def resource_name(index: int) -> str:
    """What the kernel calls resource slot `index`."""
    if index >= BRIDGE_RESOURCES:
        return "bridge window"
    return "ROM" if index == ROM_RESOURCE else f"BAR {index}"


def resource_text(flags: int, start: int, size: int, *, has_place: bool) -> str:
    """``[mem 0xfe400000-0xfe403fff 64bit]``, or ``[mem size 0x00004000 64bit]`` without a place. Bytes."""
    kind, digits = ("io ", 4) if flags & IO else ("mem", 8)
    if has_place:
        place = f"{start:#0{digits + 2}x}-{start + size - 1:#0{digits + 2}x}"
    else:
        place = f"size {size:#0{digits + 2}x}"
    return f"[{kind} {place}{' 64bit' if flags & MEM_64 else ''}{' pref' if flags & PREF else ''}]"
