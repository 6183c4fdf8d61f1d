"""Layout's journal into registers: BARs and bridge windows as the kernel writes them.

Twin: ``pci_std_update_resource()`` in setup-res.c and ``pci_setup_bridge_*()`` in setup-bus.c. Decides nothing.
"""

from __future__ import annotations

from movsdk import pci_regs as regs
from movsdk.kernel.device import Device
from movsdk.layout.table import IO, MEM, MEM_64, PREF, BarWrite, Journal, WindowWrite
from movsdk.trace import What


def replay(journal: Journal) -> None:
    """Make the writes of `journal` in order and empty it."""
    for write in journal:
        device: Device | None = write.row.owner
        if device is None:  # a tester's ballast: an entry of the table without silicon
            continue
        if isinstance(write, BarWrite):
            write_bar(device, write.index, write.start, write.flags)
        else:
            write_windows(device, write)
            if None not in write.windows:
                device.system.arch.bridge_set_up(device)
    journal.clear()


def write_bar(device: Device, index: int, start: int, flags: int | None = None) -> None:
    """Write BAR `index` (0-5) of the type `flags` (None: as the table has it now). ROM registers are never written here.

    Memory decode goes off round a 64-bit BAR: it is two writes, and between them the device would answer an address nobody chose.
    """
    if flags is None:
        flags = device.resources[index].flags
    offset = regs.bar_register(index)
    device.stale_bars.discard(index)
    device.overwritten_bars.pop(index, None)
    device.system.trace.add(What.WRITE, device.label, f"BAR {index} register <- {start:#x}", (index, start))
    if flags & IO:
        device.config_write(offset, 4, start & 0xFFFF_FFFF | regs.BASE_ADDRESS_SPACE_IO)
        return
    low = start & 0xFFFF_FFFF | (regs.BASE_ADDRESS_MEM_PREFETCH if flags & PREF else 0)
    if not flags & MEM_64:
        device.config_write(offset, 4, low)
        return
    command = device.config_read(regs.COMMAND, 2)
    if command & regs.COMMAND_MEMORY:
        device.config_write(regs.COMMAND, 2, command & ~regs.COMMAND_MEMORY)
    device.config_write(offset, 4, low | regs.BASE_ADDRESS_MEM_TYPE_64)
    device.config_write(offset + 4, 4, start >> 32)
    if command & regs.COMMAND_MEMORY:
        device.config_write(regs.COMMAND, 2, command)


def write_windows(device: Device, write: WindowWrite) -> None:
    """Write the window registers of a bridge; a window whose flags lack the type is closed."""
    io, mem, pref = write.windows
    text = ", ".join(
        f"{name} {_window_text(window)}"
        for name, window in zip(("io", "mem", "pref"), write.windows, strict=True)
        if window is not None
    )
    device.system.trace.add(What.WRITE, device.label, f"windows <- {text}", write.windows)
    if io is not None:
        _write_io(device, *io)
    if mem is not None:
        _write_mem(device, *mem)
    if pref is not None:
        _write_pref(device, *pref)


def _window_text(window: tuple[int, int, int]) -> str:
    start, last, flags = window
    return f"[{start:#x}-{last:#x}]" if flags else "closed"


def _write_io(device: Device, start: int, last: int, flags: int) -> None:
    if flags & IO:
        pair = (start >> 8 & 0xF0) | (last & 0xF000)
        upper = (start >> 16 & 0xFFFF) | (last & 0xFFFF_0000)
    else:
        pair, upper = 0x00F0, 0
    # Close the upper halves first: a limit of 0 in between keeps the window shut.
    device.config_write(regs.IO_BASE_UPPER16, 4, 0x0000_FFFF)
    device.config_write(regs.IO_BASE, 2, pair)
    device.config_write(regs.IO_BASE_UPPER16, 4, upper)


def _write_mem(device: Device, start: int, last: int, flags: int) -> None:
    pair = (start >> 16 & 0xFFF0) | (last & 0xFFF0_0000) if flags & MEM else 0x0000_FFF0
    device.config_write(regs.MEMORY_BASE, 4, pair)


def _write_pref(device: Device, start: int, last: int, flags: int) -> None:
    device.config_write(regs.PREF_LIMIT_UPPER32, 4, 0)
    base_upper = limit_upper = 0
    if flags & PREF:
        pair = (start >> 16 & 0xFFF0) | (last & 0xFFF0_0000)
        if flags & MEM_64:
            base_upper, limit_upper = start >> 32, last >> 32
    else:
        pair = 0x0000_FFF0
    device.config_write(regs.PREF_MEMORY_BASE, 4, pair)
    device.config_write(regs.PREF_BASE_UPPER32, 4, base_upper)
    device.config_write(regs.PREF_LIMIT_UPPER32, 4, limit_upper)
