"""The `config` file of a device: its config space as bytes, live.

Twin: ``pci_read_config()``, ``pci_write_config()`` in drivers/pci/pci-sysfs.c and ``pci_cfg_space_size()``. What is written
reaches the silicon at once, masks and all; what the kernel remembers of it does not change, as in Linux.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from movsdk import pci_regs as regs
from movsdk.kernel.device import Device

CONVENTIONAL: Final = 256
EXTENDED: Final = 4096


def config_size(device: Device) -> int:
    """Bytes of config space that the kernel finds: 4096 behind a PCI Express capability, else 256."""
    if device.pcie_type is None and device.class_code >> 8 != regs.CLASS_BRIDGE_HOST:
        return CONVENTIONAL
    return CONVENTIONAL if device.config_read(CONVENTIONAL, 4) == 0xFFFF_FFFF else EXTENDED


def read_config(device: Device, offset: int, count: int) -> bytes:
    """Read with the accesses that the kernel would make; all-ones from a device that does not answer."""
    return b"".join(device.config_read(at, size).to_bytes(size, "little") for at, size in _pieces(offset, count))


def write_config(device: Device, offset: int, data: bytes) -> int:
    """Write with the accesses that the kernel would make; returns how many bytes were taken: all."""
    for at, size in _pieces(offset, len(data)):
        device.config_write(at, size, int.from_bytes(data[at - offset : at - offset + size], "little"))
    return len(data)


def _pieces(offset: int, count: int) -> Iterator[tuple[int, int]]:
    """Aligned accesses of 1, 2 and 4 bytes that cover a range, in the kernel's order: a byte, a word, dwords, a word, a byte."""
    end = offset + count
    while offset < end:
        size = next(size for size in (4, 2, 1) if not offset & (size - 1) and offset + size <= end)
        yield offset, size
        offset += size
