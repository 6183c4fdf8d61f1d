"""The configuration of a device, saved and brought back: where BARs and windows are now, or where they were.

Twin: ``pci_save_state()``, ``pci_restore_state()``, ``pci_restore_bars()`` in drivers/pci/pci.c, and RFC patch 1: what is
restored is where things are *now*, never where they were when the state was saved; `PowerRules` says who has the patch. Only the
header is saved; interrupt vectors are programmed from the kernel's books, other capabilities stay as the reset left them.
"""

from __future__ import annotations

from typing import Final

from movsdk import pci_regs as regs
from movsdk.errors import PciError
from movsdk.kernel.device import Device
from movsdk.kernel.setup import write_bar, write_windows
from movsdk.layout.table import IO, MEM, MEM_64, UNSET, WindowWrite
from movsdk.trace import What

_HEADER: Final = range(0, 0x40, 4)
_ROM_MASK: Final = 0xFFFF_F800


def save_state(device: Device) -> None:
    """Remember the header, for `restore_state()`."""
    device.saved_config = {offset: device.config_read(offset, 4) for offset in _HEADER}


def restore_state(device: Device) -> None:
    """Write the saved header back, once. With patch 1 BARs, windows and bus numbers as the kernel has them now, COMMAND last."""
    saved, device.saved_config = device.saved_config, None
    if saved is None:
        return
    if not device.system.power_rules.restores_now:
        _restore_as_saved(device, saved)
        return
    is_bridge = device.row.is_bridge
    belief = _placed_registers(is_bridge)
    for offset in reversed(_HEADER):
        if offset not in belief and offset != regs.COMMAND and device.config_read(offset, 4) != saved[offset]:
            device.config_write(offset, 4, saved[offset])
    _restore_rom(device, saved)
    restore_bars(device)
    if is_bridge:
        _restore_bridge(device, saved)
    device.config_write(regs.COMMAND, 2, saved[regs.COMMAND] & 0xFFFF)
    device.row.command = saved[regs.COMMAND] & 0xFFFF
    _restore_vectors(device)


def _restore_as_saved(device: Device, saved: dict[int, int]) -> None:
    """Without patch 1: every dword as it was, last to first. A BAR that has moved since is back at its old address."""
    for offset in reversed(_HEADER):
        if device.config_read(offset, 4) != saved[offset]:
            device.config_write(offset, 4, saved[offset])
    device.row.command = saved[regs.COMMAND] & 0xFFFF
    for index in range(regs.ROM_RESOURCE):
        span, register = device.bar_span(index), _register_value(device, index)
        if span is not None and register != span.start:
            device.stale_bars.add(index)
            text = f"BAR {index} restored to {register:#x}, where it was when the state was saved; it is at {span.start:#x} now"
            device.system.trace.add(What.FAULT, device.label, text)
    _restore_vectors(device)


def _register_value(device: Device, index: int) -> int:
    flags, offset = device.resources[index].flags, regs.bar_register(index)
    low = device.config_read(offset, 4)
    if flags & IO:
        return low & ~0x3
    return low & ~0xF | (device.config_read(offset + 4, 4) << 32 if flags & MEM_64 else 0)


def _placed_registers(is_bridge: bool) -> frozenset[int]:
    """Offsets whose saved value says where something used to be."""
    bars = [regs.bar_register(index) for index in range(2 if is_bridge else 6)]
    placed = {*bars, regs.bar_register(regs.ROM_RESOURCE, is_bridge)}
    if is_bridge:
        placed |= set(range(regs.PRIMARY_BUS, regs.IO_BASE_UPPER16 + 4, 4))
    return frozenset(placed)


def restore_bars(device: Device) -> None:
    """Write every BAR that has an address to where it is now (``pci_restore_bars()``).

    Whether it is claimed is not asked: in the middle of a rescan a pinned BAR is not, and nobody writes its register again.
    """
    for resource in device.resources[: regs.ROM_RESOURCE]:
        if resource.flags & (IO | MEM) and not resource.flags & UNSET:
            write_bar(device, resource.index, resource.start)


def _restore_rom(device: Device, saved: dict[int, int]) -> None:
    # A ROM that was not enabled keeps whatever its register has: the kernel never programs it.
    offset = regs.bar_register(regs.ROM_RESOURCE, device.row.is_bridge)
    span = device.bar_span(regs.ROM_RESOURCE)
    if saved[offset] & regs.ROM_ADDRESS_ENABLE and span is not None:
        device.config_write(offset, 4, span.start & _ROM_MASK | regs.ROM_ADDRESS_ENABLE)


def _restore_bridge(device: Device, saved: dict[int, int]) -> None:
    numbers = saved[regs.PRIMARY_BUS]
    child = device.subordinate
    if child is not None:
        packed = device.bus.number | (child.number & 0xFF) << 8 | (child.last & 0xFF) << 16
        numbers = numbers & 0xFF00_0000 | packed
    device.config_write(regs.PRIMARY_BUS, 4, numbers)
    write_windows(device, WindowWrite.all_of(device.row))


def _restore_vectors(device: Device) -> None:
    if device.system.irq is None:
        return
    try:
        device.system.irq.program(device)
    except PciError as error:
        device.system.trace.add(What.NOTE, device.label, f"interrupt vectors not restored: {error}", error)
