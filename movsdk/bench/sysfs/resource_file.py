"""The `resource` file of a device: start, last and flags of each resource, with the numbers of include/linux/ioport.h.

Twin: ``resource_show()`` in drivers/pci/pci-sysfs.c. The low bits of a flag word are those of the register it was read from.
"""

from __future__ import annotations

from typing import Final

from movsdk import pci_regs as regs
from movsdk.kernel.device import Device
from movsdk.layout import table
from movsdk.layout.table import MEM_64, PREF, ROM_SHADOW, Resource

IORESOURCE: Final = {
    table.IO: 0x100,
    table.MEM: 0x200,
    table.PREF: 0x2000,
    table.SIZEALIGN: 0x4_0000,
    table.STARTALIGN: 0x8_0000,
    table.MEM_64: 0x10_0000,
    table.UNSET: 0x2000_0000,
    table.PCI_FIXED: 0x10,
    table.ROM_SHADOW: 0x2,
}
READONLY: Final = 0x4000
ROM_ENABLE: Final = 0x1


def resource_lines(device: Device, low_bits: dict[int, int]) -> str:
    """Seven lines, eleven for a bridge with a bus behind it. `low_bits`: see `read_low_bits`."""
    count = regs.NUM_RESOURCES if device.subordinate is not None else regs.BRIDGE_RESOURCES
    return "".join(
        f"{resource.start:#018x} {resource.last:#018x} {flags_of(resource, low_bits.get(resource.index, 0)):#018x}\n"
        for resource in device.resources[:count]
    )


def flags_of(resource: Resource, low_bits: int = 0) -> int:
    """The kernel's flag word of a resource; 0 for one that does not exist."""
    flags = resource.flags
    if not flags:
        return 0
    word = sum(number for flag, number in IORESOURCE.items() if flags & flag)
    if resource.is_window:
        return word | (1 if flags & PREF and flags & MEM_64 else low_bits)
    if flags & table.IO:
        return word | regs.BASE_ADDRESS_SPACE_IO
    if resource.index == regs.ROM_RESOURCE:
        return word if flags & ROM_SHADOW else word | READONLY | low_bits
    word |= regs.BASE_ADDRESS_MEM_TYPE_64 if flags & MEM_64 else 0
    return word | (regs.BASE_ADDRESS_MEM_PREFETCH if flags & PREF else 0)


def read_low_bits(device: Device) -> dict[int, int]:
    """What the kernel keeps of registers beside the address: I/O window type, ROM enable. Read once, when the device is found."""
    is_bridge = device.row.is_bridge
    rom = device.config_read(regs.bar_register(regs.ROM_RESOURCE, is_bridge), 4)
    kept = {regs.ROM_RESOURCE: rom & ROM_ENABLE}
    if is_bridge:
        kept[regs.IO_WINDOW] = device.config_read(regs.IO_BASE, 1) & 0xF
    return {} if rom == 0xFFFF_FFFF else kept
