"""Rules with one thing wrong: a field of the record replaced, as a slip of the pen might do.

Twin: mutation testing, by hand. `test_mutations` says which recorded runs notice; this file plays nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve

from movsdk.layout.table import IO, MEM_64, NO_RESERVE, PCI_FIXED, PREF, Reserve, Resource, Row, Segment
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.rescan.rules import v5, v9, v9_placing
from movsdk.rescan.rules.record import DriverFacts, Moves, Rules, Turn, assigned_mask, nothing_lost, span_of

Change = Callable[[Moves], Moves]


def _field(**changes: Any) -> Change:
    return lambda moves: evolve(moves, **changes)


def _size(**changes: Any) -> Change:
    return lambda moves: evolve(moves, size=evolve(moves.size, **changes))


def _place(**changes: Any) -> Change:
    def change(moves: Moves) -> Moves:
        place: Any = moves.place
        return evolve(moves, place=evolve(place, **changes))

    return change


def _nothing(*_: object) -> None:
    return None


def _yes(*_: object) -> bool:
    return True


def _nobody_moves(_facts: DriverFacts) -> None:
    return None


def _mark_that_forgives_nobody(row: Row) -> None:
    row.res_mask = assigned_mask(row)


def _mark_of_all_bars(row: Row) -> None:
    row.res_mask = sum(1 << index for index in range(BRIDGE_RESOURCES) if row.resources[index].flags)
    row.bars_disabled = False


def _fixed_but_not_vga(row: Row, index: int) -> bool:
    return v9.fixed(row, index) and (row.is_bound or bool(row.resources[index].flags & PCI_FIXED))


def _forget_sizes(turn: Turn, row: Row, resource: Resource) -> None:
    v9.forget(turn, row, resource)
    if resource.is_window:
        resource.set_span(0, 0)


def _keep_types(turn: Turn, row: Row, resource: Resource) -> None:
    flags = resource.flags
    v9.forget(turn, row, resource)
    if resource.is_window:
        resource.flags = flags


def _no_reserve(_turn: Turn, _bridge: Row) -> Reserve:
    return NO_RESERVE


def _span_under_small_io(segment: Segment, extra: int) -> tuple[int, int]:
    return max(extra, span_of(segment.fixed_range[0])), 0


def _floor_by_window_number(segment: Segment, window: Resource, _is_wide: bool, extra: int) -> int:
    return max(extra, span_of(segment.fixed_range[window.index - BRIDGE_RESOURCES]))


def _floor_of_reserve(_segment: Segment, _window: Resource, _is_wide: bool, extra: int) -> int:
    return extra


def _own_alignment(_turn: Turn, resource: Resource) -> int:
    return resource.alignment


def _first_come(turn: Turn, resource: Resource) -> int | None:
    return None if v9_placing.anchor(turn, resource) is None else 0


def _from_the_start(resource: Resource) -> int | None:
    covered = v9_placing.covered_by(resource)
    return None if covered is None else covered[0]


def _nothing_lost_at_once(turn: Turn) -> bool:
    return nothing_lost(turn.root)


def _release_between_all(turn: Turn) -> bool:
    if turn.expands:
        turn.expands = False
        turn.moves.release(turn)
        return True
    return v9.fallback(turn)


def _two_attempts(turn: Turn) -> bool:
    turn.expands = False
    return v9.fallback(turn)


def _bridges_first(turn: Turn) -> bool:
    if turn.expands or turn.tries_failed:
        return v9.fallback(turn)
    return v5.fallback(turn)


def _order(*steps: str) -> Change:
    return _field(order=steps)


V9_MUTANTS: Final[Mapping[str, Change]] = {
    "opt_in: nobody moves": _field(opt_in=_nobody_moves),
    "mark: a device given up stays so": _field(mark=_mark_that_forgives_nobody),
    "mark: BARs without a place count": _field(mark=_mark_of_all_bars),
    "fixed: VGA moves": _field(fixed=_fixed_but_not_vga),
    "ranges: none": _field(ranges=_nothing),
    "release: nothing": _field(release=_nothing),
    "release: the way of v5": _field(release=v5.release),
    "forget: sizes of windows too": _field(forget=_forget_sizes),
    "forget: not the types of windows": _field(forget=_keep_types),
    "size: no reserve": _size(reserve_of=_no_reserve),
    "size: I/O span under the small ones": _size(io_floors=_span_under_small_io),
    "size: range by window number": _size(mem_floor=_floor_by_window_number),
    "size: no fixed span": _size(mem_floor=_floor_of_reserve),
    "size: what is given up counts": _size(counts=_yes),
    "size: fixed BARs raise the alignment": _size(alignment=_own_alignment),
    "place: what is given up too": _place(wanted=_yes),
    "place: nobody first": _place(anchor=_nothing),
    "place: fixed ones as they come": _place(anchor=_first_come),
    "place: no minimum": _place(minimum=_nothing),
    "place: windows begin at their range": _place(minimum=_from_the_start),
    "place: no check afterwards": _place(covers=_yes),
    "place: failed BARs are wiped": _place(failed=Resource.wipe),
    "accept: always": _field(accept=_yes),
    "accept: if nothing is lost": _field(accept=_nothing_lost_at_once),
    "fallback: release before each": _field(fallback=_release_between_all),
    "fallback: no second attempt": _field(fallback=_two_attempts),
    "fallback: bridges first": _field(fallback=_bridges_first),
    "programmed: nobody": _field(programmed=lambda _segment: []),
    "order: ranges after the release": _order(
        "wake", "pause", "scan", "release", "ranges", "attempts", "bridges", "resume", "bind"
    ),
    "order: probe before done": _order("wake", "pause", "ranges", "scan", "release", "attempts", "bridges", "bind", "resume"),
    "on_slot_event: stays local": _field(on_slot_event=_nothing),
    "tells: nobody": _field(tells=lambda _hook: False),
    "boot_rescans: not": _field(boot_rescans=False),
    "reserves: never asked for": _field(reserves=False),
    "stops_at_subtractive: not": _field(stops_at_subtractive=False),
}


def _by_flags(flags: int) -> int:
    return 0 if flags & IO else 2 if flags & PREF and flags & MEM_64 else 1


def _floor_of_own_range(segment: Segment, window: Resource, _is_wide: bool, extra: int) -> int:
    hull = segment.fixed_range[_by_flags(window.flags)]
    return max(extra, span_of(hull) if hull is not None and hull[0] < hull[1] else 0)


def _clean_alignment(turn: Turn, row: Row, resource: Resource) -> None:
    size = resource.size
    v5.forget(turn, row, resource)
    if resource.is_window and not turn.moves.fixed(row, resource.index):
        resource.flags = 0
        resource.set_span(0, size - 1)


def _counts_no_io(_turn: Turn, row: Row, _index: int) -> bool:
    return not row.bars_disabled


def _lists_pinned(_row: Row, _resource: Resource) -> bool:
    return True


def _deepest_first(turn: Turn) -> bool:
    turn.expands = turn.tries_failed = False
    return v9.fallback(turn)


V5_MUTANTS: Final[Mapping[str, Change]] = {
    "mark: a device given up gets another chance": _field(mark=v9.mark),
    "fixed: the way of v9": _field(fixed=v9.fixed),
    "release: the way of v9": _field(release=v9.release),
    "forget: no second alignment flag": _field(forget=_clean_alignment),
    "size: the right range for memory": _size(mem_floor=_floor_of_own_range),
    "size: I/O given up does not count": _size(counts=_counts_no_io),
    "size: fixed BARs raise the alignment": _size(alignment=_own_alignment),
    "place: pinned BARs too": _place(is_listed=_lists_pinned),
    "place: one walk": _place(is_anchored=_nothing),
    "place: no minimum": _place(minimum=_nothing),
    "place: no look at the neighbours": _place(lowest=lambda _turn: {}),
    "accept: always": _field(accept=_yes),
    "fallback: deepest first": _field(fallback=_deepest_first),
    "programmed: what is given up too": _field(programmed=v9.programmed),
}

UNTOLD: Final = {
    "pin": "v2 alone marks, and no kernel with v2 was recorded",
    "claims_fixed": "no fixed BAR of the recorded machines has a firmware address that a movable one claims too",
    "skips_new_bridges": "what it skips has no driver yet, so there is nothing to see",
}
"""Fields that no recorded run tells, and why."""

MUTANTS: Final[Mapping[str, Mapping[str, Change]]] = {"v9": V9_MUTANTS, "v5": V5_MUTANTS}


def mutant(rules: Rules, name: str) -> Rules:
    """`rules` with the mistake called `name`."""
    assert rules.moves is not None
    return evolve(rules, moves=MUTANTS[rules.name][name](rules.moves))
