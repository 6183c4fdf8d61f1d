"""Footprints of accesses: the cells an operation reads and writes, for an explorer that listens.

Twin: none. Cells: ("config", label, dword), ("command", label) for COMMAND, ("route", label) for the other registers that steer
addresses (BARs, windows), ("bus", label) for bus numbers, ("bar", label, n) for contents, ("ram", address) for DMA buffers,
("ram", "allocator") for who gets them; `MAP` for all that ("route", label) is for, of whatever function, and `POWER` for who is
there and awake. Built only while somebody listens; see `movsdk.points`.
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

Cells = list[Hashable]
MAP: Final = ("map",)
POWER: Final = ("power",)
ALLOCATOR: Final = (("ram", "allocator"),)  # which buffer gets which address depends on the order


def of_config(fabric: Fabric, bus: int, devfn: int, offset: int, *, is_write: bool) -> tuple[Cells, Cells]:
    """Return the cells that a config cycle reads and writes."""
    function = fabric.at(bus, devfn)
    if function is None:
        bridges: Cells = [("bus", known.label) for known in fabric.functions.values() if known.is_bridge]
        return [POWER, *bridges], []
    reads: Cells = [POWER, *(("bus", bridge.label) for bridge in function.bridges())]
    cell = ("config", function.label, offset & ~3)
    if not is_write:
        return [*reads, cell], []
    writes: Cells = [cell]
    if function.affects_routing(offset):
        writes += [("command", function.label)] if offset & ~3 == regs.COMMAND else [("route", function.label), MAP]
    if function.is_bridge and offset & ~3 == regs.PRIMARY_BUS:
        writes.append(("bus", function.label))
    return reads, writes


def of_access(fabric: Fabric, space: Space, address: int, *, is_write: bool) -> tuple[Cells, Cells]:
    """Return the cells of a memory or I/O access: what decides who answers, and what lies there.

    Any BAR or window that is moved may come to answer, also one of a card that is not there yet; COMMAND matters only of those
    whose BAR holds the address now, and of the bridges above them. A read of a register may change the device, so it counts as a
    write; a read of plain memory does not.
    """
    reads: Cells = [MAP, POWER]
    writes: Cells = []
    for function in fabric.functions.values():
        for bar in function.bars.values():
            if bar.space is not space or address not in bar.span:
                continue
            reads += [("command", hop.label) for hop in (function, *function.bridges())]
            cell = ("bar", function.label, bar.spec.n)
            (reads if bar.is_plain_memory and not is_write else writes).append(cell)
    return reads, writes


def of_dma(function: Function, address: int, *, is_write: bool) -> tuple[Cells, Cells]:
    """Return the cells of a request by a device."""
    way: Cells = [POWER]
    way += [(kind, hop.label) for hop in (function, *function.bridges()) for kind in ("command", "route")]
    cell = ("ram", address)
    return ([*way], [cell]) if is_write else ([*way, cell], [])


def announce_config(fabric: Fabric, label: str, bus: int, devfn: int, offset: int, *, is_write: bool) -> None:
    """Announce a config cycle, and say where it goes if that has changed until its turn has come."""
    generation, cells = fabric.generation, of_config(fabric, bus, devfn, offset, is_write=is_write)
    points.checkpoint(label, *cells)
    if fabric.generation != generation:
        _mend(cells, of_config(fabric, bus, devfn, offset, is_write=is_write))


def announce_access(fabric: Fabric, label: str, space: Space, address: int, *, is_write: bool) -> None:
    """Announce a memory or I/O access, and say where it goes if that has changed until its turn has come."""
    generation, cells = fabric.generation, of_access(fabric, space, address, is_write=is_write)
    points.checkpoint(label, *cells)
    if fabric.generation != generation:
        _mend(cells, of_access(fabric, space, address, is_write=is_write))


def somebody(does: str) -> None:
    """Announce what people and platforms do to the machine: ``pulls nvme0``."""
    points.checkpoint(f"somebody {does}", (), (POWER,))


def power_changes() -> None:
    """Say that the step which runs changes who is there or awake."""
    points.checkpoint("", (), (POWER,))


def _mend(said: tuple[Cells, Cells], now: tuple[Cells, Cells]) -> None:
    reads, writes = ([cell for cell in after if cell not in before] for before, after in zip(said, now, strict=True))
    if reads or writes:
        points.checkpoint("", reads, writes)
