"""Which driver was bound to which function: ``0000:03:00.0 nvme``, or ``-``, a line each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from movsdk.address import Bdf
from movsdk.bench.importers.dump_lines import bad, read_lines
from movsdk.bench.place import show

_LINE: Final = re.compile(r"((?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7])\s+([\w.+-]{1,64})")
_ENDPOINT_DRIVERS: Final = {"nvme": "nvme"}
_BRIDGE_DRIVERS: Final = {"pcieport": "port"}


def read_drivers(path: Path) -> dict[Bdf, str]:
    """Return the Linux driver of each function, ``-`` where none was bound.

    Raises:
        BadInput: not such a file; names file and line.
    """
    found: dict[Bdf, str] = {}
    for number, line in read_lines(path):
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise bad(path, number, f"not `address driver`: {show(line)}")
        bdf = Bdf.parse(match[1])
        if bdf in found:
            raise bad(path, number, f"{bdf} a second time")
        found[bdf] = match[2]
    return found


def our_driver(linux: str, is_bridge: bool) -> str:
    """Return what plays the part of a Linux driver: one of ours, ``none`` for none, else ``fixed`` as it has no rescan hooks."""
    if linux == "-":
        return "none"
    return (_BRIDGE_DRIVERS if is_bridge else _ENDPOINT_DRIVERS).get(linux, "fixed")
