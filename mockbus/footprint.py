"""Footprints of accesses: the cells an operation reads and writes, for an explorer that listens.

Twin: none. Cells: ("config", label, dword), ("command", label) for COMMAND, ("route", label) for the other registers that steer
addresses (BARs, windows), ("device", label) for all that a function keeps behind its BARs, ("ram", address) for a DMA buffer,
("ram", "allocator") for who gets them; `MAP` for all that ("route", label) is for, of whatever function, `BUSES` for bus numbers,
and `POWER` for who is there and awake. Built only while somebody listens; see `movsdk.points`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Final

from movsdk import pci_regs as regs
from movsdk import points
from movsdk.ops import Space

if TYPE_CHECKING:
    from mockbus.fabric import Fabric
    from mockbus.function import Function
    from mockbus.memory import CoherentBuffer

Cells = list[Hashable]
MAP: Final = ("map",)
BUSES: Final = ("buses",)
POWER: Final = ("power",)
MESSAGE_SIZE: Final = 4
ALLOCATOR: Final = (("ram", "allocator"),)  # which buffer gets which address depends on the order


def of_config(fabric: Fabric, bus: int, devfn: int, offset: int, *, is_write: bool) -> tuple[Cells, Cells]:
    """Return the cells that a config cycle reads and writes.

    Any bridge may come to pass a bus on, so that bus numbers are one cell. A device may heed each of its registers whenever it
    acts; writes of two of them do not depend on each other.
    """
    reads: Cells = [POWER, BUSES]
    writes: Cells = []
    for function in fabric.all_at(bus, devfn):
        cell = ("config", function.label, offset & ~3)
        if not is_write:
            reads.append(cell)
            continue
        reads.append(("device", function.label))
        writes.append(cell)
        if function.affects_routing(offset):
            writes += [("command", function.label)] if offset & ~3 == regs.COMMAND else [("route", function.label), MAP]
        if function.is_bridge and offset & ~3 == regs.PRIMARY_BUS:
            writes.append(BUSES)
    return reads, writes


def of_access(fabric: Fabric, space: Space, address: int, size: int = 1, *, is_write: bool) -> tuple[Cells, Cells]:
    """Return the cells of a memory or I/O access: what decides who answers, and what lies there.

    Any BAR or window that is moved may come to answer, also one of a card that is not there yet; COMMAND matters only of those
    whose BAR holds an address of it now, and of the bridges above them. A read of a register may change the device, whichever of
    its BARs it goes through, so it counts as a write; a read of plain memory does not.
    """
    reads: Cells = [MAP, POWER]
    writes: Cells = []
    last = address + max(1, size) - 1
    for function in fabric.functions.values():
        for bar in function.bars.values():
            if bar.space is not space or last < bar.span.start or bar.span.last < address:
                continue
            reads += [("command", hop.label) for hop in (function, *function.bridges())]
            (reads if bar.is_plain_memory and not is_write else writes).append(("device", function.label))
    return reads, writes


def is_message(address: int, length: int) -> bool:
    """True if a write of `length` bytes to `address` is an interrupt message."""
    return length == MESSAGE_SIZE and regs.MSI_ADDRESS_BASE <= address <= regs.MSI_ADDRESS_LAST


def of_dma(fabric: Fabric, function: Function, address: int, size: int, *, is_write: bool) -> tuple[Cells, Cells]:
    """Return the cells of a request by a device: the way up, what lies there, and what the device does with the answer."""
    hops = (function, *function.bridges())
    reads: Cells = [POWER, *((kind, hop.label) for hop in hops for kind in ("command", "route"))]
    writes: Cells = [("device", function.label)]
    if is_message(address, size):
        return reads, [*writes, ("ram", address)]
    buffer = fabric.memory.buffer_at(address, size)
    if buffer is not None and not any(bridge.passes(address, io=False) for bridge in function.bridges()):
        (writes if is_write else reads).append(("ram", buffer.address))
        return reads, writes
    peer_reads, peer_writes = of_access(fabric, Space.MEM, address, size, is_write=is_write)
    return [*reads, *ALLOCATOR, *peer_reads], [*writes, *peer_writes]


def announce_config(fabric: Fabric, label: str, bus: int, devfn: int, offset: int, *, is_write: bool) -> None:
    """Announce a config cycle, and say where it goes if that has changed until its turn has come."""
    generation, cells = fabric.generation, of_config(fabric, bus, devfn, offset, is_write=is_write)
    points.checkpoint(label, *cells)
    if fabric.generation != generation:
        _mend(cells, of_config(fabric, bus, devfn, offset, is_write=is_write))


def announce_access(fabric: Fabric, label: str, space: Space, address: int, size: int, *, is_write: bool) -> None:
    """Announce a memory or I/O access, and say where it goes if that has changed until its turn has come."""
    generation, cells = fabric.generation, of_access(fabric, space, address, size, is_write=is_write)
    points.checkpoint(label, *cells)
    if fabric.generation != generation:
        _mend(cells, of_access(fabric, space, address, size, is_write=is_write))


def announce_dma(fabric: Fabric, label: str, function: Function, address: int, size: int, *, is_write: bool) -> None:
    """Announce a request by a device, and say where it goes if that has changed until its turn has come."""
    cells = of_dma(fabric, function, address, size, is_write=is_write)
    points.checkpoint(label, *cells)
    _mend(cells, of_dma(fabric, function, address, size, is_write=is_write))


def uses_memory(buffer: CoherentBuffer) -> None:
    """Say that the CPU looks at a DMA buffer, or writes to it: no cycle of a bus, but devices look there too."""
    points.mention(f"CPU at DMA buffer {buffer.address:#x}", (), (("ram", buffer.address),))


def allocated(buffer: CoherentBuffer) -> None:
    """Say that the step which runs makes memory of an address that was none."""
    points.checkpoint("", (), (("ram", buffer.address),))


def somebody(does: str) -> None:
    """Announce what people and platforms do to the machine: ``pulls nvme0``."""
    points.checkpoint(f"somebody {does}", (), (POWER,))


def changes_register(function: Function, offset: int) -> None:
    """Say that the step which runs makes a device change one of its own config registers."""
    points.mention(f"{function.label} changes its config {offset & ~3:#x}", (), (("config", function.label, offset & ~3),))


def power_changes() -> None:
    """Say that the step which runs changes who is there or awake."""
    points.checkpoint("", (), (POWER,))


def _mend(said: tuple[Cells, Cells], now: tuple[Cells, Cells]) -> None:
    reads, writes = ([cell for cell in after if cell not in before] for before, after in zip(said, now, strict=True))
    if reads or writes:
        points.checkpoint("", reads, writes)
