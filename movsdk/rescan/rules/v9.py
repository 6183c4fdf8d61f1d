"""Rules `v9`: the last posted version of the series (26 patches, December 2020), on linux 5.10.

All of v9's differences to the base kernel stand on this page, in the order a rescan meets them: who may move, what the windows
must cover, release, sizing, placing, and the retry loop ("triple rescan": everything with reserves; without them; only what
worked before; then one newcomer less each time).
"""

from __future__ import annotations

from collections.abc import Callable

from movsdk.kernel.cmdline import FeatureSwitch
from movsdk.kernel.enable import EnableRules
from movsdk.kernel.power import PowerRules
from movsdk.layout.release import forget_window, windows_to_give_up
from movsdk.layout.table import (
    IO,
    NO_RESERVE,
    PCI_FIXED,
    SIZEALIGN,
    STARTALIGN,
    UNSET,
    Reserve,
    Resource,
    Row,
    Segment,
)
from movsdk.pci_regs import BRIDGE_RESOURCES, CLASS_DISPLAY_VGA
from movsdk.rescan.rules.record import (
    DriverFacts,
    Moves,
    Range,
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
from movsdk.rescan.rules.v9_placing import Placement, anchor, covers, failed, minimum


# --- who may move (patches 3, 7; v9 03) ------------------------------------------------------------------
def opt_in(facts: DriverFacts) -> tuple[bool, ...] | None:
    """Ask ``bar_fixed`` where the driver has it; else both rescan hooks mean movable."""
    if facts.has_bar_fixed:
        return tuple(facts.ask(bar) for bar in range(BRIDGE_RESOURCES))
    return (False,) * BRIDGE_RESOURCES if facts.has_rescan_hooks else None


def opt_in_as_posted(facts: DriverFacts) -> tuple[bool, ...] | None:
    """v9 to the letter: without ``bar_fixed`` a driver's BARs are fixed, whatever hooks it has."""
    return opt_in(facts) if facts.has_bar_fixed else None


def fixed(row: Row, index: int) -> bool:
    """Must BAR `index` stay? Depends on flags that change during the rescan (``pci_dev_bar_fixed()``)."""
    resource = row.resources[index]
    if index >= BRIDGE_RESOURCES:
        return False
    if resource.flags & PCI_FIXED:
        return True
    if resource.flags & UNSET:
        return False
    if row.is_bound and row.answers is not None:
        return row.answers[index]
    if resource.start and not resource.flags & IO and row.base_class == CLASS_DISPLAY_VGA:
        return True
    return row.is_bound


def mark(row: Row) -> None:
    """Note what has a place now; a device given up in an earlier rescan gets another chance."""
    row.res_mask = assigned_mask(row)
    row.bars_disabled = False


# --- what windows must cover (patch 11; v9 10) -------------------------------------------------------------
def _joined(one: Range, other: Range) -> Range:
    if one is None or other is None:
        return one or other
    return min(one[0], other[0]), max(one[1], other[1])


def ranges(turn: Turn) -> None:
    """Hull of the assigned fixed BARs below each bus, per window, leaves first. By the BAR's own type, not by where it sits."""
    _find_ranges(turn.root, turn.moves.fixed)


def _find_ranges(segment: Segment, is_fixed: Callable[[Row, int], bool]) -> None:
    hull: list[Range] = [None, None, None]
    for row in segment.rows:
        if row.child is not None:
            _find_ranges(row.child, is_fixed)
    for row in segment.rows:
        for resource in placed_bars(row):
            if is_fixed(row, resource.index):
                index = range_index(resource.flags)
                hull[index] = _joined(hull[index], (resource.start, resource.last))
        if row.child is not None:
            hull = [_joined(mine, below) for mine, below in zip(hull, row.child.fixed_range, strict=True)]
    segment.fixed_range = hull


# --- release (patches 2, 5; v9 04, 06) ---------------------------------------------------------------------
def release(turn: Turn) -> None:
    """Give up all windows below the root bus and every movable BAR behind them. No register is written."""
    for segment, window in windows_to_give_up(turn.root):
        _cut(segment, turn)
        forget_window(window)


def _cut(segment: Segment, turn: Turn) -> None:
    """Detach *everything* assigned on the bus, whatever window holds it."""
    for row in segment.rows:
        for resource in row.resources[:BRIDGE_RESOURCES] + row.windows:
            if not resource.flags or resource.parent is None:
                continue
            resource.detach()
            if row.child is not None:
                _cut(row.child, turn)
            turn.moves.forget(turn, row, resource)


def forget(turn: Turn, row: Row, resource: Resource) -> None:
    """Address 0, alignment by size; fixed BARs keep their address. A window keeps its size as a minimum, not its type."""
    size = resource.size
    resource.flags = resource.flags & ~STARTALIGN | SIZEALIGN
    if turn.moves.fixed(row, resource.index):
        return
    if resource.is_window:
        resource.flags = 0
    resource.set_span(0, size - 1)


# --- sizing (patches 8, 9; v9 11, 20) -----------------------------------------------------------------------
def reserve_of(turn: Turn, bridge: Row) -> Reserve:
    """Hot-plug space, as long as it is asked for."""
    return turn.reserve if bridge.is_hotplug and turn.expands else NO_RESERVE


def io_floors(segment: Segment, extra: int) -> tuple[int, int]:
    """The reserve under the small ones, the fixed span under the others."""
    return extra, span_of(segment.fixed_range[0])


def mem_floor(segment: Segment, window: Resource, _is_wide: bool, extra: int) -> int:
    """The larger of reserve and fixed span. By the window's flags: a 32-bit prefetchable one looks at the memory window's."""
    return max(extra, span_of(segment.fixed_range[range_index(window.flags)]))


def is_enabled(turn: Turn, row: Row, index: int) -> bool:
    """Whether this attempt tries the resource (``pci_dev_bar_enabled()``). Windows always."""
    if index >= BRIDGE_RESOURCES or turn.tries_failed:
        return True
    if row.bars_disabled:
        return False
    return not row.is_added or bool(row.res_mask >> index & 1)


def alignment(turn: Turn, resource: Resource) -> int | None:
    """1 for what stays where it is: it counts, but raises no window's alignment."""
    is_fixed = resource.row is not None and turn.moves.fixed(resource.row, resource.index)
    return 1 if is_fixed else resource.alignment


# --- the retry loop (patch 6, 10; v9 07, 08, 20) ----------------------------------------------------------------
def accept(turn: Turn) -> bool:
    """First attempts: every BAR of the domain has a place. Later ones: nobody lost what it had."""
    if turn.tries_failed:
        return not any(resource.flags & UNSET for row in turn.root.walk() for resource in row.resources[:BRIDGE_RESOURCES])
    return nothing_lost(turn.root)


def fallback(turn: Turn) -> bool:
    """Ask for less: no reserves (on top of what was placed), then only what worked before, then one newcomer less."""
    if turn.expands:
        turn.expands = False
        return True
    if turn.tries_failed:
        turn.tries_failed = False
    else:
        victim = _next_newcomer(turn.root)
        if victim is None:
            return False
        victim.bars_disabled = True
    turn.moves.release(turn)
    return True


def _next_newcomer(segment: Segment) -> Row | None:
    """Deepest first, in list order."""
    for row in segment.rows:
        found = _next_newcomer(row.child) if row.child is not None else None
        if found is None and not row.is_added and not row.bars_disabled:
            found = row
        if found is not None:
            return found
    return None


def programmed(segment: Segment) -> list[Row]:
    """Bridges written at the end: known ones, children before their parent. New ones were written while placing."""
    return bridges_last_first(segment, lambda row: row.is_added)


power_as_posted = PowerRules(restores_now=False)

V9 = Rules(
    name="v9",
    about="the series as of v9 (26 patches) on linux 5.10",
    enable=EnableRules(reenables_bridges="all", mutex="bridge"),
    moves=Moves(
        opt_in=opt_in,
        mark=mark,
        fixed=fixed,
        ranges=ranges,
        release=release,
        forget=forget,
        size=Sizing(reserve_of, io_floors, mem_floor, is_enabled, alignment),
        place=Placement(is_enabled, anchor, minimum, covers, failed),
        accept=accept,
        fallback=fallback,
        programmed=programmed,
        order=("wake", "pause", "ranges", "scan", "release", "attempts", "bridges", "resume", "bind"),
        claims_fixed=False,
        boot_rescans=True,
        reserves=True,
        skips_new_bridges=True,
        stops_at_subtractive=True,
    ),
    switch=FeatureSwitch("no_movable_bars", frozenset({"x86", "generic"})),
    # As posted v9 has lost patch 1; `power_as_posted` is that. Its bridges are safe either way, sleeping endpoints are not.
    power=PowerRules(),
    fits_min_mem=True,
)
