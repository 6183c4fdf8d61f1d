"""Two runs next to each other: a fact a row, wrapped inside its column.

Twin: ``diff --side-by-side``. Counts characters; prints nothing.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from movsdk.report.line import Line

_GAP: Final = "  "
_NAMES: Final = 26  # most characters of the first column


def side_by_side(rows: Sequence[tuple[str, str, str]], titles: tuple[str, str], width: int = 80) -> Iterator[Line]:
    """Rows of (what, left, right) under `titles`, in `width` characters. A row whose sides differ is yellow.

    >>> print(*(line.text for line in side_by_side([("BAR 0", "here", "no place")], ("with", "without"), 40)), sep="\\n")
           with             without
    BAR 0  here             no place
    """
    names = min(_NAMES, max((len(what) for what, _, _ in rows), default=1))
    column = (width - names - 2 * len(_GAP)) // 2
    widths = (names, column, column)
    yield from _row(("", *titles), widths, "bold")
    for row in rows:
        yield from _row(row, widths, "yellow" if row[1] != row[2] else "")


def _row(cells: Sequence[str], widths: Sequence[int], style: str) -> Iterator[Line]:
    wrapped = [textwrap.wrap(cell, width, break_on_hyphens=False) for cell, width in zip(cells, widths, strict=True)]
    for parts in zip_longest(*wrapped, fillvalue=""):
        yield Line(_GAP.join(part.ljust(width) for part, width in zip(parts, widths, strict=True)).rstrip(), style)
