"""Rules with one function changed: for the breaks of docs/findings, small changes that might have saved the BAR.

Twin: a patch on top of the series, a few lines each; none was ever posted. What each would have done to the recorded runs is
counted by benchmarks/rule_changes.py. Changes rules; plays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from weakref import WeakKeyDictionary

from attrs import evolve, frozen

from movsdk.layout.table import SIZEALIGN, UNSET, BarWrite, Resource, Row, Segment, WindowWrite
from movsdk.pci_regs import BRIDGE_RESOURCES, ROM_RESOURCE
from movsdk.rescan.rules import V5, V9, v5, v9
from movsdk.rescan.rules.record import Moves, Rules, Turn, nothing_lost, range_index, span_of
from movsdk.rescan.rules.v5_placing import covered
from movsdk.rescan.rules.v9_placing import Placement

_Saved = tuple[tuple[Resource, int, int, int, Resource | None], ...]


@frozen
class Cure:
    """`change`: what the kernel would do, a clause. `function`: the field of the record that is another. `rules`: with it."""

    change: str
    function: str
    rules: Rules


# --- accept: when an attempt will do --------------------------------------------------------------------------------
def _notices_fixed(turn: Turn) -> bool:
    return v9.accept(turn) and nothing_lost(turn.root)


# --- place: who comes first -----------------------------------------------------------------------------------------
@frozen
class _FixedBarsFirst(Placement):
    def _queue(self, segment: Segment, turn: Turn) -> list[Resource]:
        queue = super()._queue(segment, turn)
        anchored = [resource for resource in queue if self.anchor(turn, resource) is not None]
        return sorted(anchored, key=lambda resource: resource.is_window) + queue[len(anchored) :]


# --- size: how big a window must be ---------------------------------------------------------------------------------
def _alignment_kept(_turn: Turn, resource: Resource) -> int | None:
    return resource.alignment


def _right_index(segment: Segment, window: Resource, _is_wide: bool, extra: int) -> int:
    return max(extra, span_of(covered(segment, range_index(window.flags))))


# --- release: what a new bridge brings along ---------------------------------------------------------------------------
def _forgets_power_on_windows(release: Callable[[Turn], None], turn: Turn) -> None:
    for row in turn.root.walk():
        for window in row.windows:
            if not row.is_added and window.parent is None:
                window.wipe()
    release(turn)


# --- forget: what a released window keeps ------------------------------------------------------------------------------
def _one_alignment(turn: Turn, row: Row, resource: Resource) -> None:
    v5.forget(turn, row, resource)
    if resource.is_window:
        resource.flags &= ~SIZEALIGN


# --- fallback: who is given up, and what is left at the end ---------------------------------------------------------------
def _biggest_first(turn: Turn) -> bool:
    if turn.expands or turn.tries_failed:
        return v9.fallback(turn)
    newcomers = [row for row in turn.root.walk() if not row.is_added and not row.bars_disabled]
    if not newcomers:
        return False
    victim = max(newcomers, key=_wants)
    victim.bars_disabled = True
    turn.moves.release(turn)
    return True


def _wants(row: Row) -> int:
    return sum(bar.size for bar in row.resources[:BRIDGE_RESOURCES] if bar.flags)


class _Rollback:
    """Remembers what had a place when the rescan began; when nobody is left to be given up, that is put back."""

    def __init__(self) -> None:
        self._saved: WeakKeyDictionary[Row, _Saved] = WeakKeyDictionary()

    def mark(self, row: Row) -> None:
        v9.mark(row)
        self._saved[row] = tuple((r, r.flags, r.start, r.last, r.parent) for r in _resources(row))

    def fallback(self, turn: Turn) -> bool:
        if v9.fallback(turn):
            return True
        rows = list(turn.root.walk())
        for row in reversed(rows):
            for resource in _resources(row):
                resource.detach()
        for row in rows:
            self._restore(row, turn)
        return False

    def _restore(self, row: Row, turn: Turn) -> None:
        if row.is_added:
            for resource, flags, start, last, parent in self._saved[row]:
                resource.flags = flags
                resource.set_span(start, last)
                if parent is not None and parent.insert(resource) and resource.index < ROM_RESOURCE:
                    turn.journal.append(BarWrite(row, resource.index, start, flags))
            return
        for resource in _resources(row):
            if resource.is_window:
                resource.wipe()
            elif resource.flags:
                resource.set_span(0, resource.size - 1)
                resource.flags |= UNSET
        if row.is_bridge:
            turn.journal.append(WindowWrite.all_of(row))


def _resources(row: Row) -> list[Resource]:
    return row.resources[:BRIDGE_RESOURCES] + row.windows


# --- the list ----------------------------------------------------------------------------------------------------------
def _cure(base: Rules, name: str, change: str, **functions: Any) -> Cure:
    moves = _moves(base)
    rules = evolve(base, name=f"{base.name} {name}", moves=evolve(moves, **functions))
    return Cure(change, ", ".join(functions), rules)


def _moves(rules: Rules) -> Moves:
    if rules.moves is None:
        raise TypeError(f"rules {rules.name} move nothing")
    return rules.moves


def _all() -> Iterator[Cure]:
    size, place, undo = _moves(V9).size, _moves(V9).place, _Rollback()
    if not isinstance(place, Placement):
        raise TypeError("v9 places with v9_placing")
    first = _FixedBarsFirst(place.wanted, place.anchor, place.minimum, place.covers, place.failed)
    yield _cure(V9, "notices fixed BARs", "the first two attempts fail too if a fixed BAR lost its place", accept=_notices_fixed)
    yield _cure(V9, "fixed BARs first", "fixed BARs of a bus are placed before the windows round others", place=first)
    yield _cure(
        V9,
        "keeps alignment",
        "a fixed BAR counts with its own alignment, not with 1, in the size of its window",
        size=evolve(size, alignment=_alignment_kept),
    )
    for base in (V9, V5):
        yield _cure(
            base,
            "no power-on windows",
            "windows that a new bridge's registers show at power-on are forgotten, as at boot",
            release=partial(_forgets_power_on_windows, _moves(base).release),
        )
    yield _cure(V9, "biggest first", "of the newcomers the one that wants most is given up first", fallback=_biggest_first)
    yield _cure(V9, "rollback", "if nothing helps, the old layout is put back", mark=undo.mark, fallback=undo.fallback)
    yield _cure(
        V5,
        "right index",
        "the memory window looks at the fixed BARs of its own type",
        size=evolve(_moves(V5).size, mem_floor=_right_index),
    )
    yield _cure(V5, "one alignment", "a released window gets no second alignment flag", forget=_one_alignment)


CURES: Final[Mapping[str, Cure]] = MappingProxyType({cure.rules.name: cure for cure in _all()})
