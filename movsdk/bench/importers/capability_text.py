"""Capabilities in lspci's words: their numbers, and their registers as far as the words tell them.

Sources: PCI Code and ID Assignment Specification (numbers); PCI 3.0 §6.8, PCI PM 1.2 §3.2, PCIe Base 3.1 §7.8 and §7.22,
SR-IOV 1.1 §3.3 (registers). What lspci does not print stays zero.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from movsdk import pci_regs as regs
from movsdk.bench.importers.said import SaidBar, SaidCapability
from movsdk.pci_regs import BarKind, PcieType

ENHANCED: Final = 0x14
SRIOV: Final = 0x10
REBAR: Final = 0x15
SRIOV_BAR: Final = 0x24
_NAMES: Final = {
    "Power Management": 0x01,
    "AGP version": 0x02,
    "Vital Product Data": 0x03,
    "Slot ID": 0x04,
    "MSI:": 0x05,
    "Message Signalled Interrupts": 0x05,
    "CompactPCI hot-swap": 0x06,
    "PCI-X": 0x07,
    "HyperTransport": 0x08,
    "Vendor Specific Information": 0x09,
    "Debug port": 0x0A,
    "CompactPCI central resource": 0x0B,
    "Hot-plug capable": 0x0C,
    "Subsystem:": 0x0D,
    "AGP3": 0x0E,
    "Secure device": 0x0F,
    "Express": 0x10,
    "MSI-X:": 0x11,
    "SATA HBA": 0x12,
    "PCI Advanced Features": 0x13,
    "Enhanced Allocation": 0x14,
}
_EXTENDED_NAMES: Final = {
    "Advanced Error Reporting": 0x01,
    "Virtual Channel": 0x02,
    "Device Serial Number": 0x03,
    "Power Budgeting": 0x04,
    "Root Complex Link": 0x05,
    "Root Complex Internal Link": 0x06,
    "Root Complex Event Collector": 0x07,
    "Vendor Specific Information": 0x0B,
    "Access Control Services": 0x0D,
    "Alternative Routing-ID": 0x0E,
    "Address Translation Service": 0x0F,
    "Single Root I/O Virtualization": SRIOV,
    "Multicast": 0x12,
    "Page Request Interface": 0x13,
    "Physical Resizable BAR": REBAR,
    "Resizable BAR": REBAR,
    "Dynamic Power Allocation": 0x16,
    "Transaction Processing Hints": 0x17,
    "Latency Tolerance Reporting": 0x18,
    "Secondary PCI Express": 0x19,
    "Process Address Space ID": 0x1B,
    "Downstream Port Containment": 0x1D,
    "L1 PM Substates": 0x1E,
    "Precision Time Measurement": 0x1F,
    "Designated Vendor-Specific": 0x23,
    "Virtual Resizable BAR": 0x24,
    "Data Link Feature": 0x25,
    "Physical Layer 16.0 GT/s": 0x26,
    "Lane Margining": 0x27,
}
_TYPES: Final = (
    ("Root Complex Integrated Endpoint", PcieType.RC_ENDPOINT),
    ("Legacy Endpoint", PcieType.LEGACY_ENDPOINT),
    ("Endpoint", PcieType.ENDPOINT),
    ("Root Port", PcieType.ROOT_PORT),
    ("Upstream Port", PcieType.UPSTREAM),
    ("Downstream Port", PcieType.DOWNSTREAM),
    ("PCI-Express to PCI/PCI-X Bridge", PcieType.PCI_BRIDGE),
    ("PCI/PCI-X to PCI-Express Bridge", PcieType.PCIE_BRIDGE),
)
_UNIT: Final = {"MB": 20, "GB": 30, "TB": 40}
_REBAR_LINE: Final = re.compile(r"BAR (\d): current size: (\w+)(?:, supported: ([\w ]*))?")
_ENTRY: Final = re.compile(r"Entry \d+: (Enable[+-])")
_VF_REGION: Final = re.compile(r"Region (\d): Memory at ([0-9a-f]{8,16}) \((32|64)-bit, (non-)?prefetchable\)(?: \[size=\w+\])?")


def capability_number(name: str, *, is_extended: bool) -> int | None:
    """The number of a capability, None if its name is not known; ``#19`` is a number itself."""
    if (number := re.match(r"#([0-9a-f]{2,4})\b", name)) is not None:
        return int(number[1], 16)
    names = _EXTENDED_NAMES if is_extended else _NAMES
    return next((number for start, number in names.items() if name.startswith(start)), None)


def express_type(name: str) -> PcieType | None:
    """Device/Port Type out of ``Express (v2) Root Port (Slot+), MSI 00``."""
    return next((kind for words, kind in _TYPES if words in name), None)


def is_hotplug_slot(capability: SaidCapability) -> bool:
    """``HotPlug+`` among the slot capabilities."""
    return any(line.startswith("SltCap:") and "HotPlug+" in line for line in capability.lines)


def resizable(capability: SaidCapability) -> dict[int, tuple[int, tuple[int, ...]]]:
    """BAR number to current size and supported sizes, in bytes, out of a Resizable BAR capability."""
    found = {}
    for line in capability.lines:
        match = _REBAR_LINE.match(line)
        if match is None or int(match[1]) > 5 or (size := _size(match[2])) is None:
            continue
        found[int(match[1])] = (size, tuple(each for each in map(_size, (match[3] or "").split()) if each))
    return found


def _size(text: str) -> int | None:
    match = re.fullmatch(r"(\d{1,4})(MB|GB|TB)", text)
    return int(match[1]) << _UNIT[match[2]] if match is not None else None


def vf_regions(capability: SaidCapability) -> dict[int, SaidBar]:
    """BARs of the virtual functions, whose sizes lspci does not print."""
    found = {}
    for line in capability.lines:
        if (match := _VF_REGION.match(line)) is not None and int(match[1]) < 6:
            wide, pref = match[3] == "64", match[4] is None
            kind = (BarKind.PREF64 if pref else BarKind.MEM64) if wide else BarKind.PREF32 if pref else BarKind.MEM32
            found[int(match[1])] = SaidBar(int(match[1]), kind, int(match[2], 16), None, capability.at)
    return found


def enhanced_bars(capability: SaidCapability) -> list[SaidBar]:
    """BARs that entries of Enhanced Allocation hold: no register does, and nobody moves them."""
    found: list[SaidBar] = []
    entries: list[list[str]] = []
    for line in capability.lines:
        if _ENTRY.match(line):
            entries.append([])
        if entries:
            entries[-1].append(line)
    for lines in entries:
        entry = SaidCapability(capability.offset, ENHANCED, None, "", tuple(lines), capability.at)
        start, most = _number(entry, r"^Base: ([0-9a-f]{1,16})", 16), _number(entry, r"^MaxOffset: ([0-9a-f]{1,16})", 16)
        number = re.search(r"Indicator: BAR (\d)", " ".join(lines))
        if number is None or int(number[1]) > 5 or "Enable+" not in lines[0] or not start or "I/O space" in " ".join(lines):
            continue
        pref = _has(entry, "prefetchable") and not _has(entry, "non-prefetchable")
        wide = start + most >> 32 > 0
        kind = (BarKind.PREF64 if pref else BarKind.MEM64) if wide else BarKind.PREF32 if pref else BarKind.MEM32
        found.append(SaidBar(int(number[1]), kind, start, most + 1, capability.at, is_pinned=True))
    return found


# --- registers -------------------------------------------------------------------------------------
def lay(data: bytearray, capability: SaidCapability) -> None:
    """Write what the words tell into the registers behind the capability's head."""
    writer = (_EXTENDED_WRITERS if capability.is_extended else _WRITERS).get(capability.number or 0)
    if writer is not None:
        writer(data, capability.offset, capability)


def _put(data: bytearray, offset: int, size: int, value: int) -> None:
    if offset + size <= len(data):
        data[offset : offset + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")


def _number(capability: SaidCapability, pattern: str, base: int = 10) -> int:
    for line in (capability.name, *capability.lines):
        if (match := re.search(pattern, line)) is not None:
            return int(match[1], base)
    return 0


def _has(capability: SaidCapability, words: str) -> bool:
    return any(words in line for line in (capability.name, *capability.lines))


def _lay_pm(data: bytearray, at: int, capability: SaidCapability) -> None:
    _put(data, at + regs.PM_PMC, 2, _number(capability, r"version (\d)"))
    state = _number(capability, r"^Status: D([0-3])")
    _put(data, at + regs.PM_CTRL, 2, state | (regs.PM_CTRL_NO_SOFT_RESET if _has(capability, "NoSoftRst+") else 0))


def _lay_msi(data: bytearray, at: int, capability: SaidCapability) -> None:
    flags = regs.MSI_FLAGS_ENABLE if _has(capability, "Enable+") else 0
    flags |= regs.MSI_FLAGS_64BIT if _has(capability, "64bit+") else 0
    flags |= 0x100 if _has(capability, "Maskable+") else 0
    most = _number(capability, r"Count=\d{1,2}/(\d{1,2})")
    _put(data, at + regs.MSI_FLAGS, 2, flags | max(most.bit_length() - 1, 0) << 1)


def _lay_msix(data: bytearray, at: int, capability: SaidCapability) -> None:
    count = _number(capability, r"Count=(\d{1,4})") or _number(capability, r"TabSize=(\d{1,4})")
    flags = regs.MSIX_FLAGS_ENABLE if _has(capability, "Enable+") else 0
    _put(data, at + regs.MSIX_FLAGS, 2, flags | max(count - 1, 0) & regs.MSIX_FLAGS_QSIZE)
    for register, words in ((regs.MSIX_TABLE, "Vector table"), (regs.MSIX_PBA, "PBA")):
        offset = _number(capability, rf"{words}: BAR=\d offset=([0-9a-f]{{8}})", 16)
        _put(data, at + register, 4, offset & ~regs.MSIX_BIR | _number(capability, rf"{words}: BAR=(\d)") & regs.MSIX_BIR)


def _lay_express(data: bytearray, at: int, capability: SaidCapability) -> None:
    kind = express_type(capability.name) or PcieType.ENDPOINT
    has_slot = "(Slot+)" in capability.name
    version = _number(capability, r"\(v(\d)\)") or 1
    _put(data, at + regs.EXP_FLAGS, 2, version | kind << 4 | (regs.EXP_FLAGS_SLOT if has_slot else 0))
    link = next((line for line in capability.lines if line.startswith("LnkCap:")), "")
    reports = regs.EXP_LNKCAP_DLLLARC if _has(capability, "LLActRep+") else 0
    _put(data, at + regs.EXP_LNKCAP, 4, _number(capability, r"Width x(\d{1,2})") << 4 | reports if link else 0)
    _put(data, at + regs.EXP_LNKSTA, 2, regs.EXP_LNKSTA_DLLLA if _has(capability, "DLActive+") else 0)
    _put(data, at + regs.EXP_SLTCAP, 4, _slot_capabilities(capability))
    is_there = any("PresDet+" in line for line in capability.lines if line.startswith("SltSta:"))
    _put(data, at + regs.EXP_SLTSTA, 2, regs.EXP_SLTSTA_PDS if is_there else 0)


def _slot_capabilities(capability: SaidCapability) -> int:
    bits = (
        ("AttnBtn+", regs.EXP_SLTCAP_ABP),
        ("PwrCtrl+", regs.EXP_SLTCAP_PCP),
        ("AttnInd+", regs.EXP_SLTCAP_AIP),
        ("PwrInd+", regs.EXP_SLTCAP_PIP),
        ("Surprise+", regs.EXP_SLTCAP_HPS),
        ("HotPlug+", regs.EXP_SLTCAP_HPC),
    )
    line = next((line for line in capability.lines if line.startswith("SltCap:")), "")
    slot = _number(capability, r"Slot #(\d{1,4})") & 0x1FFF
    no_completion = regs.EXP_SLTCAP_NCCS if _has(capability, "NoCompl+") else 0
    return sum(bit for word, bit in bits if word in line) | no_completion | slot << regs.EXP_SLTCAP_PSN_SHIFT


def _lay_sriov(data: bytearray, at: int, capability: SaidCapability) -> None:
    for register, words in (
        (0x0C, "Initial VFs"),
        (0x0E, "Total VFs"),
        (0x10, "Number of VFs"),
        (0x14, "VF offset"),
        (0x16, "stride"),
    ):
        _put(data, at + register, 2, _number(capability, rf"{words}: (\d{{1,5}})"))
    _put(data, at + 0x1A, 2, _number(capability, r"Device ID: ([0-9a-f]{4})", 16))
    _put(data, at + 0x1C, 4, _number(capability, r"Supported Page Size: ([0-9a-f]{8})", 16))
    _put(data, at + 0x20, 4, _number(capability, r"System Page Size: ([0-9a-f]{8})", 16))
    for n, bar in vf_regions(capability).items():
        _put(data, at + SRIOV_BAR + 4 * n, 8 if bar.kind.is_64bit else 4, (bar.start or 0) & ~0xF | bar.kind.low_bits)


def _lay_rebar(data: bytearray, at: int, capability: SaidCapability) -> None:
    bars = resizable(capability)
    for index, (n, (size, supported)) in enumerate(sorted(bars.items())):
        _put(data, at + 4 + 8 * index, 4, sum(1 << max(each.bit_length() - 17, 4) for each in set(supported)))
        _put(data, at + 8 + 8 * index, 4, n | len(bars) << 5 | max(size.bit_length() - 21, 0) << 8)


_Writer = Callable[[bytearray, int, SaidCapability], None]
_WRITERS: Final[dict[int, _Writer]] = {
    regs.CAP_ID_PM: _lay_pm,
    regs.CAP_ID_MSI: _lay_msi,
    regs.CAP_ID_MSIX: _lay_msix,
    regs.CAP_ID_EXP: _lay_express,
}
_EXTENDED_WRITERS: Final[dict[int, _Writer]] = {SRIOV: _lay_sriov, REBAR: _lay_rebar}
