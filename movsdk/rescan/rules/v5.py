"""Rules `v5`: the version of August 2019 (23 patches), the closest complete one to v2, on linux 5.10.

Same transaction as v9 with other terms: a whole device is fixed or movable, windows are closed while they are rebuilt, no
hot-plug reserve, what had a place must keep it and nothing else counts, a device once given up stays given up.
"""

from __future__ import annotations

from collections.abc import Callable

from movsdk.kernel.cmdline import FeatureSwitch
from movsdk.kernel.enable import EnableRules
from movsdk.kernel.power import PowerRules
from movsdk.kernel.powernv import EEH_CACHE, SKIPS_UNSET
from movsdk.layout.release import forget_window, windows_to_give_up
from movsdk.layout.table import IO, NO_RESERVE, PCI_FIXED, SIZEALIGN, STARTALIGN, Reserve, Resource, Row, Segment, WindowWrite
from movsdk.pci_regs import BRIDGE_RESOURCES, CLASS_DISPLAY_VGA
from movsdk.rescan.rules.record import (
    DriverFacts,
    Moves,
    Rules,
    Sizing,
    Turn,
    assigned_mask,
    bridges_last_first,
    nothing_lost,
    placed_bars,
    range_index,
    span_of,
)
from movsdk.rescan.rules.v5_placing import PLACEMENT, covered

_EMPTY = (0, 0)


# --- who may move (patches 3, 7) ---------------------------------------------------------------------------
def opt_in(facts: DriverFacts) -> tuple[bool, ...] | None:
    """Hooks make the whole device movable. v5 has no ``bar_fixed``: a driver with only that stands for one with empty hooks."""
    return (False,) * BRIDGE_RESOURCES if facts.has_rescan_hooks or facts.has_bar_fixed else None


def is_movable(row: Row) -> bool:
    """``pci_dev_movable_bars_supported()``: hooks, or no driver and not a VGA device."""
    if row.is_bound and row.answers is not None:
        return not all(row.answers)
    return row.base_class != CLASS_DISPLAY_VGA and not row.is_bound


def fixed(row: Row, index: int) -> bool:
    """Fixed by flag, or because its device is."""
    return index < BRIDGE_RESOURCES and (bool(row.resources[index].flags & PCI_FIXED) or not is_movable(row))


def mark(row: Row) -> None:
    """Note what has a place now. A device given up stays so until it is removed."""
    row.res_mask = assigned_mask(row)


# --- what windows must cover (patch 11) ----------------------------------------------------------------------
def _extended(hull: tuple[int, int], start: int, last: int) -> tuple[int, int]:
    # Start 0 means "nothing yet", so a range that really starts at 0 loses its start.
    return (start if not hull[0] or hull[0] > start else hull[0]), max(hull[1], last)


def ranges(turn: Turn) -> None:
    """Hull of the assigned fixed BARs below each bus, leaves first."""
    _find_ranges(turn.root, turn.moves.fixed)


def _find_ranges(segment: Segment, is_fixed: Callable[[Row, int], bool]) -> None:
    hull = [_EMPTY, _EMPTY, _EMPTY]
    for row in segment.rows:
        if row.child is not None:
            _find_ranges(row.child, is_fixed)
    for row in segment.rows:
        for resource in placed_bars(row):
            if is_fixed(row, resource.index):
                index = range_index(resource.flags)
                hull[index] = _extended(hull[index], resource.start, resource.last)
        for index in range(3):
            below = covered(row.child, index)
            if below is not None:
                hull[index] = _extended(hull[index], *below)
    segment.fixed_range = list(hull)


# --- release (patches 2, 5) ------------------------------------------------------------------------------------
def release(turn: Turn) -> None:
    """Give up windows, closing their registers at once, and everything movable in them; at last what sits on the apertures."""
    for segment, window in windows_to_give_up(turn.root):
        _cut(segment, window, turn)
        forget_window(window)
        if window.row is not None:
            turn.journal.append(WindowWrite.closed(window.row, window.index - BRIDGE_RESOURCES))
    for aperture in turn.root.windows:
        _cut(turn.root, aperture, turn)


def _cut(segment: Segment, holder: Resource, turn: Turn) -> None:
    """Detach what `holder` holds on this bus."""
    for row in segment.rows:
        for resource in row.resources[:BRIDGE_RESOURCES] + row.windows:
            if not resource.flags or resource.parent is not holder:
                continue
            resource.detach()
            if row.child is not None:
                _cut(row.child, resource, turn)
            turn.moves.forget(turn, row, resource)


def forget(turn: Turn, row: Row, resource: Resource) -> None:
    """Address 0 and alignment by size; what is fixed keeps all. A window keeps its type: sizing gives it a second alignment."""
    if not turn.moves.fixed(row, resource.index):
        resource.flags = resource.flags & ~STARTALIGN | SIZEALIGN
        resource.set_span(0, resource.size - 1)


# --- sizing (patches 8, 9) ---------------------------------------------------------------------------------------
def reserve_of(_turn: Turn, _bridge: Row) -> Reserve:
    """No reserve."""
    return NO_RESERVE


def io_floors(segment: Segment, extra: int) -> tuple[int, int]:
    """The fixed span, under the small ones."""
    return max(extra, span_of(covered(segment, 0))), 0


def mem_floor(segment: Segment, _window: Resource, is_wide: bool, extra: int) -> int:
    """The fixed span. Its index follows the mask: beside a 64-bit prefetchable window the memory window looks at that one's."""
    return max(extra, span_of(covered(segment, 2 if is_wide else 1)))


def counts(_turn: Turn, row: Row, index: int) -> bool:
    """Not what was given up; but its I/O counts."""
    return not row.bars_disabled or bool(row.resources[index].flags & IO)


def alignment(turn: Turn, resource: Resource) -> int | None:
    """None for fixed memory: it adds its plain size. I/O keeps its alignment (patch 8 is in ``pbus_size_mem()`` only)."""
    is_fixed = resource.row is not None and turn.moves.fixed(resource.row, resource.index)
    return None if is_fixed and not resource.flags & IO else resource.alignment


# --- the retry loop (patches 6, 10) -----------------------------------------------------------------------------------
def accept(turn: Turn) -> bool:
    """Nobody lost what it had when the rescan began; what had no place is tried but not required."""
    return nothing_lost(turn.root)


def fallback(turn: Turn) -> bool:
    """One newcomer less, bridges before what is behind them."""
    victim = next_newcomer(turn)
    if victim is None:
        return False
    victim.bars_disabled = True
    turn.moves.release(turn)
    return True


def next_newcomer(turn: Turn) -> Row | None:
    """The first one not given up yet."""
    return next((row for row in turn.root.walk() if not row.is_added and not row.bars_disabled), None)


def programmed(segment: Segment) -> list[Row]:
    """Bridges written at the end: not new and not given up, children before their parent."""
    return bridges_last_first(segment, lambda row: row.is_added and not row.bars_disabled)


V5 = Rules(
    name="v5",
    about="the series as of v5 (23 patches) on linux 5.10",
    enable=EnableRules(reenables_bridges="windows", counts_after_success=True, mutex="device"),
    moves=Moves(
        opt_in=opt_in,
        mark=mark,
        fixed=fixed,
        ranges=ranges,
        release=release,
        forget=forget,
        size=Sizing(reserve_of, io_floors, mem_floor, counts, alignment),
        place=PLACEMENT,
        accept=accept,
        fallback=fallback,
        programmed=programmed,
        order=("wake", "pause", "scan", "ranges", "release", "attempts", "bridges", "resume", "bind"),
    ),
    switch=FeatureSwitch("pcie_movable_bars", frozenset({"x86", "generic", "powernv"})),
    arch=frozenset({SKIPS_UNSET, EEH_CACHE}),
    power=PowerRules(restores_now=False, wakes="config", saves_bridges=False, puts_new_bridges=True),
)
