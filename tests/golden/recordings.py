"""The golden vectors of this folder, and what can be read off a recorded state: BARs that were lost, BARs that share an address.

Twin: the README beside the vectors, which says how often the real kernels broke their promises. Plays nothing.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from attrs import frozen

FOLDER: Final = Path(__file__).parent / "vectors"
RULES: Final = ("v9", "v5", "off")
_NAME = re.compile(rb'\{"name": ?"(\w+)"')

State = Sequence[Mapping[str, Any]]
Bar = tuple[str, int]
"""Id of a device, number of a BAR."""


@cache
def lines(rules: str) -> dict[str, bytes]:
    """The lines of one file by the name of the vector. Parses only the names: this runs whenever tests are collected."""
    found = {}
    for line in gzip.decompress((FOLDER / f"{rules}.jsonl.gz").read_bytes()).splitlines():
        match = _NAME.match(line)
        assert match is not None, line[:80]
        found[match[1].decode()] = line
    return found


def vector(rules: str, name: str) -> dict[str, Any]:
    """One vector as plain objects."""
    value: dict[str, Any] = json.loads(lines(rules)[name])
    return value


def lost_while_bound(before: State, after: State) -> set[Bar]:
    """BARs and ROMs that had a place before and have none after, of devices that are bound all the time."""
    old, new = ({device["id"]: device for device in state} for state in (before, after))
    return {
        (label, number)
        for label in old.keys() & new.keys()
        if old[label]["driver"] and new[label]["driver"]
        for number in _placed(old[label]) - _placed(new[label])
    }


def _placed(device: Mapping[str, Any]) -> set[int]:
    return {entry["n"] for entry in device["resources"] if entry["kind"] != "window" and entry["assigned"]}


@frozen
class _Decoder:
    """A listed BAR that decodes: what its register says, and the parts of it that arrive through all bridges above."""

    bar: Bar
    is_io: bool
    whole: tuple[int, int]
    parts: tuple[tuple[int, int], ...]

    def meets(self, other: _Decoder, *, is_whole: bool) -> bool:
        """True if some address reaches both. `is_whole`: count only BARs that arrive from first to last byte."""
        if self.is_io != other.is_io:
            return False
        if is_whole:
            return self.parts == (self.whole,) and other.parts == (other.whole,) and _cut(self.whole, other.whole) is not None
        return any(_cut(one, two) is not None for one in self.parts for two in other.parts)


def live_pairs(state: State, *, is_whole: bool = False) -> set[frozenset[Bar]]:
    """Pairs of listed BARs that answer one address, judged by registers alone."""
    decoders = list(_decoders(state))
    pairs = combinations(decoders, 2)
    return {frozenset((one.bar, two.bar)) for one, two in pairs if one.meets(two, is_whole=is_whole)}


def listed_bars(state: State) -> set[Bar]:
    """Every BAR the kernel still knows."""
    return {(device["id"], entry["n"]) for device in state for entry in device["resources"] if entry["kind"] == "bar"}


def cut_off(state: State) -> set[Bar]:
    """BARs of bound devices that have a place and decode, but not every byte passes the bridges above; by registers alone."""
    bridges = {device["registers"]["bus"][1]: device for device in state if "registers" in device}
    return {
        (device["id"], entry["n"])
        for device in state
        for entry in device["resources"]
        if device["driver"] and entry["kind"] == "bar" and entry["assigned"]
        for is_io in [entry["type"].startswith("io")]
        for whole in [(entry["register"], entry["register"] + entry["last"] - entry["start"])]
        if device["command"] & (1 if is_io else 2) and _arriving(int(device["bdf"][:2], 16), whole, is_io, bridges) != (whole,)
    }


def _decoders(state: State) -> Iterator[_Decoder]:
    bridges = {device["registers"]["bus"][1]: device for device in state if "registers" in device}
    for device in state:
        for entry in device["resources"]:
            is_io = entry["type"].startswith("io")
            if entry["kind"] != "bar" or not device["command"] & (1 if is_io else 2):
                continue
            whole = entry["register"], entry["register"] + entry["last"] - entry["start"]
            parts = _arriving(int(device["bdf"][:2], 16), whole, is_io, bridges)
            if parts:
                yield _Decoder((device["id"], entry["n"]), is_io, whole, parts)


def _arriving(
    bus: int, whole: tuple[int, int], is_io: bool, bridges: Mapping[int, Mapping[str, Any]]
) -> tuple[tuple[int, int], ...]:
    """What of `whole` passes the windows of every bridge between the root and `bus`."""
    parts = [whole]
    while bus:
        bridge = bridges.get(bus)
        if bridge is None or not bridge["command"] & (1 if is_io else 2):
            return ()
        windows = [bridge["registers"][kind] for kind in (("io",) if is_io else ("mem", "pref"))]
        cuts = [_cut(part, window) for part in parts for window in windows if window is not None]
        parts = [cut for cut in cuts if cut is not None]
        bus = int(bridge["bdf"][:2], 16)
    return tuple(parts)


def _cut(one: Sequence[int], other: Sequence[int]) -> tuple[int, int] | None:
    """The common part of two ranges."""
    start, last = max(one[0], other[0]), min(one[1], other[1])
    return (start, last) if start <= last else None
