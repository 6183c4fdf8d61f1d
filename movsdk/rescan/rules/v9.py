"""Rules `v9`: the last posted version of the series (26 patches, December 2020), on linux 5.10.

All of v9's differences to the base kernel stand on this page, in the order a rescan meets them: who may move, what the windows
must cover, release, sizing, placing, and the retry loop ("triple rescan": everything with reserves; without them; only what
worked before; then one newcomer less each time).
"""

from __future__ import annotations

from attrs import frozen

from movsdk.kernel.enable import EnableRules
from movsdk.layout.placing import assign_resource, insert_fixed, is_skipped, program_if_closed
from movsdk.layout.release import forget_window, windows_to_give_up
from movsdk.layout.sizing import size_bus
from movsdk.layout.table import (
    IO,
    M64,
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
    Turn,
    assigned_mask,
    nothing_lost,
    placed_bars,
    range_index,
    span_of,
)


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


def ranges(segment: Segment) -> None:
    """Hull of the assigned fixed BARs below each bus, per window, leaves first. By the BAR's own type, not by where it sits."""
    hull: list[Range] = [None, None, None]
    for row in segment.rows:
        if row.child is not None:
            ranges(row.child)
    for row in segment.rows:
        for resource in placed_bars(row):
            if fixed(row, resource.index):
                index = range_index(resource.flags)
                hull[index] = _joined(hull[index], (resource.start, resource.last))
        if row.child is not None:
            hull = [_joined(mine, below) for mine, below in zip(hull, row.child.fixed_range, strict=True)]
    segment.fixed_range = hull


# --- release (patches 2, 5; v9 04, 06) ---------------------------------------------------------------------
def release(turn: Turn) -> None:
    """Give up all windows below the root bus and every movable BAR behind them. No register is written."""
    for segment, window in windows_to_give_up(turn.root):
        _cut(segment)
        forget_window(window)


def _cut(segment: Segment) -> None:
    """Detach *everything* assigned on the bus, whatever window holds it. Windows cut here keep their size as a minimum."""
    for row in segment.rows:
        for resource in row.resources[:BRIDGE_RESOURCES] + row.windows:
            if not resource.flags or resource.parent is None:
                continue
            size = resource.size
            resource.detach()
            if row.child is not None:
                _cut(row.child)
            resource.flags = resource.flags & ~STARTALIGN | SIZEALIGN
            if fixed(row, resource.index):
                continue
            if resource.is_window:
                resource.flags = 0
            resource.set_span(0, size - 1)


# --- sizing (patches 8, 9; v9 11, 20) -----------------------------------------------------------------------
@frozen
class _Sizing:
    """`layout.sizing.SizingRules` of v9."""

    turn: Turn

    def reserve_of(self, bridge: Row) -> Reserve:
        return self.turn.reserve if bridge.is_hotplug and self.turn.expands else NO_RESERVE

    def io_floors(self, segment: Segment, extra: int) -> tuple[int, int]:
        return extra, span_of(segment.fixed_range[0])

    def mem_floor(self, segment: Segment, window: Resource, is_wide: bool, extra: int) -> int:
        # By the window's flags: a 32-bit prefetchable window looks at the range of the memory window.
        return max(extra, span_of(segment.fixed_range[range_index(window.flags)]))

    def counts(self, row: Row, index: int) -> bool:
        return is_enabled(self.turn, row, index)

    def alignment(self, resource: Resource) -> int | None:
        if resource.row is not None and fixed(resource.row, resource.index):
            return 1
        return resource.alignment


def is_enabled(turn: Turn, row: Row, index: int) -> bool:
    """Whether this attempt tries the resource (``pci_dev_bar_enabled()``). Windows always."""
    if index >= BRIDGE_RESOURCES or turn.tries_failed:
        return True
    if row.bars_disabled:
        return False
    return not row.is_added or bool(row.res_mask >> index & 1)


def size(turn: Turn) -> None:
    """Size every window; there is one size only, no optional part."""
    size_bus(turn.root, _Sizing(turn), None)


# --- placing (patches 12-14; v9 12-14) ------------------------------------------------------------------------
def place(turn: Turn) -> None:
    """Place everything, bus by bus from the root: fixed BARs and windows round them first, by address."""
    _place_bus(turn.root, turn)


def _covered(row: Row, index: int) -> Range:
    """What window `index` must cover, by window number."""
    return row.child.fixed_range[index - BRIDGE_RESOURCES] if row.child is not None else None


def _place_bus(segment: Segment, turn: Turn) -> None:
    anchored: list[tuple[int, Resource]] = []
    movable: list[Resource] = []
    for row in segment.rows:
        if not is_skipped(row):
            _queue(row, turn, anchored, movable)
    anchored.sort(key=lambda entry: entry[0])
    movable.sort(key=lambda resource: -resource.alignment)
    for resource in [resource for _, resource in anchored] + movable:
        _place_one(segment, resource, turn)
    for row in segment.rows:
        if row.child is not None:
            _place_bus(row.child, turn)
            program_if_closed(row, turn.placing)


def _queue(row: Row, turn: Turn, anchored: list[tuple[int, Resource]], movable: list[Resource]) -> None:
    """Fixed BARs and windows that must cover some, keyed by that address; everything else by alignment."""
    for resource in row.resources[:BRIDGE_RESOURCES] + row.windows:
        if not resource.flags or resource.parent is not None or not is_enabled(turn, row, resource.index):
            continue
        if resource.is_window:
            covered = _covered(row, resource.index)
            anchor = covered[0] if covered is not None else None
        else:
            anchor = resource.start if fixed(row, resource.index) else None
        if anchor is not None:
            anchored.append((anchor, resource))
        elif resource.alignment:
            movable.append(resource)


def _place_one(segment: Segment, resource: Resource, turn: Turn) -> None:
    row = resource.row
    if row is None:
        return
    if not resource.is_window and fixed(row, resource.index):
        if not insert_fixed(segment, resource):  # nobody notices: a fixed BAR never gets UNSET
            turn.placing.note(resource)
        return
    covered = _covered(row, resource.index) if resource.is_window else None
    minimum = None
    if covered is not None:
        minimum = covered[0] if resource.size <= span_of(covered) else (covered[1] - resource.size + 1) & M64
    if assign_resource(segment, resource, turn.placing, minimum):
        if covered is None or (resource.start <= covered[0] and resource.last >= covered[1]):
            return
        resource.detach()
        turn.placing.note(resource)
    if resource.is_window:
        resource.wipe()


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
    release(turn)
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
    rows: list[Row] = []
    for row in segment.rows:
        if row.is_added and row.child is not None:
            rows += programmed(row.child)
    if segment.bridge is not None:
        rows.append(segment.bridge)
    return rows


V9 = Rules(
    name="v9",
    about="the series as of v9 (26 patches) on linux 5.10",
    enable=EnableRules(reenables_bridges="all"),
    moves=Moves(
        opt_in=opt_in,
        mark=mark,
        fixed=fixed,
        ranges=ranges,
        release=release,
        size=size,
        place=place,
        accept=accept,
        fallback=fallback,
        programmed=programmed,
        order=("wake", "pause", "ranges", "scan", "release", "attempts", "bridges", "resume", "bind"),
        claims_fixed=False,
        boot_rescans=True,
        skips_new_bridges=True,
        stops_at_subtractive=True,
    ),
)
