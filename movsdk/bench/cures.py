"""Rules with one function changed: for each break of a promise in docs/findings, the smallest change that might have saved the BAR.

Twin: a patch on top of the series, a few lines each. None was ever posted; what each would have done to the recorded runs,
benchmarks/rule_changes.py counts. Changes rules, plays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from attrs import evolve, frozen

from movsdk.layout.table import Resource, Row, Segment
from movsdk.rescan.rules import V5, V9
from movsdk.rescan.rules.record import Moves, Rules, Turn, nothing_lost, range_index, span_of
from movsdk.rescan.rules.v5_placing import covered
from movsdk.rescan.rules.v9_placing import Placement


@frozen
class Cure:
    """`change`: what is changed, a clause. `function`: the field of the record. `rules`: the rules with the change."""

    change: str
    function: str
    rules: Rules


def _changed(base: Rules, name: str, change: str, **functions: Any) -> Cure:
    moves = base.moves
    assert moves is not None
    rules = evolve(base, name=f"{base.name} {name}", moves=evolve(moves, **functions))
    return Cure(change, ", ".join(functions), rules)


# --- accept -----------------------------------------------------------------------------------------------------
def _notices_fixed(accept: Callable[[Turn], bool]) -> Callable[[Turn], bool]:
    return lambda turn: accept(turn) and nothing_lost(turn.root)


# --- place ----------------------------------------------------------------------------------------------------------
@frozen
class _FixedBarsFirst(Placement):
    """Windows that must cover fixed BARs come after the fixed BARs of their own bus."""

    def _queue(self, segment: Segment, turn: Turn) -> list[Resource]:
        queue = super()._queue(segment, turn)
        anchored = [resource for resource in queue if self.anchor(turn, resource) is not None]
        return sorted(anchored, key=lambda resource: resource.is_window) + queue[len(anchored) :]
