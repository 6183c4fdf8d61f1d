"""A line of a report, before anybody knows how wide the paper is.

Twin: none. `text` and `map_lines` make lines, `terminal` prints them.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Line:
    """`text` in a `style` of rich; on a narrow terminal it goes on below, `indent` columns in."""

    text: str = ""
    style: str = ""
    indent: int = 4


def named(names: list[str], most: int = 12) -> str:
    """Names with commas; of many only the first `most`.

    >>> named(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def cut(lines: list[Line], most: int, what: str) -> list[Line]:
    """The first `most` lines and one that says how many are not shown."""
    return lines if len(lines) <= most else [*lines[:most], Line(f"  and {len(lines) - most} more {what}")]
