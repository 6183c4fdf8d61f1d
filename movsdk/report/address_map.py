"""The address map as rows: every aperture, window and BAR with its place before and after.

Takes states in the form of the golden vectors. Knows no terminal; `text` prints the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

State = Sequence[Mapping[str, Any]]
Place = tuple[int, int] | None


@frozen
class MapRow:
    """One line: `depth` in the tree of bridges, `name`, what it is, and where it was and is (bytes, None = no place)."""

    depth: int
    name: str
    kind: str
    before: Place
    after: Place

    @property
    def change(self) -> str:
        """ "moved", "new", "lost", "resized" or "" for the same place."""
        if self.before == self.after:
            return ""
        if self.before is None:
            return "new"
        if self.after is None:
            return "lost"
        same_size = self.before[1] - self.before[0] == self.after[1] - self.after[0]
        return "moved" if same_size else "resized"


def rows(before: State, after: State) -> Iterator[MapRow]:
    """Every resource that has a place in one of the two states, in the order of the tree."""
    old = {entry["id"]: entry for entry in before}
    new = {entry["id"]: entry for entry in after}
    depths: dict[int, int] = {}
    for entry in [*after, *(entry for entry in before if entry["id"] not in new)]:
        identity = entry["id"]
        depth = _depth(entry, depths)
        was, now = _resources(old.get(identity)), _resources(new.get(identity))
        for number in sorted({*was, *now}):
            source = now.get(number) or was[number]
            pair = _place(was.get(number)), _place(now.get(number))
            if pair != (None, None) or source["assigned"] is False:
                yield MapRow(depth, identity, _kind(source), *pair)


def _depth(entry: Mapping[str, Any], depths: dict[int, int]) -> int:
    depth = depths.get(int(entry["bdf"][:2], 16), 0)
    if "buses" in entry:
        depths[entry["buses"][0]] = depth + 1
    return depth


def _resources(entry: Mapping[str, Any] | None) -> dict[int, Mapping[str, Any]]:
    return {} if entry is None else {resource["n"]: resource for resource in entry["resources"]}


def _place(resource: Mapping[str, Any] | None) -> Place:
    return (resource["start"], resource["last"]) if resource is not None and resource["assigned"] else None


def _kind(resource: Mapping[str, Any]) -> str:
    words = resource["type"].replace("|unset", "").replace("|64", " 64bit").replace("|", " ")
    if resource["kind"] == "window":
        return f"window {words}"
    return f"{'ROM' if resource['kind'] == 'rom' else 'BAR ' + str(resource['n'])} {words}"


def show(place: Place) -> str:
    """A place as /proc/iomem prints it."""
    return "-" if place is None else f"{place[0]:08x}-{place[1]:08x}"
