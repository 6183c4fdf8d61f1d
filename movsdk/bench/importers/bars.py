"""The BARs of a dumped function as a scenario declares them: kind by the register, size by whatever has it.

A size that no source has is refused by name, unless nothing can miss it (an expansion ROM, a BAR that never had an address).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from movsdk import pci_regs as regs
from movsdk.bench.importers.folder import Dump, DumpedFunction
from movsdk.bench.importers.sysfs_resource import SysfsResource
from movsdk.bench.scenario import BarDecl
from movsdk.pci_regs import BarKind

_SMALLEST: Final = {BarKind.IO: 4, BarKind.ROM: 2048}
_LARGEST: Final = {BarKind.IO: 1 << 16, BarKind.MEM64: 1 << 63, BarKind.PREF64: 1 << 63}


def bars_of(function: DumpedFunction, dumps: Sequence[Dump], notes: list[str]) -> Iterator[BarDecl]:
    """Yield the BARs of `function`; other `dumps` may know a size that its own does not. `notes` gets what is left out.

    Raises:
        BadInput: the size of a BAR is in no dump, or a source contradicts the register; names file and line.
    """
    for number, register, kind, resource in function.bar_registers():
        if number == regs.ROM_RESOURCE and resource.is_shadow_rom:
            continue  # the real size is lost, and the kernel will put the shadow in its place again
        if resource.exists and resource.is_io != kind.is_io and resource.is_pinned:
            continue  # a legacy IDE range that no register holds; ioports shows it as busy
        if resource.exists:
            if _is_sound(function, number, kind, resource, notes):
                yield BarDecl(number, kind, resource.size)
        elif register or number in function.unsized:
            size = _size_elsewhere(function, number, dumps)
            if size is not None:
                yield BarDecl(number, kind, size)
            else:
                _say_missing(function, number, register, resource, notes)


def bar_name(number: int) -> str:
    """What people call it."""
    return "expansion ROM" if number == regs.ROM_RESOURCE else f"BAR {number}"


def _is_sound(function: DumpedFunction, number: int, kind: BarKind, resource: SysfsResource, notes: list[str]) -> bool:
    """Whether a scenario can hold the BAR; raises if the register contradicts it."""
    who = f"{function.bdf} {bar_name(number)}"
    if kind is not BarKind.ROM and (kind.is_io, kind.is_64bit) != (resource.kind.is_io, resource.kind.is_64bit):
        problem = f"{who} is {resource.kind.value} here, but its register in {function.at.short} is {kind.value}"
        raise resource.at.bad(f"{problem}; take all files at one moment")
    if kind is not BarKind.ROM and kind is not resource.kind:
        notes.append(f"{resource.at}: {who} is {resource.kind.value} here, {kind.value} by its register; the register counts")
    size = resource.size
    if size <= 0 or size & (size - 1):
        if not resource.is_pinned:
            raise resource.at.bad(f"{who} has {size} bytes, no power of two")
        notes.append(f"left out: {who} ({resource.at}): {size} bytes, no power of two; the platform pinned it")
        return False
    if not _SMALLEST.get(kind, 16) <= size <= _LARGEST.get(kind, 1 << 31):
        raise resource.at.bad(f"{who} has {size} bytes, which no {kind.value} BAR can have")
    return True


def _size_elsewhere(function: DumpedFunction, number: int, dumps: Sequence[Dump]) -> int | None:
    """The size of a BAR that the kernel wiped, or that no source of this moment shows: out of another moment, or a log."""
    for dump in dumps:
        same = dump.functions.get(function.path)
        if same is not None and same.ids == function.ids:
            if same.resources.bars[number].exists:
                return same.resources.bars[number].size
            if number in same.sizes:
                return same.sizes[number][0]
    return None


def _say_missing(function: DumpedFunction, number: int, register: int, resource: SysfsResource, notes: list[str]) -> None:
    at = function.unsized.get(number, resource.at)
    kind = BarKind.ROM if number == regs.ROM_RESOURCE else None
    is_placed = bool(register & (~0x7FF if kind is BarKind.ROM else ~0x3 if register & 1 else ~0xF))
    who = f"{function.bdf} {bar_name(number)}"
    if kind is BarKind.ROM or (number in function.unsized and not is_placed):
        notes.append(f"left out: {who} ({at}): no source shows its size")
        return
    why = "no source shows it" if number in function.unsized or is_placed else "Linux dropped it"
    problem = f"the size of {who} is in none of the dumps: its register holds {register:#x}, but {why}"
    raise at.bad(f"{problem}; add lspci -vv, sysfs resource, iomem or dmesg, or a dump from before it was dropped")
