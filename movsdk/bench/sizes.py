"""Numbers as people write them: ``4096``, ``0xfe000000``, ``64M``.

Twin: ``memparse()`` in lib/cmdline.c. Does not know what a number is for; bounds are the reader's business.
"""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_DECIMAL: Final = re.compile(r"([0-9]{1,20})([KMGTkmgt]?)")
_ENDLESS: Final = re.compile(r"[0-9]+[KMGTkmgt]?|0[xX][0-9a-fA-F]+")
_HEX: Final = re.compile(r"0[xX][0-9a-fA-F]{1,16}")


def parse_number(value: object) -> int:
    """Return the number that `value` (an int, or text out of a scenario) stands for.

    Raises:
        ValueError: it stands for none; the message says how to write one.

    >>> parse_number("64M"), parse_number("0xfe000000"), parse_number(7)
    (67108864, 4261412864, 7)
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        text = value.strip()
        if _HEX.fullmatch(text):
            return int(text, 16)
        match = _DECIMAL.fullmatch(text)
        if match is not None:
            return int(match[1]) * _UNITS[match[2].upper()]
        if _ENDLESS.fullmatch(text):
            raise ValueError("is too large: no number here has more than 64 bits")
    raise ValueError("is not a number; write 4096, 64M (K, M, G or T) or 0xfe000000")


def format_size(size: int) -> str:
    """Return the shortest exact spelling of `size` (bytes) that `parse_number` reads back.

    >>> format_size(0x4000000), format_size(0x1800), format_size(256)
    ('64M', '6K', '256')
    """
    for unit in "TGMK":
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)
