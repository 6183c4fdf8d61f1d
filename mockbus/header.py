"""Config headers, type 0 and type 1: power-on bytes and write masks from a declaration.

Twin: PCI 3.0 §6.1, PCI-to-PCI Bridge 1.2 §3. Lays out registers; has no behaviour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import frozen

from mockbus.bar import BarSpec
from mockbus.config import ConfigSpace
from movsdk import pci_regs as regs
from movsdk.errors import BadInput

COMMAND_MASK: Final = 0x0547  # I/O, memory, master, parity, SERR, INTx disable
STATUS_W1C: Final = 0xF900
BRIDGE_CONTROL_MASK: Final = 0x00FF
BRIDGE_CONTROL_RESET: Final = 0x0040
WINDOW_TYPE_MASK: Final = 0x0F
WINDOW_WIDE: Final = 0x01  # I/O window 32 bits wide; prefetchable window 64 bits wide


@frozen(kw_only=True)
class Identity:
    """Who a function says it is; `class_code` has 24 bits."""

    vendor: int
    device: int
    class_code: int
    revision: int = 0
    subsystem: tuple[int, int] = (0, 0)
    interrupt_pin: int = 0


def lay_identity(config: ConfigSpace, identity: Identity, header_type: int) -> None:
    """Write the read-only identification registers."""
    config.define(regs.VENDOR_ID, 2, identity.vendor)
    config.define(regs.DEVICE_ID, 2, identity.device)
    config.define(regs.REVISION_ID, 4, identity.class_code << 8 | identity.revision)
    config.define(regs.HEADER_TYPE, 1, header_type)
    config.define(regs.INTERRUPT_PIN, 1, identity.interrupt_pin)
    if header_type == regs.HEADER_TYPE_NORMAL:
        config.define(regs.SUBSYSTEM_VENDOR_ID, 2, identity.subsystem[0])
        config.define(regs.SUBSYSTEM_ID, 2, identity.subsystem[1])


def permit_common(config: ConfigSpace) -> None:
    """Make writable what every function lets software write."""
    config.permit(regs.COMMAND, 2, mask=COMMAND_MASK)
    config.permit(regs.STATUS, 2, w1c=STATUS_W1C)
    config.permit(regs.CACHE_LINE_SIZE, 1, mask=0xFF)
    config.permit(regs.LATENCY_TIMER, 1, mask=0xFF)
    config.permit(regs.INTERRUPT_LINE, 1, mask=0xFF)


def check_bars(label: str, bars: Iterable[BarSpec], *, is_bridge: bool) -> tuple[BarSpec, ...]:
    """Return the BARs in order. Raises `BadInput` if two want one register or a bridge has no such register."""
    ordered = tuple(sorted(bars, key=lambda bar: bar.n))
    taken: dict[int, BarSpec] = {}
    for bar in ordered:
        for n in bar.registers:
            if n in taken:
                raise BadInput(f"{label}: BAR {bar.n} ({bar.kind.value}) needs register {n}, which BAR {taken[n].n} has taken")
            taken[n] = bar
        if is_bridge and bar.n != regs.ROM_RESOURCE and max(bar.registers) > 1:
            raise BadInput(f"{label}: a bridge has BARs 0 and 1 and a ROM only, not BAR {bar.n} ({bar.kind.value})")
    return ordered


def permit_bar(config: ConfigSpace, bar: BarSpec, *, is_bridge: bool) -> None:
    """Make the address bits of `bar` writable, and the enable bit of a ROM."""
    mask = 0 if bar.is_readonly else bar.address_mask
    if bar.kind is regs.BarKind.ROM:
        mask |= regs.ROM_ADDRESS_ENABLE
    register = regs.bar_register(bar.n, is_bridge)
    config.permit(register, 4, mask=mask & 0xFFFFFFFF)
    if bar.kind.is_64bit:
        config.permit(register + 4, 4, mask=mask >> 32)


def lay_bar(config: ConfigSpace, bar: BarSpec, address: int, *, is_bridge: bool) -> None:
    """Write the power-on value of `bar`; bits of `address` that the register does not have are dropped."""
    value = (address & bar.address_mask) | bar.kind.low_bits
    register = regs.bar_register(bar.n, is_bridge)
    config.put(register, 4, value & 0xFFFFFFFF)
    if bar.kind.is_64bit:
        config.put(register + 4, 4, value >> 32)


def check_dumped_bars(label: str, config: ConfigSpace, bars: Iterable[BarSpec], *, is_bridge: bool) -> None:
    """Raise `BadInput` where the type bits of a dumped register contradict the declared BAR."""
    for bar in bars:
        if bar.kind is regs.BarKind.ROM:
            continue
        found = config.read(regs.bar_register(bar.n, is_bridge), 4)
        bits = found & (0x3 if bar.kind.is_io else 0xF)
        if bits != bar.kind.low_bits:
            raise BadInput(
                f"{label}: BAR {bar.n} is declared {bar.kind.value}, but the dumped register is {found:#010x} (type {bits:#x})"
            )


def lay_windows(config: ConfigSpace, *, io: bool, prefetchable: int | None) -> None:
    """Write the type bits of the windows of a new bridge; ranges start as zero, which decodes as one granule at 0."""
    config.put(regs.IO_BASE, 2, WINDOW_WIDE | WINDOW_WIDE << 8 if io else 0)
    wide = WINDOW_WIDE if prefetchable == 64 else 0
    config.put(regs.PREF_MEMORY_BASE, 4, wide | wide << 16)


def permit_bridge(config: ConfigSpace, *, io: bool, prefetchable: bool) -> None:
    """Make the registers of a bridge writable; how wide its windows are is told by the type bits that stand there."""
    config.permit(regs.PRIMARY_BUS, 4, mask=0xFFFFFFFF)
    config.permit(regs.SEC_STATUS, 2, w1c=STATUS_W1C)
    config.permit(regs.BRIDGE_CONTROL, 2, mask=BRIDGE_CONTROL_MASK)
    config.permit(regs.MEMORY_BASE, 4, mask=0xFFF0FFF0)
    if io:
        config.permit(regs.IO_BASE, 2, mask=0xF0F0)
        if config.read(regs.IO_BASE, 1) & WINDOW_TYPE_MASK == WINDOW_WIDE:
            config.permit(regs.IO_BASE_UPPER16, 4, mask=0xFFFFFFFF)
    if prefetchable:
        config.permit(regs.PREF_MEMORY_BASE, 4, mask=0xFFF0FFF0)
        if config.read(regs.PREF_MEMORY_BASE, 1) & WINDOW_TYPE_MASK == WINDOW_WIDE:
            config.permit(regs.PREF_BASE_UPPER32, 4, mask=0xFFFFFFFF)
            config.permit(regs.PREF_LIMIT_UPPER32, 4, mask=0xFFFFFFFF)


def put_window(config: ConfigSpace, kind: str, start: int, last: int) -> None:
    """Write base and limit of window `kind` ("io", "mem", "pref"); type bits stay, bits without a register are dropped."""
    if kind == "io":
        config.put(regs.IO_BASE, 1, config.read(regs.IO_BASE, 1) & 0xF | start >> 8 & 0xF0)
        config.put(regs.IO_LIMIT, 1, config.read(regs.IO_LIMIT, 1) & 0xF | last >> 8 & 0xF0)
        upper = config.writable(regs.IO_BASE_UPPER16, 4)
        config.put(regs.IO_BASE_UPPER16, 4, (start >> 16 & 0xFFFF | (last >> 16 & 0xFFFF) << 16) & upper)
        return
    base, limit = (regs.MEMORY_BASE, regs.MEMORY_LIMIT) if kind == "mem" else (regs.PREF_MEMORY_BASE, regs.PREF_MEMORY_LIMIT)
    config.put(base, 2, config.read(base, 2) & 0xF | start >> 16 & 0xFFF0)
    config.put(limit, 2, config.read(limit, 2) & 0xF | last >> 16 & 0xFFF0)
    if kind == "pref":
        upper = config.writable(regs.PREF_BASE_UPPER32, 4)
        config.put(regs.PREF_BASE_UPPER32, 4, start >> 32 & upper)
        config.put(regs.PREF_LIMIT_UPPER32, 4, last >> 32 & upper)


def firmware_command(bars: Iterable[BarSpec], firmware: Mapping[int, int], windows: Iterable[str] = ()) -> int:
    """Return the COMMAND that firmware leaves: decode is on for each space in which it left a value, even a zero."""
    kinds = ["io" if bar.kind.is_io else "mem" for bar in bars if bar.n in firmware or bar.start]
    kinds += windows
    return (regs.COMMAND_IO if "io" in kinds else 0) | (regs.COMMAND_MEMORY if {"mem", "pref"} & set(kinds) else 0)
