"""What the bytes of a config space say: ids, header type, capabilities.

Twin: ``pci_find_capability()`` and friends, on bytes at rest; `movsdk.kernel.header` asks a live device. Changes nothing.
"""

from __future__ import annotations

from movsdk import pci_regs as regs
from movsdk.pci_regs import PcieType


def word(config: bytes | bytearray, offset: int) -> int:
    """The 16-bit register at `offset`; zero beyond the end."""
    return int.from_bytes(config[offset : offset + 2], "little")


def dword(config: bytes, offset: int) -> int:
    """The 32-bit register at `offset`; zero beyond the end."""
    return int.from_bytes(config[offset : offset + 4], "little")


def header_type(config: bytes) -> int:
    """0 endpoint, 1 bridge, 2 CardBus bridge (the multifunction bit left out)."""
    return config[regs.HEADER_TYPE] & 0x7F


def find_capability(config: bytes, capability: int) -> int:
    """Offset of a capability, or 0. Stops at a loop, and where the bytes end."""
    if not word(config, regs.STATUS) & regs.STATUS_CAP_LIST:
        return 0
    offset = config[regs.CAPABILITY_LIST] & ~3
    seen: set[int] = set()
    while 0x40 <= offset < min(len(config), 256) and offset not in seen:
        if config[offset] == capability:
            return offset
        seen.add(offset)
        offset = config[offset + 1] & ~3
    return 0


def pcie_type(config: bytes) -> PcieType | None:
    """Device/Port Type of the PCI Express capability; None without one, or with a type we do not know."""
    at = find_capability(config, regs.CAP_ID_EXP)
    number = (word(config, at + regs.EXP_FLAGS) & regs.EXP_FLAGS_TYPE) >> 4
    return PcieType(number) if at and number in {known.value for known in PcieType} else None


def is_hotplug_port(config: bytes) -> bool:
    """True if the slot below is hot-plug capable (Slot Capabilities, HPC)."""
    at = find_capability(config, regs.CAP_ID_EXP)
    has_slot = bool(at) and bool(word(config, at + regs.EXP_FLAGS) & regs.EXP_FLAGS_SLOT)
    return has_slot and bool(dword(config, at + regs.EXP_SLTCAP) & regs.EXP_SLTCAP_HPC)
