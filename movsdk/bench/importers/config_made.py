"""Config bytes for a function of which only words are known: a header and the capabilities that a source names.

Twin of nothing: a dump without ``-x`` has no bytes. What no source tells is zero, and `join` says that the bytes are made.
"""

from __future__ import annotations

from typing import Final

from movsdk import pci_regs as regs
from movsdk.bench.importers import capability_text
from movsdk.bench.importers.said import Said, SaidCapability, SaidWindow

MADE_UP_VENDOR: Final = 0x6D76  # as in `assembly`: belongs to nobody
_EXPRESS_AT: Final = 0x40


def config_of(said: Said, number: int, *, multifunction: bool) -> bytes:
    """Return 64, 256 or 4096 bytes that say what `said` says.

    Args:
        number: the device id where none is known.
        multifunction: whether other functions share the slot.
    """
    capabilities = [each for each in said.capabilities if each.number is not None]
    size = 4096 if any(each.is_extended for each in capabilities) else 256 if capabilities or said.pcie is not None else 64
    data = bytearray(size)
    _lay_identity(data, said, number, multifunction=multifunction)
    for bar in said.bars.values():
        register = regs.bar_register(bar.n, said.is_bridge)
        value = (bar.start or 0) | bar.kind.low_bits
        if not bar.is_virtual and (bar.n != 1 or not said.is_bridge or not bar.kind.is_64bit):
            width = 8 if bar.kind.is_64bit else 4
            data[register : register + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
    if said.is_bridge:
        _lay_bridge(data, said)
    _lay_capabilities(data, capabilities)
    if said.pcie is not None and not any(each.number == regs.CAP_ID_EXP and not each.is_extended for each in capabilities):
        _lay_express(data, said)
    return bytes(data)


def _put(data: bytearray, offset: int, size: int, value: int) -> None:
    data[offset : offset + size] = value.to_bytes(size, "little")


def _lay_identity(data: bytearray, said: Said, number: int, *, multifunction: bool) -> None:
    _put(data, regs.VENDOR_ID, 2, MADE_UP_VENDOR if said.vendor in (None, 0, 0xFFFF) else said.vendor or 0)
    _put(data, regs.DEVICE_ID, 2, number & 0xFFFF if said.device is None else said.device)
    _put(data, regs.COMMAND, 2, (said.command or 0) & (regs.COMMAND_IO | regs.COMMAND_MEMORY | regs.COMMAND_MASTER))
    class_code = said.class_code if said.class_code is not None else 0x060400 if said.is_bridge else 0xFF0000
    _put(data, regs.REVISION_ID, 4, (said.revision or 0) | class_code << 8)
    data[regs.HEADER_TYPE] = (regs.HEADER_TYPE_BRIDGE if said.is_bridge else 0) | (0x80 if multifunction else 0)
    if said.subsystem is not None and not said.is_bridge:
        _put(data, regs.SUBSYSTEM_VENDOR_ID, 2, said.subsystem[0])
        _put(data, regs.SUBSYSTEM_ID, 2, said.subsystem[1])
    data[regs.INTERRUPT_PIN] = said.pin or 0


def _lay_bridge(data: bytearray, said: Said) -> None:
    data[regs.PRIMARY_BUS : regs.SUBORDINATE_BUS + 1] = bytes(said.buses or (0, 0, 0))
    for kind in ("io", "mem", "pref"):
        _lay_window(data, kind, said.windows.get(kind))
    _put(data, regs.BRIDGE_CONTROL, 2, said.control or 0)


def _lay_window(data: bytearray, kind: str, window: SaidWindow | None) -> None:
    """The registers of one window; closed (base above limit) where none is known, width bits as seen."""
    first, last = (window.start, window.last) if window is not None else (None, None)
    if first is None or last is None:
        first, last = (0xF000, 0x0FFF) if kind == "io" else (0xFFF0_0000, 0x000F_FFFF)
    width = window.width if window is not None else 16 if kind == "io" else 32
    if kind == "io":
        wide = 1 if width == 32 else 0
        data[regs.IO_BASE], data[regs.IO_LIMIT] = first >> 8 & 0xF0 | wide, last >> 8 & 0xF0 | wide
        _put(data, regs.IO_BASE_UPPER16, 2, first >> 16 & 0xFFFF if wide else 0)
        _put(data, regs.IO_LIMIT_UPPER16, 2, last >> 16 & 0xFFFF if wide else 0)
        return
    base, limit = (regs.MEMORY_BASE, regs.MEMORY_LIMIT) if kind == "mem" else (regs.PREF_MEMORY_BASE, regs.PREF_MEMORY_LIMIT)
    wide = 1 if kind == "pref" and width == 64 else 0
    _put(data, base, 2, first >> 16 & 0xFFF0 | wide)
    _put(data, limit, 2, last >> 16 & 0xFFF0 | wide)
    if wide:
        _put(data, regs.PREF_BASE_UPPER32, 4, first >> 32 & 0xFFFF_FFFF)
        _put(data, regs.PREF_LIMIT_UPPER32, 4, last >> 32 & 0xFFFF_FFFF)


def _lay_capabilities(data: bytearray, capabilities: list[SaidCapability]) -> None:
    plain = [each for each in capabilities if not each.is_extended]
    if plain:
        _put(data, regs.STATUS, 2, regs.STATUS_CAP_LIST)
        data[regs.CAPABILITY_LIST] = plain[0].offset
    links = [each.offset for each in plain[1:]] + [0]
    for each, following in zip(plain, links, strict=False):
        data[each.offset] = each.number or 0
        data[each.offset + 1] = following
        capability_text.lay(data, each)
    extended = [each for each in capabilities if each.is_extended]
    if extended and extended[0].offset != 0x100:
        _put(data, 0x100, 4, extended[0].offset << 20)  # the list starts at 0x100; an entry of number 0 only leads on
    links = [each.offset for each in extended[1:]] + [0]
    for each, following in zip(extended, links, strict=False):
        link = following << 20
        if each.offset + 4 <= len(data):
            _put(data, each.offset, 4, (each.number or 0) | (each.version or 1) % 16 << 16 | link)
        capability_text.lay(data, each)


def _lay_express(data: bytearray, said: Said) -> None:
    """A PCI Express capability of which only the port type is known, as dmesg has it."""
    assert said.pcie is not None
    _put(data, regs.STATUS, 2, regs.STATUS_CAP_LIST)
    data[regs.CAPABILITY_LIST] = _EXPRESS_AT
    data[_EXPRESS_AT] = regs.CAP_ID_EXP
    slot = regs.EXP_FLAGS_SLOT if said.hotplug else 0
    _put(data, _EXPRESS_AT + regs.EXP_FLAGS, 2, 2 | said.pcie << 4 | slot)
    _put(data, _EXPRESS_AT + regs.EXP_SLTCAP, 4, regs.EXP_SLTCAP_HPC if said.hotplug else 0)
