"""Outcomes for people, on a terminal: topology, address map before and after, who was paused, what moved, what failed and why.

Takes values only. Knows neither kernel nor silicon.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from movsdk.report.address_map import MapRow, State, rows, show
from movsdk.rescan.report import RescanReport

_WIDTH = 120
_STYLES = {"moved": "yellow", "new": "green", "lost": "red", "resized": "cyan"}


def console() -> Console:
    """A console that does not highlight, and is wide enough for an address map where the output is no terminal."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=max(plain.width, _WIDTH))


def topology(state: State) -> Tree:
    """Buses and devices as a tree, with drivers."""
    tree = Tree("bus 00")
    nodes: dict[int, Tree] = {0: tree}
    for entry in state:
        bus = int(entry["bdf"][:2], 16)
        name = entry["bdf"] if entry["bdf"] == entry["id"] else f"{entry['bdf']} {entry['id']}"
        driver = entry["driver"] or "no driver"
        text = f"{name}  [dim]{driver}[/dim]"
        if "buses" in entry:
            text += f"  [dim]bus {entry['buses'][0]:02x}-{entry['buses'][1]:02x}[/dim]"
        if entry["bars_disabled"]:
            text += "  [red]BARs given up[/red]"
        node = nodes.get(bus, tree).add(text)
        if "buses" in entry:
            nodes[entry["buses"][0]] = node
    return tree


def address_table(before: State, after: State, *, titles: tuple[str, str] = ("before", "after")) -> Table:
    """Every window and BAR, where it was and where it is."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "", *titles, ""):
        table.add_column(title, no_wrap=True)
    for row in rows(before, after):
        table.add_row(*_cells(row), style=_STYLES.get(row.change))
    return table


def _cells(row: MapRow) -> tuple[str, ...]:
    return ("  " * row.depth + row.name, row.kind, show(row.before), show(row.after), row.change)


def event_lines(report: RescanReport, hooks: Sequence[Sequence[str]], findings: Iterable[object] = ()) -> list[str]:
    """What one event did, a line each."""
    lines = [f"rc {report.rc}"] if report.rc else []
    if report.boot_rescan:
        lines.append("a BAR had no place at boot: movable rescan before drivers bind")
    if report.found and report.op != "boot":
        lines.append(f"found: {', '.join(report.found)}")
    lines += [str(attempt) for attempt in report.attempts]
    if report.paused:
        lines.append(f"paused: {', '.join(report.paused)}")
    probes = [f"{who} {rest[0]}" for kind, who, *rest in hooks if kind == "probe"]
    if probes:
        lines.append(f"probed: {', '.join(probes)}")
    lines += [f"{'lost' if move.new is None else 'moved'}: {move}" for move in report.moves]
    lines += [f"no place: {place}" for place in report.unplaced]
    lines += [f"given up: {label} (with its BARs a device that worked would have lost its own)" for label in report.given_up]
    lines += [f"finding: {finding}" for finding in findings]
    return lines or ["nothing changed"]


def log_lines(report: RescanReport) -> list[str]:
    """The event's part of the kernel log, stamped with virtual time."""
    return [f"[{event.time / 1e9:12.6f}] {event.text}" for event in report.timeline if event.what.value == "log"]


def summary_line(name: str, rules: str, outcomes: Mapping[str, Any]) -> str:
    """One scenario of many in one line."""
    parts = ", ".join(f"{count} {what}" for what, count in outcomes.items() if count)
    return f"{name} [{rules}]: {parts or 'played'}"


def agreement(counts: Mapping[tuple[str, str], Sequence[int]]) -> Table:
    """(kernel, rules) -> [agree, differ], as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("kernel", "rules", "vectors", "agree", "differ"):
        table.add_column(title, justify="left" if title in ("kernel", "rules") else "right", no_wrap=True)
    for (kernel, rules), (agree, differ) in counts.items():
        table.add_row(kernel, rules, str(agree + differ), str(agree), str(differ))
    return table
