"""Outcomes for people: topology, who was paused, what moved, what failed and why, the kernel's log.

Twin: dmesg and ``lspci -tv``. Values in, lines out. Knows neither kernel nor silicon, and no terminal.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from movsdk.errors import BadInput, NoSpace, PciError
from movsdk.report.address_map import Entry, State, depths
from movsdk.report.line import Line, cut, named
from movsdk.report.map_lines import columns
from movsdk.rescan.report import Attempt, RescanReport
from movsdk.trace import What

MOST_LINES: Final = 20  # moves, unplaced BARs, findings of one event; --json has them all
PROMISES: Final = {
    "E01": "two live decoders",
    "E02": "behind a window that does not pass it",
    "E03": "a working BAR lost",
    "E12": "newcomer given up",
}
_POWER: Final = {"suspend": "asleep", "resume": "awake", "sleep": "the machine sleeps", "wake": "the machine is awake"}
_GIVEN_UP: Final = "(E12: with its BARs a device that worked would have lost its own)"
_BRIDGE_WINDOWS: Final = 7  # resource numbers from here on are windows


def topology(state: State) -> list[Line]:
    """Buses and functions as a tree, with drivers."""
    cells = [("bus 00", "", "", "")]
    for entry, guide in zip(state, _guides(depths(state)), strict=True):
        name = entry["bdf"] if entry["bdf"] == entry["id"] else f"{entry['bdf']} {entry['id']}"
        buses = "bus {:02x}-{:02x}".format(*entry["buses"]) if "buses" in entry else ""
        note = "BARs given up" if entry["bars_disabled"] else "" if entry["added"] else "not added"
        cells.append((guide + name, entry["driver"] or "-", buses, note))
    return columns(cells, ["bold", *("red" if row[3] else "" for row in cells[1:])])


def _guides(levels: Sequence[int]) -> list[str]:
    """The lines to the left of each name; drawn from below, where it is known who has a younger sibling."""
    has_more: set[int] = set()
    found = []
    for level in reversed(levels):
        bars = "".join("│  " if above in has_more else "   " for above in range(level))
        found.append(bars + ("├─ " if level in has_more else "└─ "))
        has_more = {each for each in has_more if each < level} | {level}
    return found[::-1]


def event_lines(
    report: RescanReport,
    state: State,
    hooks: Sequence[Sequence[str]] = (),
    findings: Iterable[object] = (),
    *,
    io: Iterable[str] = (),
    faults: Iterable[str] = (),
    reported: Iterable[str] = (),
    broken: Iterable[str] = (),
) -> list[Line]:
    """What one event did: a line for each thing that happened, and for each that did not work why not."""
    found = [Line(f"  {line}") for line in _course(report, state, hooks)]
    found += [Line(f"  probe failed: {text}", "red") for text in _failed_probes(report)]
    moves = [Line(f"  {'lost' if m.new is None else 'moved'}: {m}", "red" if m.new is None else "yellow") for m in report.moves]
    found += cut(moves, MOST_LINES, "moves")
    found += cut([Line(f"  no place: {text}", "red") for text in _unplaced(report, state)], MOST_LINES, "without a place")
    found += [Line(f"  given up: {name} {_GIVEN_UP}", "red") for name in report.given_up]
    told = [Line(f"  finding: {finding}", "magenta") for finding in findings if not str(finding).startswith("E12 ")]
    found += cut(told, MOST_LINES, "findings")
    found += [Line(f"  {line}") for line in io]
    found += cut([Line(f"  fault: {line}", "yellow") for line in faults], MOST_LINES, "faults")
    found += [Line(f"  reported: {line}", "yellow") for line in reported]
    found += [Line(f"  contract broken: {line}", "red") for line in broken]
    return found or [Line("  nothing changed")]


def _course(report: RescanReport, state: State, hooks: Sequence[Sequence[str]]) -> list[str]:
    """How the event went, before its results."""
    reasons = (BadInput, NoSpace, PciError) if report.op in _POWER else (BadInput, NoSpace)
    notes = (event for event in report.timeline if event.what is What.NOTE and isinstance(event.detail, reasons))
    why = next((f": {event.text}" for event in notes), "")
    lines = [f"rc {report.rc} ({errno.errorcode.get(-report.rc, '?')}){why}"] if report.rc else []
    if not report.rc and report.op in _POWER:
        lines.append(_POWER[report.op])
    if report.boot_rescan:
        lines.append("a BAR had no place at boot: rescan with movable BARs before drivers bind")
    if report.removed:
        lines.append(f"removed: {named(list(report.removed))}")
    if report.found and report.op != "boot":
        lines.append(f"found: {named(list(report.found))}")
    if report.paused:
        lines.append(f"paused: {named(list(report.paused))}")
    if dark := [f"{label} {spent / 1e6:.3g} ms" for label, spent in report.blackouts if spent]:
        lines.append(f"blackout: {named(dark)}")
    lines += _bound(state, hooks)
    if len(report.attempts) > 1 or not all(attempt.is_accepted for attempt in report.attempts):
        lines += map(_attempt, report.attempts)
    return lines


def _attempt(attempt: Attempt) -> str:
    failed = (
        f"; no place for {named([str(one).removesuffix(': no space') for one in attempt.failed], 2)}" if attempt.failed else ""
    )
    return f"{attempt}{failed}"


def _bound(state: State, hooks: Sequence[Sequence[str]]) -> list[str]:
    """``bound: nvme to 03:00.0; port to 00:04.0, 01:00.0``."""
    drivers = {entry["id"]: entry["driver"] for entry in state}
    by_driver: dict[str, list[str]] = {}
    for kind, who, *rest in hooks:
        if kind == "probe" and rest == ["rc=0"]:
            by_driver.setdefault(drivers.get(who) or "a driver", []).append(who)
    return [f"bound: {'; '.join(f'{driver} to {named(who, 6)}' for driver, who in by_driver.items())}"] if by_driver else []


def _failed_probes(report: RescanReport) -> Iterable[str]:
    """Each device once, with the reason the driver gave."""
    texts = {
        event.who: event.text.removeprefix("probe by ")
        for event in report.timeline
        if event.what is What.HOOK and isinstance(event.detail, int) and event.detail < 0
    }
    return (text if who in text else f"{who}: {text}" for who, text in texts.items())


def _unplaced(report: RescanReport, state: State) -> Iterable[str]:
    by_id = {entry["id"]: entry for entry in state}
    above = {entry["buses"][0]: entry for entry in state if "buses" in entry}
    for place in report.unplaced:
        entry = by_id.get(place.device)
        bridge = above.get(int(entry["bdf"][:2], 16)) if entry is not None else None
        what = str(place).removesuffix(": no space")
        yield f"{what} ({size_text(place.size)}); {_windows(bridge)}"


def _windows(bridge: Entry | None) -> str:
    if bridge is None:
        return "the root windows have no such hole"
    windows = [
        f"{one.get('window', one['type'])} {size_text(one['last'] - one['start'] + 1)}"
        for one in bridge["resources"]
        if one["n"] >= _BRIDGE_WINDOWS and one["assigned"]
    ]
    return f"the windows of {bridge['id']} above it: {', '.join(windows) or 'none'}"


def size_text(size: int) -> str:
    """A size in bytes for people.

    >>> size_text(64 << 20), size_text(0x600), size_text(5)
    ('64 MiB', '1536 B', '5 B')
    """
    for shift, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >> shift and not size & ((1 << shift) - 1):
            return f"{size >> shift} {unit}"
    return f"{size} B"


def log_lines(report: RescanReport) -> list[Line]:
    """The event's part of the kernel log, stamped with virtual time."""
    return [Line(f"[{e.time / 1e9:12.6f}] {e.text}", "dim", indent=15) for e in report.timeline if e.what is What.LOG]


def summary_line(name: str, rules: str, outcomes: Mapping[str, Sequence[str]]) -> Line:
    """One scenario of many in one line: what there was, how often, and the first of each."""
    parts = [
        f"{count(len(found), what)}: {found[0]}{'; ...' if len(found) > 1 else ''}" for what, found in outcomes.items() if found
    ]
    return Line(f"{name} [{rules}]: {'; '.join(parts) or 'played'}")


def count(number: int, what: str) -> str:
    """A number and its noun.

    >>> count(1, "finding"), count(0, "finding")
    ('1 finding', '0 findings')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"


def promises(findings: Iterable[str]) -> str:
    """Findings counted by the promise they break: ``E03 a working BAR lost: 12``."""
    counts = Counter(finding.split(" ", 1)[0] for finding in findings)
    return ", ".join(f"{rule} {PROMISES.get(rule, '')}: {count}".replace(" :", ":") for rule, count in sorted(counts.items()))
