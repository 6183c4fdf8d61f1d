"""What the lines of ``lspci -v`` and ``-vv`` say of one function: BARs, windows, bus numbers, capabilities, driver.

Twin: ls-ecaps aside, lspci.c of pciutils 2.2 to 3.13, whose wordings differ. Lines it does not know say nothing.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import evolve

from movsdk import pci_regs as regs
from movsdk.bench.importers.capability_text import (
    ENHANCED,
    capability_number,
    enhanced_bars,
    express_type,
    is_hotplug_slot,
)
from movsdk.bench.importers.class_names import CLASS_BY_NAME
from movsdk.bench.importers.dump_lines import At
from movsdk.bench.importers.lspci_dump import LspciEntry
from movsdk.bench.importers.registers import bar_addresses
from movsdk.bench.importers.said import Said, SaidBar, SaidCapability, SaidWindow
from movsdk.pci_regs import BarKind

_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50}
_REGION: Final = re.compile(
    r"(?:Region (?P<n>\d): )?(?P<old>\[virtual\] )?(?P<what>Memory|I/O ports) at (?P<at>[0-9a-fA-F]{1,16}|<\w+>)(?P<rest>.*)"
)
_ROM: Final = re.compile(r"(?P<old>\[virtual\] )?Expansion ROM at (?P<at>[0-9a-fA-F]{1,16}|<\w+>)(?P<rest>.*)")
_SIZE: Final = re.compile(r"\[size=(\d{1,12})([KMGTP]?)\]")
_WINDOW: Final = re.compile(
    r"(?P<what>I/O|Memory|Prefetchable memory) behind bridge: "
    r"(?P<span>None|(?P<first>[0-9a-fA-F]{1,16})-(?P<last>[0-9a-fA-F]{1,16}))(?P<rest>.*)"
)
_WINDOWS: Final = {"I/O": "io", "Memory": "mem", "Prefetchable memory": "pref"}
_BUSES: Final = re.compile(
    r"Bus: primary=([0-9a-f]{2}), secondary=([0-9a-f]{2}), subordinate=([0-9a-f]{2})(?:, sec-latency=\d+)?"
)
_CAPABILITY: Final = re.compile(r"Capabilities: \[([0-9a-f]{2,3})(?: v(\d+))?\] ?(.*)")
_IDS: Final = re.compile(r".*\[([0-9a-f]{4}):([0-9a-f]{4})\]")
_NUMERIC: Final = re.compile(r"(?:Class )?([0-9a-f]{4}): ([0-9a-f]{4}):([0-9a-f]{4})\b.*")
_CLASS: Final = re.compile(r"[^:\[]*\[([0-9a-f]{4})\]: .*")
_REVISION: Final = re.compile(r".*\(rev ([0-9a-f]{2})\)")
_PROG_IF: Final = re.compile(r".*\(prog-if ([0-9a-f]{2})\b")
_SUBSYSTEM: Final = re.compile(r"Subsystem: (?:.*\[)?([0-9a-f]{4}):([0-9a-f]{4})\]?")
_CONTROL: Final = (("I/O", regs.COMMAND_IO), ("Mem", regs.COMMAND_MEMORY), ("BusMaster", regs.COMMAND_MASTER))
_BRIDGE_CONTROL: Final = (("Parity", 1), ("SERR", 2), ("NoISA", 4), ("VGA", 8), ("VGA16", 16))
_IDE: Final = 0x0101
_IDE_PORTS: Final = frozenset(
    (0x1F0, 0x3F0, 0x3F4, 0x3F6, 0x170, 0x370, 0x374, 0x376)
)  # where a PC has them, whatever the registers
_DRIVER: Final = re.compile(r"Kernel driver in use: ([\w.+-]{1,64})")


def read_said(entry: LspciEntry) -> Said:
    """Return what the text of `entry` says.

    Raises:
        BadInput: one BAR or window twice with different addresses, as where two devices ran into one; names file and line.
    """
    said = Said(entry.at)
    _head(said, entry.head)
    capability: tuple[int, re.Match[str]] | None = None
    lines: list[str] = []
    for number, line in entry.body:
        at = At(entry.at.path, number)
        match = _CAPABILITY.fullmatch(line)
        if match is not None or _ends_capabilities(line):
            _file_capability(said, entry.at, capability, lines)
            capability, lines = ((number, match), []) if match is not None else (None, [])
        if match is not None:
            continue
        if capability is not None:
            lines.append(line)
        else:
            _line(said, line, at)
    _file_capability(said, entry.at, capability, lines)
    if said.class_code is not None and said.class_code >> 8 == _IDE:
        said.bars = {n: evolve(bar, is_virtual=bar.is_virtual or _is_legacy_ide(bar)) for n, bar in said.bars.items()}
    if said.is_counted and entry.config:
        _renumber(said, entry.config)
    return said


def _is_legacy_ide(bar: SaidBar) -> bool:
    """Ports of a controller in compatibility mode: the kernel shows them as BARs 0 to 3, but no register holds them."""
    return bar.kind.is_io and bar.n <= 3 and bar.start in _IDE_PORTS


def _renumber(said: Said, config: bytes) -> None:
    """Take the numbers from the registers that hold the addresses."""
    held = {(kind, address): n for n, kind, address in bar_addresses(config)}
    known = {n: bar for n, bar in said.bars.items() if n == regs.ROM_RESOURCE}
    for bar in said.bars.values():
        if bar.start is not None and (n := held.get((bar.kind, bar.start))) is not None:
            known[n] = evolve(bar, n=n)
    said.bars, said.is_counted = known, False


def _ends_capabilities(line: str) -> bool:
    return line.startswith(("Kernel driver", "Kernel modules", "Capabilities: <"))


def _head(said: Said, head: str) -> None:
    numeric = _NUMERIC.fullmatch(head)
    ids = _IDS.match(head)
    named = _CLASS.fullmatch(head)
    if numeric is not None:
        base, said.vendor, said.device = (int(text, 16) for text in numeric.groups())
        said.class_code = base << 8
    elif named is not None:
        said.class_code = int(named[1], 16) << 8
    elif ":" in head and (code := CLASS_BY_NAME.get(head.split(":", 1)[0].removeprefix("Class ").strip())) is not None:
        said.class_code = code << 8
    if ids is not None and numeric is None:
        said.vendor, said.device = int(ids[1], 16), int(ids[2], 16)
    if (revision := _REVISION.match(head)) is not None:
        said.revision = int(revision[1], 16)
    prog_if = _PROG_IF.match(head)
    if said.class_code is not None and prog_if is not None:
        said.class_code |= int(prog_if[1], 16)
    said.is_bridge = said.class_code is not None and said.class_code >> 8 == regs.CLASS_BRIDGE_PCI
    said.is_cardbus = said.class_code is not None and said.class_code >> 8 == 0x0607
    said.is_asleep = said.revision == 0xFF and prog_if is not None and prog_if[1] == "ff"


def _line(said: Said, line: str, at: At) -> None:
    if (match := _REGION.fullmatch(line)) is not None:
        _add_bar(said, _region(said, match, at), at)
    elif (match := _ROM.fullmatch(line)) is not None:
        address, size, is_virtual, is_enhanced = _where(match)
        _add_bar(said, SaidBar(regs.ROM_RESOURCE, BarKind.ROM, address, size, at, is_virtual, is_enhanced), at)
    elif (match := _WINDOW.fullmatch(line)) is not None:
        _add_window(said, match, at)
    elif (match := _BUSES.fullmatch(line)) is not None:
        said.buses = (int(match[1], 16), int(match[2], 16), int(match[3], 16))
        said.is_bridge = not said.is_cardbus
    elif (match := _SUBSYSTEM.fullmatch(line)) is not None:
        said.subsystem = (int(match[1], 16), int(match[2], 16))
    elif line.startswith("Control: I/O"):
        said.command = sum(bit for name, bit in _CONTROL if f"{name}+" in line)
    elif line.startswith("Flags: "):
        said.command = regs.COMMAND_MASTER if "bus master" in line else 0  # decode bits: see the regions' [disabled]
    elif line.startswith("BridgeCtl: "):
        said.control = sum(bit for name, bit in _BRIDGE_CONTROL if f" {name}+" in line)
    elif line.startswith("Interrupt: pin "):
        said.pin = "ABCD".find(line[15:16]) + 1 or None
    elif (match := _DRIVER.match(line)) is not None:
        said.driver = match[1]
    elif line.startswith("Capabilities: <access denied>"):
        said.hides_capabilities = True
    elif line.startswith("!!! Unknown header type 7f"):
        said.is_asleep = True


def _where(match: re.Match[str]) -> tuple[int | None, int | None, bool, bool]:
    """Address, size, whether only the kernel knows of it, whether Enhanced Allocation holds it."""
    rest = match["rest"]
    size = _SIZE.search(rest)
    address = None if match["at"].startswith("<") else int(match["at"], 16)
    bytes_ = int(size[1]) * _UNITS[size[2]] if size is not None else None
    return address, bytes_, bool(match["old"]) or "[virtual]" in rest, "[enhanced]" in rest


def _region(said: Said, match: re.Match[str], at: At) -> SaidBar:
    address, size, is_virtual, is_enhanced = _where(match)
    kind = BarKind.IO
    if match["what"] == "Memory":
        is_wide, is_pref = "(64-bit" in match["rest"], "non-prefetchable" not in match["rest"] and "prefetchable" in match["rest"]
        kind = {
            (False, False): BarKind.MEM32,
            (False, True): BarKind.PREF32,
            (True, False): BarKind.MEM64,
            (True, True): BarKind.PREF64,
        }[is_wide, is_pref]
    said.is_counted = said.is_counted or match["n"] is None
    n = int(match["n"]) if match["n"] is not None else _next_free(said)
    if n > 5:
        raise at.bad(f"Region {n}: there are regions 0 to 5")
    if said.command is not None and "[disabled]" not in match["rest"] and address is not None:
        said.command |= regs.COMMAND_IO if kind.is_io else regs.COMMAND_MEMORY
    return SaidBar(n, kind, address, size, at, is_virtual, is_enhanced)


def _next_free(said: Said) -> int:
    """``-v`` prints no numbers; the first register that is not taken. Registers in between that hold no BAR are not shown."""
    taken = {number for bar in said.bars.values() for number in ((bar.n, bar.n + 1) if bar.kind.is_64bit else (bar.n,))}
    return min(set(range(8)) - taken)


def _add_bar(said: Said, bar: SaidBar, at: At) -> None:
    other = said.bars.setdefault(bar.n, bar)
    if other is not bar:
        raise at.bad(f"a second region {bar.n} in one device, after {other.at}; lines are doubled, or a device line is missing")


def _add_window(said: Said, match: re.Match[str], at: At) -> None:
    kind = _WINDOWS[match["what"]]
    if kind in said.windows:
        raise at.bad(f"a second {kind} window in one bridge, after {said.windows[kind].at}; a device line is missing")
    first = int(match["first"], 16) if match["first"] else None
    last = int(match["last"], 16) if match["last"] else None
    rest = match["rest"]
    width = 64 if len(match["first"] or "") > 8 else 16 if kind == "io" and len(match["first"] or "") == 4 else 32
    for bits in (16, 32, 64):
        width = bits if f"[{bits}-bit]" in rest else width
    if kind == "pref" and last is not None and last >> 32:
        width = 64
    said.windows[kind] = SaidWindow(kind, first, last, width, at)


def _file_capability(said: Said, at: At, started: tuple[int, re.Match[str]] | None, lines: list[str]) -> None:
    if started is None:
        return
    number, match = started
    offset = int(match[1], 16)
    version = int(match[2]) if match[2] else None
    here = At(at.path, number)
    if not 0x40 <= offset < 0x1000 or offset % 4:
        raise here.bad(f"a capability at {offset:#x}; they stand at 0x40 to 0xffc, in steps of four")
    name = match[3]
    found = SaidCapability(offset, capability_number(name, is_extended=offset >= 0x100), version, name, tuple(lines), here)
    said.capabilities.append(found)
    if found.number == ENHANCED and not found.is_extended:
        said.bars |= {bar.n: bar for bar in enhanced_bars(found)}
    if found.number == regs.CAP_ID_EXP and not found.is_extended:
        said.pcie = express_type(name)
        said.hotplug = is_hotplug_slot(found)
