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
    (Kind.IOPORTS, re.compile(r"[ \t]*[0-9a-f]{4}-[0-9a-f]{4} : ?.*")),
    (Kind.IOMEM, re.compile(r"[ \t]*[0-9a-f]{5,16}-[0-9a-f]{5,16} : ?.*")),
    (Kind.MACHINE_READABLE, re.compile(rf'{_BDF} ".*".*|(?:Slot|SVendor|SDevice|PhySlot):\t.*')),
    (Kind.DRIVERS, re.compile(rf"{_BDF}\s+[\w.+-]{{1,64}}")),
    (Kind.LSPCI, re.compile(rf"\s*{_BDF}(?: [^\"]+: ?.*)?")),
    (Kind.LSPCI, re.compile(rf"\s*{_HEX}{{2,3}}:(?: {_HEX}{{2}}){{1,16}}")),
    (Kind.LSPCI, re.compile(r"\s+(?:Region \d+: |Capabilities: |Kernel driver in use: |Subsystem: |Control: I/O|Flags: ).*")),
    (Kind.TREE, re.compile(r"[-+\\| ]*-\[[0-9a-f:-]+\]-.*")),
    (
        Kind.DMESG,
        re.compile(r"(?:.*\s)?(?:pci(?:_bus|eport|ehp)? [0-9a-f]{4,8}:[0-9a-f]{2}\b|BIOS-e820: |PCI host bridge to bus ).*"),
    ),
    (Kind.DMESG, re.compile(r"(?:.*kernel: )?(?:<\d+>)?\[ *\d+\.\d{6}\].*")),
)


_MIXABLE: Final = {Kind.LSPCI: 3, Kind.DMESG: 2, Kind.IOMEM: 3, Kind.IOPORTS: 3}  # and how many lines make a part


def parts_of(text: Text) -> list[tuple[Kind | None, Text]]:
    """Return the outputs that somebody pasted into one file, each with its own lines at their numbers; mostly it is one."""
    kinds = [_kind_of(line) for line in text.lines]
    votes = _votes(kinds)
    main = _most(votes)
    others = [kind for kind, few in _MIXABLE.items() if kind is not main and votes.get(kind, 0) >= few]
    if main not in _MIXABLE or not others:
        return [(main, text)]
    found: list[tuple[Kind | None, Text]] = []
    for part in (main, *others):
        mine = (part, None) if part in (Kind.LSPCI, Kind.DMESG) else (part,)  # their other lines look like nothing else
        lines = tuple(line if kind in mine else "" for line, kind in zip(text.lines, kinds, strict=True))
        found.append((part, Text(text.path, lines, text.has_end or not lines[-1])))
    return found


def _kind_of(line: str) -> Kind | None:
    return next((kind for kind, sign in _SIGNS if sign.fullmatch(line)), None)


def _votes(kinds: list[Kind | None]) -> dict[Kind, int]:
    votes: dict[Kind, int] = {}
    for kind in kinds:
        if kind is not None:
            votes[kind] = votes.get(kind, 0) + 1
    if Kind.RESOURCE in votes:  # its device lines alone look like lspci's
        votes.pop(Kind.LSPCI, None)
    return votes


def _most(votes: dict[Kind, int]) -> Kind | None:
    return max(votes, key=lambda kind: votes[kind]) if votes else None
