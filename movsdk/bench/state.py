"""The state of a machine as the golden vectors write it: belief from the kernel, registers from silicon.

The form is `expect[].state` of the vectors README, key for key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from movsdk import pci_regs as regs
from movsdk.kernel.device import Bus, Device
from movsdk.kernel.system import System
from movsdk.layout.table import IO, MEM, MEM_64, PREF, UNSET, Resource

State = list[dict[str, Any]]
ConfigReader = Callable[[int, int], int]
_WINDOW_NAMES = {regs.IO_WINDOW: "io", regs.MEM_WINDOW: "mem", regs.PREF_WINDOW: "pref"}


def state_of(system: System, *, knows_disabled: bool) -> State:
    """Every device, depth first in bus-list order. `knows_disabled`: this kernel has a bars-disabled flag."""
    found: State = []
    _add_bus(system.root, knows_disabled, found)
    return found


def _add_bus(bus: Bus, knows_disabled: bool, found: State) -> None:
    for device in bus.devices:
        found.append(_device(device, knows_disabled))
        if device.subordinate is not None:
            _add_bus(device.subordinate, knows_disabled, found)


def _device(device: Device, knows_disabled: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": device.label,
        "bdf": device.bdf.short,
        "driver": device.driver.name if device.driver is not None else None,
        "added": device.row.is_added,
        "bars_disabled": device.row.bars_disabled if knows_disabled else None,
        "command": device.config_read(regs.COMMAND, 2),
        "resources": [
            _resource(device, resource)
            for resource in device.resources[: regs.NUM_RESOURCES - 1]
            if resource.flags or resource.parent is not None
        ],
    }
    if device.row.is_bridge:
        if device.subordinate is not None:
            entry["buses"] = [device.subordinate.number, device.subordinate.last]
        entry["registers"] = bridge_registers(device.config_read)
    return entry


def _resource(device: Device, resource: Resource) -> dict[str, Any]:
    index = resource.index
    kind = "window" if resource.is_window else "rom" if index == regs.ROM_RESOURCE else "bar"
    entry: dict[str, Any] = {"n": index, "kind": kind}
    if resource.is_window:
        entry["window"] = _WINDOW_NAMES[index]
    entry["type"] = type_text(resource.flags)
    entry["start"], entry["last"] = resource.start, resource.last
    entry["assigned"] = resource.parent is not None
    entry["parent"] = _parent_text(resource.parent)
    if not resource.is_window:
        entry["register"] = bar_register_value(device, index)
    return entry


def type_text(flags: int) -> str:
    """Flags as the vectors write them: ``mem|pref|64|unset``."""
    names = ((IO, "io"), (MEM, "mem"), (PREF, "pref"), (MEM_64, "64"), (UNSET, "unset"))
    return "|".join(name for flag, name in names if flags & flag)


def _parent_text(parent: Resource | None) -> str | None:
    if parent is None:
        return None
    return f"win{parent.index}" if parent.row is None else f"{parent.row.name}:{parent.index}"


def bar_register_value(device: Device, index: int) -> int:
    """What the BAR register holds, without its low type bits; both halves of a 64-bit BAR."""
    offset = regs.bar_register(index, device.row.is_bridge)
    value = device.config_read(offset, 4)
    if index == regs.ROM_RESOURCE:
        return value & 0xFFFF_F800
    if value & regs.BASE_ADDRESS_SPACE_IO:
        return value & ~0x3
    low = value & ~0xF
    if value & 0x6 == regs.BASE_ADDRESS_MEM_TYPE_64:
        return low | device.config_read(offset + 4, 4) << 32
    return low


def bridge_registers(read: ConfigReader) -> dict[str, list[int] | None]:
    """Window and bus-number registers of a bridge; null for a closed window. `read(offset, size)` reads config space."""
    numbers = read(regs.PRIMARY_BUS, 4)
    return {
        "io": _io_registers(read),
        "mem": _mem_registers(read, regs.MEMORY_BASE),
        "pref": _mem_registers(read, regs.PREF_MEMORY_BASE),
        "bus": [numbers & 0xFF, numbers >> 8 & 0xFF, numbers >> 16 & 0xFF],
    }


def _io_registers(read: ConfigReader) -> list[int] | None:
    pair = read(regs.IO_BASE, 2)
    base, limit = (pair & 0xF0) << 8, pair & 0xF000
    if pair & 0xF == 1:
        upper = read(regs.IO_BASE_UPPER16, 4)
        base, limit = base | (upper & 0xFFFF) << 16, limit | upper & 0xFFFF_0000
    return [base, limit + 0xFFF] if base <= limit else None


def _mem_registers(read: ConfigReader, offset: int) -> list[int] | None:
    pair = read(offset, 4)
    base, limit = (pair & 0xFFF0) << 16, pair & 0xFFF0_0000
    if offset == regs.PREF_MEMORY_BASE and pair & 0xF == 1:
        base |= read(regs.PREF_BASE_UPPER32, 4) << 32
        limit |= read(regs.PREF_LIMIT_UPPER32, 4) << 32
    return [base, limit + 0xF_FFFF] if base <= limit else None
