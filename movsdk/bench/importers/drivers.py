"""Which driver was bound to which function: ``0000:03:00.0 nvme``, or ``-``, a line each."""

from __future__ import annotations

import re
from typing import Final

from movsdk.address import Bdf
from movsdk.bench import reference
from movsdk.bench.importers.dump_lines import At, Text
from movsdk.bench.place import show
from movsdk.bench.scenario import RECORDED_DRIVERS

_LINE: Final = re.compile(r"((?:[0-9a-fA-F]{4,8}:)?[0-9a-fA-F]{2}:[01][0-9a-fA-F]\.[0-7])\s+([\w.+-]{1,64})")
_ENDPOINT_DRIVERS: Final = {"nvme": "nvme"}
_OURS: Final = frozenset((*RECORDED_DRIVERS, *reference.NAMES)) - {"none", "port"}
_OURS_ON_BRIDGES: Final = frozenset((*RECORDED_DRIVERS, "port")) - {"none"}
_BRIDGE_DRIVERS: Final = {"pcieport": "port"}


def read_drivers(text: Text) -> dict[Bdf, tuple[str, At]]:
    """Return the Linux driver of each function, ``-`` where none was bound, and where that stands.

    Raises:
        BadInput: not such a file; names file and line.
    """
    found: dict[Bdf, tuple[str, At]] = {}
    for number, line in text:
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise text.bad(number, f"not `address driver`: {show(line)}")
        bdf = Bdf.parse(match[1])
        if bdf in found:
            raise text.bad(number, f"{bdf} a second time")
        found[bdf] = match[2], text.at(number)
    return found


def our_driver(linux: str, is_bridge: bool) -> str:
    """Return what plays the part of a Linux driver: one of ours, ``none`` for none, else ``fixed`` as it has no rescan hooks."""
    if linux == "-":
        return "none"
    if linux in (_OURS_ON_BRIDGES if is_bridge else _OURS):
        return linux  # a dump of one of our own machines
    return (_BRIDGE_DRIVERS if is_bridge else _ENDPOINT_DRIVERS).get(linux, "fixed")
