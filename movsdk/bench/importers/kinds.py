"""What sort of dump a file is, told by its lines and not by its name.

Reads nothing out of them; a file is of the kind that most of its lines are.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from movsdk.bench.importers.dump_lines import Text


class Kind(Enum):
    """A sort of file; the value is what people call it."""

    LSPCI = "lspci"
    RESOURCE = "sysfs resource files"
    IOMEM = "/proc/iomem"
    IOPORTS = "/proc/ioports"
    DRIVERS = "a list of drivers"
    DMESG = "a kernel log"
    MACHINE_READABLE = "lspci -m"
    TREE = "lspci -t"


_BDF: Final = r"(?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7]"
_HEX: Final = r"[0-9a-fA-F]"
_SIGNS: Final = (
    (Kind.RESOURCE, re.compile(rf"0x{_HEX}{{1,16}} 0x{_HEX}{{1,16}} 0x{_HEX}{{1,16}}")),
    (Kind.IOPORTS, re.compile(r" *[0-9a-f]{4}-[0-9a-f]{4} : ?.*")),
    (Kind.IOMEM, re.compile(r" *[0-9a-f]{5,16}-[0-9a-f]{5,16} : ?.*")),
    (Kind.MACHINE_READABLE, re.compile(rf'{_BDF} ".*".*|(?:Slot|SVendor|SDevice|PhySlot):\t.*')),
    (Kind.DRIVERS, re.compile(rf"{_BDF}\s+[\w.+-]{{1,64}}")),
    (Kind.LSPCI, re.compile(rf"{_BDF}(?: [^\"]+: ?.*)?")),
    (Kind.LSPCI, re.compile(rf"{_HEX}{{2,3}}:(?: {_HEX}{{2}}){{1,16}}")),
    (Kind.LSPCI, re.compile(r"\s+(?:Region \d+: |Capabilities: |Kernel driver in use: |Subsystem: |Control: I/O|Flags: ).*")),
    (Kind.TREE, re.compile(r"[-+\\| ]*-\[[0-9a-f:-]+\]-.*")),
    (
        Kind.DMESG,
        re.compile(r"(?:.*\s)?(?:pci(?:_bus|eport|ehp)? [0-9a-f]{4,8}:[0-9a-f]{2}\b|BIOS-e820: |PCI host bridge to bus ).*"),
    ),
    (Kind.DMESG, re.compile(r"(?:.*kernel: )?(?:<\d+>)?\[ *\d+\.\d{6}\].*")),
)


def recognise(text: Text) -> Kind | None:
    """Return what most of the lines are, None if hardly any is a line of a dump."""
    votes: dict[Kind, int] = {}
    for line in text.lines:
        for kind, sign in _SIGNS:
            if sign.fullmatch(line):
                votes[kind] = votes.get(kind, 0) + 1
                break
    if Kind.RESOURCE in votes:  # its device lines alone look like lspci's
        votes.pop(Kind.LSPCI, None)
    return max(votes, key=lambda kind: votes[kind]) if votes else None
