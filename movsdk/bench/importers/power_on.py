"""Config bytes as they were before any software touched them: what a newcomer shows when it is plugged.

A dump shows a device that has been set up; this takes the set-up out again. STATUS, PCI Express and vendor registers stay.
"""

from __future__ import annotations

from collections.abc import Iterable

from movsdk import pci_regs as regs
from movsdk.bench.config_facts import find_capability, word
from movsdk.bench.scenario import BarDecl

_TYPE_BITS = 0x0F
_MSI_MULTIPLE_ENABLE = 0x70


def power_on_bytes(config: bytes, bars: Iterable[BarDecl], *, is_bridge: bool) -> bytes:
    """Return `config` with decode off, no addresses, no bus numbers, no interrupts, in D0.

    Args:
        bars: the BARs the function has; other bytes of the BAR area are not touched.
    """
    data = bytearray(config)
    data[regs.COMMAND : regs.COMMAND + 2] = bytes(2)
    data[regs.INTERRUPT_LINE] = 0
    for bar in bars:
        register = regs.bar_register(bar.n, is_bridge)
        size = 8 if bar.kind.is_64bit else 4
        data[register : register + size] = bar.kind.low_bits.to_bytes(size, "little")
    if is_bridge:
        _close_bridge(data)
    _disable(data, regs.CAP_ID_MSI, regs.MSI_FLAGS, regs.MSI_FLAGS_ENABLE | _MSI_MULTIPLE_ENABLE)
    _disable(data, regs.CAP_ID_MSIX, regs.MSIX_FLAGS, regs.MSIX_FLAGS_ENABLE | regs.MSIX_FLAGS_MASKALL)
    _disable(data, regs.CAP_ID_PM, regs.PM_CTRL, regs.PM_CTRL_STATE_MASK)
    return bytes(data)


def is_asleep(config: bytes) -> bool:
    """True if the function was in D1 to D3hot when it was dumped."""
    at = find_capability(config, regs.CAP_ID_PM)
    return bool(at) and bool(word(config, at + regs.PM_CTRL) & regs.PM_CTRL_STATE_MASK)


def awake(config: bytes) -> bytes:
    """Return `config` in D0: runtime power management put it to sleep; firmware hands over nothing that sleeps."""
    data = bytearray(config)
    _disable(data, regs.CAP_ID_PM, regs.PM_CTRL, regs.PM_CTRL_STATE_MASK)
    return bytes(data)


def _close_bridge(data: bytearray) -> None:
    """Bus numbers and windows to zero; the type bits of the windows are hard-wired and stay."""
    data[regs.PRIMARY_BUS : regs.SEC_LATENCY_TIMER + 1] = bytes(4)
    for offset in (regs.IO_BASE, regs.IO_LIMIT, regs.PREF_MEMORY_BASE, regs.PREF_MEMORY_LIMIT):
        data[offset] &= _TYPE_BITS
    for offset in (regs.PREF_MEMORY_BASE, regs.PREF_MEMORY_LIMIT):
        data[offset + 1] = 0
    data[regs.MEMORY_BASE : regs.MEMORY_LIMIT + 2] = bytes(4)
    data[regs.PREF_BASE_UPPER32 : regs.IO_LIMIT_UPPER16 + 2] = bytes(12)
    data[regs.BRIDGE_CONTROL : regs.BRIDGE_CONTROL + 2] = bytes(2)


def _disable(data: bytearray, capability: int, register: int, bits: int) -> None:
    at = find_capability(bytes(data), capability)
    if at:
        value = int.from_bytes(data[at + register : at + register + 2], "little") & ~bits
        data[at + register : at + register + 2] = value.to_bytes(2, "little")
