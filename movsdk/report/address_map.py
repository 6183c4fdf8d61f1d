"""The address map as rows: every window and BAR with its place before and after.

Twin: /proc/iomem, twice. Takes states in the form of the golden vectors. Knows no terminal; `text` makes lines of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

Entry = Mapping[str, Any]
State = Sequence[Entry]
Place = tuple[int, int] | None
_VIDEO_BIOS = 0xC0000


@frozen
class MapRow:
    """One line: `depth` in the tree of bridges, device, what it is, where it was and is (first and last byte; None = no place).

    `change` is "" for the same place, else moved, resized, new, placed, lost, removed, opened, closed or no place.
    """

    depth: int
    device: str
    kind: str
    before: Place
    after: Place
    change: str


def rows(before: State, after: State) -> Iterator[MapRow]:
    """Every BAR, and every window that has a place in one of the two states, in the order of the tree."""
    old = {entry["id"]: entry for entry in before}
    new = {entry["id"]: entry for entry in after}
    entries = [*after, *(entry for entry in before if entry["id"] not in new)]
    for entry, depth in zip(entries, depths(entries), strict=True):
        identity = entry["id"]
        was, now = _resources(old.get(identity)), _resources(new.get(identity))
        for number in sorted({*was, *now}):
            source = now.get(number) or was[number]
            first, last = _place(was.get(number)), _place(now.get(number))
            is_window = source["kind"] == "window"
            if first is None and last is None and (is_window or _is_shadow(source)):
                continue  # most bridges have a window that nothing behind them needs; a shadow needs none
            change = _change(first, last, is_window, identity in old, identity in new)
            yield MapRow(depth, identity, _kind(source), first, last, change)


def _is_shadow(resource: Entry) -> bool:
    """The copy of a video BIOS in RAM that x86 shows in place of a ROM."""
    return bool(resource["kind"] == "rom" and resource["start"] == _VIDEO_BIOS)


def _change(first: Place, last: Place, is_window: bool, was_there: bool, is_there: bool) -> str:
    if not is_there:
        return "removed"
    if first is None and last is None:
        return "no place"
    if first is None:
        return "new" if not was_there else "opened" if is_window else "placed"
    if last is None:
        return "closed" if is_window else "lost"
    if first == last:
        return ""
    return "moved" if first[1] - first[0] == last[1] - last[0] else "resized"


def depths(entries: State) -> list[int]:
    """How many bridges lie above each function."""
    below: dict[int, int] = {}
    found = []
    for entry in entries:
        depth = below.get(int(entry["bdf"][:2], 16), 0)
        if "buses" in entry:
            below.setdefault(entry["buses"][0], depth + 1)
        found.append(depth)
    return found


def _resources(entry: Entry | None) -> dict[int, Entry]:
    return {} if entry is None else {resource["n"]: resource for resource in entry["resources"]}


def _place(resource: Entry | None) -> Place:
    return (resource["start"], resource["last"]) if resource is not None and resource["assigned"] else None


def _kind(resource: Entry) -> str:
    """The words of a scenario: ``BAR 0 mem32``, ``BAR 2 pref64``, ``ROM``, ``window io``."""
    if resource["kind"] == "rom":
        return "ROM"
    words = resource["type"].split("|")
    if resource["kind"] == "window":
        sort = resource.get("window", words[0])
        return f"window {sort}{'64' if '64' in words else ''}"
    sort = "io" if "io" in words else ("pref" if "pref" in words else "mem") + ("64" if "64" in words else "32")
    return f"BAR {resource['n']} {sort}"


def show(place: Place) -> str:
    """A place as /proc/iomem prints it."""
    return "-" if place is None else f"{place[0]:08x}-{place[1]:08x}"
