"""Config bytes as text: hex of a whole space, or rows of it.

Knows no register; `mockbus` gives the bytes their meaning.
"""

from __future__ import annotations

import re
from typing import Any, Final

from movsdk.bench.fields import to_number
from movsdk.bench.place import Place, show

SIZES: Final = (64, 256, 4096)
ROW: Final = 16
_HEX_BYTES: Final = re.compile(r"(?:\s*[0-9a-fA-F]{2})*\s*")


def read_config(value: object, place: Place) -> bytes:
    """Return the bytes that `value` (hex text, or an object of rows) stands for. Raises `BadInput` naming `place`."""
    if isinstance(value, dict):
        return _from_rows(value, place)
    data = _hex(value, place)
    if len(data) not in SIZES:
        raise place.bad(f"{len(data)} config bytes; a config space has 64, 256 or 4096")
    return data


def _hex(value: object, place: Place) -> bytes:
    if not isinstance(value, str) or _HEX_BYTES.fullmatch(value) is None:
        raise place.bad(f"{show(value)} is not hex bytes; write two digits a byte, in quotes")
    return bytes.fromhex(value)


def _from_rows(rows: dict[Any, Any], place: Place) -> bytes:
    size = to_number(rows.get("size", 256), place, "size", high=4096)
    if size not in SIZES:
        raise place.at("size").bad(f"{size} is not a config size; 64, 256 or 4096")
    data = bytearray(size)
    known = bytearray(size)
    for key, row in rows.items():
        if key == "size":
            continue
        at = place.at(str(key))
        offset = to_number(key, place, str(key), high=size - 1)
        piece = _hex(row, at)
        if offset + len(piece) > size:
            raise at.bad(f"{len(piece)} bytes from {offset:#x} run past the {size} of this config space")
        if any(known[offset : offset + len(piece)]):
            raise at.bad("overlaps another row; give each byte once")
        data[offset : offset + len(piece)] = piece
        known[offset : offset + len(piece)] = b"\x01" * len(piece)
    return bytes(data)


def config_rows(data: bytes) -> dict[str, str | int]:
    """Return the rows of `data` that are not all zero, as `read_config` reads them back.

    >>> config_rows(bytes([0x36, 0x1B]).ljust(64, bytes(1)))
    {'size': 64, '0x00': '36 1b 00 00 00 00 00 00 00 00 00 00 00 00 00 00'}
    """
    rows: dict[str, str | int] = {"size": len(data)}
    for offset in range(0, len(data), ROW):
        row = data[offset : offset + ROW]
        if any(row):
            rows[f"{offset:#04x}"] = row.hex(" ")
    return rows
