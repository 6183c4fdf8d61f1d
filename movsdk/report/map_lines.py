"""The address map and other tables as lines: columns where they fit, else two lines a row.

Twin: none. Takes values, counts characters; chooses no addresses and prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from movsdk.report.address_map import MapRow, State, rows, show
from movsdk.report.line import Line

_STYLES = {
    "moved": "yellow",
    "resized": "cyan",
    "new": "green",
    "placed": "green",
    "opened": "green",
    "lost": "red",
    "no place": "red",
    "removed": "dim",
    "closed": "dim",
}
_GAP = "  "


def address_map(before: State, after: State, titles: tuple[str, str], width: int | None = None) -> list[Line]:
    """Where every window and BAR was and is. `width` in characters, None = any."""
    found = list(rows(before, after))
    cells = [("  " * row.depth + row.device, row.kind, show(row.before), show(row.after), row.change) for row in found]
    styles = [_STYLES.get(row.change, "") for row in found]
    lines = columns([("", "", *titles, ""), *cells], ["bold", *styles])
    if not found:
        return [Line("nothing has an address")]
    if width is None or max((len(line.text) for line in lines), default=0) <= width:
        return lines
    head = Line(f"{titles[0]} -> {titles[1]}", "bold")
    return [head, *(line for row, style in zip(found, styles, strict=True) for line in _stacked(row, style))]


def _stacked(row: MapRow, style: str) -> list[Line]:
    indent = " " * row.depth
    places = show(row.before) if row.before == row.after else f"{show(row.before)} -> {show(row.after)}"
    return [Line(f"{indent}{row.device} {row.kind}", style), Line(f"{indent}  {places}  {row.change}".rstrip(), style)]


def one_map(state: State, title: str) -> list[Line]:
    """Where every window and BAR is."""
    found = [("  " * row.depth + row.device, row.kind, show(row.after), row.change) for row in rows(state, state)]
    if not found:
        return [Line("nothing has an address")]
    return columns([("", "", title, ""), *found], ["bold", *("red" if row[3] else "" for row in found)])


def columns(cells: Sequence[Sequence[str]], styles: Iterable[str], right: Iterable[int] = ()) -> list[Line]:
    """Cells in columns, without blanks at the end of a line; the columns `right` stand on the right."""
    numbers = frozenset(right)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for row, style in zip(cells, styles, strict=True):
        parts = [
            cell.rjust(width) if at in numbers else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(Line(_GAP.join(parts).rstrip(), style))
    return lines


def agreement(counts: Mapping[tuple[str, str], Sequence[int]]) -> list[Line]:
    """(kernel, rules) -> [agree, differ], as a table."""
    head = ("kernel", "rules", "vectors", "agree", "differ")
    body = [(kernel, rules, str(agree + differ), str(agree), str(differ)) for (kernel, rules), (agree, differ) in counts.items()]
    return columns([head, *body], ["bold", *("red" if row[4] != "0" else "" for row in body)], right=(2, 3, 4))
