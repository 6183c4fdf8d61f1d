"""MSI and MSI-X as registers: capabilities, the table in a BAR, and which INTx line a pin ends up on.

Twin: the ``__pci_write_msi_msg()`` half of drivers/pci/msi.c and ``pci_swizzle_interrupt_pin()``. Allocates nothing; see `irq`.
The core owns the MSI-X table and reaches it at the BAR's *current* address, so a move needs nothing done here.
"""

from __future__ import annotations

import errno
from typing import Final

from movsdk import pci_regs as regs
from movsdk.errors import PciError
from movsdk.kernel.device import Device
from movsdk.kernel.header import find_capability
from movsdk.ops import Space

_MULTIPLE_CAPABLE: Final = 0x0E  # bits 3:1 of the MSI flags: log2 of the messages it can send
_MULTIPLE_ENABLED: Final = 0x70  # bits 6:4: log2 of the messages it may send


def msix_size(device: Device) -> int:
    """Entries of the MSI-X table; 0 without one, or while its BAR has no address."""
    at = find_capability(device, regs.CAP_ID_MSIX)
    if not at or table_address(device, at) is None:
        return 0
    return (device.config_read(at + regs.MSIX_FLAGS, 2) & regs.MSIX_FLAGS_QSIZE) + 1


def msi_size(device: Device) -> int:
    """Messages the MSI capability can send; 0 without one."""
    at = find_capability(device, regs.CAP_ID_MSI)
    if not at:
        return 0
    capable: int = 1 << ((device.config_read(at + regs.MSI_FLAGS, 2) & _MULTIPLE_CAPABLE) >> 1)
    return min(32, capable)


def table_address(device: Device, capability: int) -> int | None:
    """Where the MSI-X table is now, in bytes, or None if its BAR has no address."""
    table = device.config_read(capability + regs.MSIX_TABLE, 4)
    span = device.bar_span(table & regs.MSIX_BIR) if table & regs.MSIX_BIR < regs.ROM_RESOURCE else None
    return None if span is None else span.start + (table & ~regs.MSIX_BIR)


def enable_msix(device: Device, numbers: list[int], masked: list[bool], address: int = regs.MSI_ADDRESS_BASE) -> None:
    """Write the table, messages to `address`, then let it work; INTx goes off.

    Raises:
        PciError: EINVAL, memory decode is off or the table's BAR has no address.
    """
    at = find_capability(device, regs.CAP_ID_MSIX)
    table = table_address(device, at)
    if table is None or not device.config_read(regs.COMMAND, 2) & regs.COMMAND_MEMORY:
        why = "its BAR is not assigned" if table is None else "memory decode is off; enable_device() first"
        raise PciError(errno.EINVAL, f"{device}: cannot write the MSI-X table: {why}", device=device.label)
    flags = device.config_read(at + regs.MSIX_FLAGS, 2)
    # Masked as a whole while the entries are written: a half-written message would go to nobody's vector.
    device.config_write(at + regs.MSIX_FLAGS, 2, flags | regs.MSIX_FLAGS_ENABLE | regs.MSIX_FLAGS_MASKALL)
    for index, number in enumerate(numbers):
        entry = table + index * regs.MSIX_ENTRY_SIZE
        _write(device, entry + regs.MSIX_ENTRY_LOWER_ADDR, address)
        _write(device, entry + regs.MSIX_ENTRY_UPPER_ADDR, 0)
        _write(device, entry + regs.MSIX_ENTRY_DATA, number)
        _write(device, entry + regs.MSIX_ENTRY_VECTOR_CTRL, regs.MSIX_ENTRY_CTRL_MASKBIT if masked[index] else 0)
    _set_intx(device, is_on=False)
    device.config_write(at + regs.MSIX_FLAGS, 2, flags & ~regs.MSIX_FLAGS_MASKALL | regs.MSIX_FLAGS_ENABLE)


def mask_entry(device: Device, index: int, *, is_masked: bool) -> None:
    """Mask or unmask one entry of the MSI-X table; nothing happens while its BAR has no address or the device sleeps."""
    if device.current_state != regs.PowerState.D0:
        return
    at = find_capability(device, regs.CAP_ID_MSIX)
    table = table_address(device, at) if at else None
    if table is not None:
        control = table + index * regs.MSIX_ENTRY_SIZE + regs.MSIX_ENTRY_VECTOR_CTRL
        _write(device, control, regs.MSIX_ENTRY_CTRL_MASKBIT if is_masked else 0)


def enable_msi(device: Device, numbers: list[int], address: int = regs.MSI_ADDRESS_BASE) -> None:
    """Write the message to `address` (of the first of a power of two numbers), then let it work; INTx goes off."""
    at = find_capability(device, regs.CAP_ID_MSI)
    flags = device.config_read(at + regs.MSI_FLAGS, 2)
    device.config_write(at + regs.MSI_ADDRESS_LO, 4, address)
    if flags & regs.MSI_FLAGS_64BIT:
        device.config_write(at + regs.MSI_ADDRESS_HI, 4, 0)
        device.config_write(at + regs.MSI_DATA_64, 2, numbers[0])
    else:
        device.config_write(at + regs.MSI_DATA_32, 2, numbers[0])
    _set_intx(device, is_on=False)
    multiple = (len(numbers).bit_length() - 1) << 4
    device.config_write(at + regs.MSI_FLAGS, 2, flags & ~_MULTIPLE_ENABLED | multiple | regs.MSI_FLAGS_ENABLE)


def disable(device: Device, kind: str) -> None:
    """Turn MSI ("msi") or MSI-X ("msix") off; INTx comes back."""
    capability, offset, bit = (
        (regs.CAP_ID_MSIX, regs.MSIX_FLAGS, regs.MSIX_FLAGS_ENABLE)
        if kind == "msix"
        else (regs.CAP_ID_MSI, regs.MSI_FLAGS, regs.MSI_FLAGS_ENABLE)
    )
    at = find_capability(device, capability)
    if at:
        device.config_write(at + offset, 2, device.config_read(at + offset, 2) & ~bit)
    _set_intx(device, is_on=True)


def root_line(device: Device) -> int:
    """Line (0-3) on the root bus that the device's pin ends up on, swizzled by the slot at every bridge."""
    pin = device.config_read(regs.INTERRUPT_PIN, 1) - 1
    here = device
    while here.bus.bridge is not None:
        pin = (pin + (here.devfn >> 3)) % 4
        here = here.bus.bridge
    return pin % 4


def _set_intx(device: Device, *, is_on: bool) -> None:
    command = device.config_read(regs.COMMAND, 2)
    wanted = command & ~regs.COMMAND_INTX_DISABLE if is_on else command | regs.COMMAND_INTX_DISABLE
    if wanted != command:
        device.config_write(regs.COMMAND, 2, wanted)
        device.row.command = wanted


def _write(device: Device, address: int, value: int) -> None:
    device.system.ops.write(Space.MEM, address, 4, value)
