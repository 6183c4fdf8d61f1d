"""Recorded scenarios played with an eye on what happens inside: ranges, releases, and each attempt's sizes and places.

Twin: the worked examples of the design notes, which give these numbers. Changes nothing: each rule is called as it is.
"""

from __future__ import annotations

from typing import Any, Final

from attrs import define, evolve, field, frozen

from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario_schema import parse
from movsdk.layout.table import UNSET, Resource, Segment
from movsdk.rescan.rules import by_name
from movsdk.rescan.rules.record import Moves, Turn
from tests.golden.recordings import vector

B: Final = 0x8000_0000
P: Final = 0x40_0000_0000
M: Final = 0x10_0000
Sizes = dict[str, tuple[int, int]]
Places = dict[str, tuple[int, int] | None]


@frozen
class Attempt:
    """One turn: windows as sized (size, alignment), everything as placed (start, size; None without a place), and the verdict."""

    expands: bool
    tries_failed: bool
    sizes: Sizes
    places: Places
    unset: frozenset[str]
    is_accepted: bool


@define(eq=False)
class Watch:
    """What was seen since the last event."""

    attempts: list[Attempt] = field(factory=list)
    releases: list[Places] = field(factory=list)
    ranges: dict[str, list[tuple[int, int] | None]] = field(factory=dict)

    def wrapped(self, moves: Moves) -> Moves:
        """The same rules, watched."""
        sizes: Sizes = {}

        def find_ranges(turn: Turn) -> None:
            moves.ranges(turn)
            self.ranges = {s.bridge.name: list(s.fixed_range) for s in _segments(turn.root) if s.bridge is not None}

        def release(turn: Turn) -> None:
            moves.release(turn)
            self.releases.append({name: (one.start, one.size) for name, one in _resources(turn.root).items()})

        def size(turn: Turn) -> None:
            moves.size(turn)
            found = _resources(turn.root).items()
            sizes.clear()
            sizes.update({n: (w.size, w.alignment) for n, w in found if w.is_window and w.flags and w.parent is None})

        def accept(turn: Turn) -> bool:
            verdict = moves.accept(turn)
            found = _resources(turn.root)
            places = {name: (one.start, one.size) if one.parent is not None else None for name, one in found.items()}
            unset = frozenset(name for name, one in found.items() if one.flags & UNSET)
            self.attempts.append(Attempt(turn.expands, turn.tries_failed, dict(sizes), places, unset, verdict))
            return verdict

        watched: Any = {"ranges": find_ranges, "release": release, "size": size, "accept": accept}
        return evolve(moves, **watched)


@frozen
class Seen:
    """One event: its outcome, and what led to it."""

    outcome: Outcome
    attempts: list[Attempt]
    releases: list[Places]
    ranges: dict[str, list[tuple[int, int] | None]]

    def resource(self, name: str) -> dict[str, Any]:
        """``d1:0`` as the recorded state lists it."""
        label, _, number = name.partition(":")
        device = next(entry for entry in self.outcome.state if entry["id"] == label)
        found: dict[str, Any] = next(entry for entry in device["resources"] if entry["n"] == int(number))
        return found


def seen(rules: str, name: str) -> list[Seen]:
    """Play one golden vector; one entry an outcome."""
    watch = Watch()
    original = by_name(rules)
    assert original.moves is not None
    watched = evolve(original, moves=watch.wrapped(original.moves))
    found = []
    for outcome in Player(parse(vector(rules, name)["scenario"]), watched).play():
        found.append(Seen(outcome, watch.attempts, watch.releases, watch.ranges))
        watch.attempts, watch.releases, watch.ranges = [], [], {}
    return found


def _segments(root: Segment) -> list[Segment]:
    return [root, *(below for row in root.rows if row.child is not None for below in _segments(row.child))]


def _resources(root: Segment) -> dict[str, Resource]:
    """Every BAR, ROM and window by the name ``device:slot``; those never used are left out."""
    return {
        f"{row.name}:{one.index}": one
        for row in root.walk()
        for one in row.resources[:10]
        if one.flags or one.last or (one.is_window and row.is_bridge)
    }
