"""What ``lspci`` printed, function by function: head line, config bytes of ``-x`` to ``-xxxx``, the other lines as they are.

Keeps every byte and line; what they mean is said in `lspci_text` and `capability_text`.
"""

from __future__ import annotations

import re
from typing import Final

from attrs import define, field, frozen

from movsdk import pci_regs as regs
from movsdk.address import Bdf
from movsdk.bench.config_bytes import SIZES
from movsdk.bench.config_facts import word
from movsdk.bench.importers.dump_lines import At, Text
from movsdk.bench.importers.mangled import rejoined
from movsdk.bench.place import show

_DEVICE: Final = re.compile(r"((?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7])(?:\s+(.*))?")
_ROW: Final = re.compile(r"([0-9a-fA-F]{2,3}):((?: [0-9a-fA-F]{2}){16})")
_LIKE_A_ROW: Final = re.compile(r"[0-9a-fA-F]{2,3}:(\s|$)")
_OUTDENTED: Final = re.compile(  # where indentation was lost: what lines of lspci begin with
    r"(?:Subsystem|DeviceName|Control|Status|Secondary status|Flags|Latency|Interrupt|NUMA node|IOMMU group|Physical Slot|Bus|"
    r"BridgeCtl|(?:I/O|Memory|Prefetchable memory) behind bridge|Region \d|Capabilities|Entry \d+|Base|MaxOffset|BAR \d|"
    r"(?:Dev|Lnk|Slt|Root|IOV|ARI|ACS|ATS|PRI|UE|CE)\w{2,4}|Initial VFs|VF offset|Supported Page Size|Vector table|PBA|Address):|"
    r"(?:\[virtual\] )?(?:Memory|I/O ports|Expansion ROM) at |Kernel (?:driver|modules)"
)
_REMARK: Final = re.compile(r"(?:pcilib|lspci|WARNING|!!!).*")


@frozen
class LspciEntry:
    """One function: its config bytes (none without -x), the line its block starts on, what else stands there."""

    config: bytes
    at: At
    head: str = ""
    body: tuple[tuple[int, str], ...] = ()

    @property
    def is_awake(self) -> bool:
        """False if it answered all-ones, as a device that is powered off, or a virtual function's ids."""
        return not self.config or word(self.config, regs.VENDOR_ID) not in (0, 0xFFFF)


@define
class _Block:
    bdf: Bdf
    line: int
    head: str
    config: bytearray = field(factory=bytearray)
    body: list[tuple[int, str]] = field(factory=list)


def read_lspci(text: Text, notes: list[str]) -> dict[Bdf, LspciEntry]:
    """Return every function of the dump, in its order. `notes` gets what was passed over.

    Raises:
        BadInput: not such a dump, or cut off; names file and line.
    """
    found: dict[Bdf, LspciEntry] = {}
    block: _Block | None = None
    strange: list[int] = []
    number = 0
    for number, line in enumerate(rejoined(list(text.lines), _goes_on), start=1):
        row = _ROW.fullmatch(line.lstrip())
        head = _DEVICE.fullmatch(line.lstrip())
        if row is not None:
            if block is None:
                raise text.bad(number, "config bytes before any device line")
            if int(row[1], 16) != len(block.config):
                problem = f"row {row[1]} where row {len(block.config):02x} must follow"
                raise text.bad(number, f"{problem}; lines are missing, or doubled")
            block.config += bytes.fromhex(row[2])
        elif head is not None:
            _finish(text, number, block, found)
            block = _Block(Bdf.parse(head[1]), number, head[2] or "")
            if block.bdf in found:
                problem = f"{block.bdf} a second time, after line {found[block.bdf].at.line}"
                raise text.bad(number, f"{problem}; give one moment at a time (--then for a later one)")
        elif _LIKE_A_ROW.match(line):
            raise text.bad(number, f"a row of config bytes that is cut off: {show(line)}")
        elif line and block is not None and (line[0].isspace() or _OUTDENTED.match(line)):
            block.body.append((number, line.strip()))
        elif line and not line[0].isspace() and not _REMARK.match(line):
            strange.append(number)
    _finish(text, number, block, found)
    if not found:
        where = strange[0] if strange else number
        what = show(text.lines[where - 1])
        raise text.bad(where, f"neither a device nor a row of config bytes: {what}; take the output of lspci")
    if strange:
        first = show(text.lines[strange[0] - 1])
        notes.append(f"{text.path}:{strange[0]}: passed over: {len(strange)} lines that lspci does not print, the first {first}")
    return found


def _goes_on(begun: str, line: str) -> bool:
    """Whether `line` is the rest of a device line, or of one below it: lspci starts no line of its own so."""
    if line[0].isspace() or _ROW.fullmatch(begun.lstrip()) or _LIKE_A_ROW.match(line):
        return False
    return not any(sign.match(line) for sign in (_DEVICE, _OUTDENTED, _REMARK))


def _finish(text: Text, number: int, block: _Block | None, found: dict[Bdf, LspciEntry]) -> None:
    """File the block that ended before line `number`."""
    if block is None:
        return
    if block.config and len(block.config) not in SIZES:
        problem = f"{block.bdf} ends after {len(block.config)} config bytes, not 64, 256 or 4096"
        raise text.bad(number, f"{problem}; the dump is cut off")
    found[block.bdf] = LspciEntry(bytes(block.config), text.at(block.line), block.head, tuple(block.body))
