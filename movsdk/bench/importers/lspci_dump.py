"""Config bytes of every function, as ``lspci -xxxx`` prints them (``-xxx`` and ``-x`` too, with or without ``-D`` and ``-v``).

Keeps every byte; what they mean is said elsewhere.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from attrs import frozen

from movsdk import pci_regs as regs
from movsdk.address import Bdf
from movsdk.bench.config_bytes import SIZES
from movsdk.bench.config_facts import word
from movsdk.bench.importers.dump_lines import bad, read_lines
from movsdk.bench.place import show

_DEVICE: Final = re.compile(r"((?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7])(?:\s.*)?")
_ROW: Final = re.compile(r"([0-9a-fA-F]{2,3}):((?: [0-9a-fA-F]{2}){16})")
_LIKE_A_ROW: Final = re.compile(r"[0-9a-fA-F]{2,3}:(\s|$)")


@frozen
class LspciEntry:
    """One function: its config bytes, and the line its block starts on."""

    config: bytes
    line: int


def read_lspci(path: Path) -> dict[Bdf, LspciEntry]:
    """Return every function of the dump, in its order.

    Raises:
        BadInput: not such a dump, or cut off; names file and line.
    """
    found: dict[Bdf, LspciEntry] = {}
    device: tuple[Bdf, int] | None = None
    config = bytearray()
    number = 0
    for number, line in read_lines(path):
        row = _ROW.fullmatch(line)
        header = _DEVICE.fullmatch(line)
        if row is not None:
            if device is None:
                raise bad(path, number, "config bytes before any device line")
            if int(row[1], 16) != len(config):
                raise bad(path, number, f"row {row[1]} where row {len(config):02x} must follow; lines are missing")
            config += bytes.fromhex(row[2])
        elif header is not None:
            _finish(path, number, device, config, found)
            device, config = (Bdf.parse(header[1]), number), bytearray()
            if device[0] in found:
                raise bad(path, number, f"{device[0]} a second time")
        elif _LIKE_A_ROW.match(line):
            raise bad(path, number, f"a row of config bytes that is cut off: {show(line)}")
        elif line and not line[0].isspace():
            raise bad(path, number, f"neither a device nor a row of config bytes: {show(line)}; take the output of lspci -xxxx")
    _finish(path, number, device, config, found)
    if not found:
        raise bad(path, number, "no device; take the output of lspci -xxxx")
    return found


def _finish(path: Path, number: int, device: tuple[Bdf, int] | None, config: bytearray, found: dict[Bdf, LspciEntry]) -> None:
    """File the block that ended before line `number`."""
    if device is None:
        return
    bdf, line = device
    if not config:
        raise bad(path, line, f"{bdf} has no config bytes; take the output of lspci -xxxx, as root")
    if len(config) not in SIZES:
        raise bad(path, number, f"{bdf} ends after {len(config)} config bytes, not 64, 256 or 4096; the dump is cut off")
    if word(config, regs.VENDOR_ID) in (0, 0xFFFF):
        raise bad(path, line, f"{bdf} answers no config reads (vendor id {word(config, 0):#06x}); dump it while it is awake")
    found[bdf] = LspciEntry(bytes(config), line)
