"""Rules `v5`: the version of August 2019 (23 patches), the closest complete one to v2, on linux 5.10.

Same transaction as v9 with other terms: a whole device is fixed or movable, windows are closed while they are rebuilt, no
hot-plug reserve, what had a place must keep it and nothing else counts, a device once given up stays given up.
"""

from __future__ import annotations

from attrs import frozen

from movsdk.kernel.enable import EnableRules
from movsdk.layout.placing import assign_resource, insert_fixed, program_if_closed, sorted_by_alignment
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
    WindowWrite,
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
def _range(segment: Segment | None, index: int) -> Range:
    """Range `index` if it counts; a range that starts and ends at one address does not."""
    covered = segment.fixed_range[index] if segment is not None else None
    return covered if covered is not None and covered[0] < covered[1] else None


def _extended(covered: tuple[int, int], start: int, last: int) -> tuple[int, int]:
    # Start 0 means "nothing yet", so a range that really starts at 0 loses its start.
    return (start if not covered[0] or covered[0] > start else covered[0]), max(covered[1], last)


def ranges(segment: Segment) -> None:
    """Hull of the assigned fixed BARs below each bus, leaves first."""
    hull = [_EMPTY, _EMPTY, _EMPTY]
    for row in segment.rows:
        if row.child is not None:
            ranges(row.child)
    for row in segment.rows:
        for resource in placed_bars(row):
            if fixed(row, resource.index):
                index = range_index(resource.flags)
                hull[index] = _extended(hull[index], resource.start, resource.last)
        for index in range(3):
            below = _range(row.child, index)
            if below is not None:
                hull[index] = _extended(hull[index], *below)
    segment.fixed_range = list(hull)


# --- release (patches 2, 5) ------------------------------------------------------------------------------------
def release(turn: Turn) -> None:
    """Give up windows, closing their registers at once, and everything movable in them; at last what sits on the apertures."""
    for segment, window in windows_to_give_up(turn.root):
        _cut(segment, window)
        forget_window(window)
        if window.row is not None:
            turn.journal.append(WindowWrite.closed(window.row, window.index - BRIDGE_RESOURCES))
    for aperture in turn.root.windows:
        _cut(turn.root, aperture)


def _cut(segment: Segment, holder: Resource) -> None:
    """Detach what `holder` holds on this bus. A window cut through a window of another kind ends with both alignment flags."""
    for row in segment.rows:
        for resource in row.resources[:BRIDGE_RESOURCES] + row.windows:
            if not resource.flags or resource.parent is not holder:
                continue
            size = resource.size
            resource.detach()
            if row.child is not None:
                _cut(row.child, resource)
            if not fixed(row, resource.index):
                resource.flags = resource.flags & ~STARTALIGN | SIZEALIGN
                resource.set_span(0, size - 1)


# --- sizing (patches 8, 9) ---------------------------------------------------------------------------------------
@frozen
class _Sizing:
    """`layout.sizing.SizingRules` of v5."""

    def reserve_of(self, bridge: Row) -> Reserve:
        return NO_RESERVE

    def io_floors(self, segment: Segment, extra: int) -> tuple[int, int]:
        return span_of(_range(segment, 0)), 0

    def mem_floor(self, segment: Segment, window: Resource, is_wide: bool, extra: int) -> int:
        # The index follows the mask, not the window: beside a 64-bit prefetchable window the memory window looks at its range.
        return span_of(_range(segment, 2 if is_wide else 1))

    def counts(self, row: Row, index: int) -> bool:
        return not row.bars_disabled or bool(row.resources[index].flags & IO)

    def alignment(self, resource: Resource) -> int | None:
        if resource.row is not None and fixed(resource.row, resource.index):
            return None
        return resource.alignment


def size(turn: Turn) -> None:
    """Size every window, without any reserve."""
    size_bus(turn.root, _Sizing(), None)


# --- placing (patches 12-14) ---------------------------------------------------------------------------------------
def place(turn: Turn) -> None:
    """Place everything, bus by bus from the root: fixed entries first, both in order of alignment."""
    lowest: dict[int, int] = {}
    _find_lowest(turn.root, lowest)
    _place_bus(turn.root, turn, lowest)


def _find_lowest(segment: Segment, lowest: dict[int, int]) -> None:
    """Least address of each window that must cover fixed BARs, after a look at the neighbours (patch 12)."""
    for row in segment.rows:
        if row.child is None:
            continue
        for number, window in enumerate(row.windows):
            covered = _range(row.child, number)
            if covered is None:
                continue
            start = (covered[1] - window.size + 1) & M64
            start = min(start, covered[0])
            for other in segment.rows:
                near = _range(other.child, number) if other is not row else None
                if near is not None and start < near[1] < covered[0]:
                    start = near[1]  # the kernel forgets the + 1
            lowest[id(window)] = start
        _find_lowest(row.child, lowest)


def _is_anchored(resource: Resource) -> bool:
    row = resource.row
    if row is None:
        return False
    if resource.is_window:
        return _range(row.child, range_index(resource.flags)) is not None
    return fixed(row, resource.index)


def _place_bus(segment: Segment, turn: Turn, lowest: dict[int, int]) -> None:
    rows = [row for row in segment.rows if not row.bars_disabled]
    queue = sorted_by_alignment(rows, lambda _row, resource: not resource.flags & PCI_FIXED)
    for resource in queue:
        if _is_anchored(resource):
            _place_one(segment, resource, turn, lowest)
    # A window that failed above has lost its type and may look different now: it gets a second turn.
    for resource in queue:
        if resource.parent is None and not _is_anchored(resource):
            _place_one(segment, resource, turn, lowest)
    for row in rows:
        if row.child is not None:
            _place_bus(row.child, turn, lowest)
            program_if_closed(row, turn.placing)


def _place_one(segment: Segment, resource: Resource, turn: Turn, lowest: dict[int, int]) -> None:
    row = resource.row
    if row is None:
        return
    if not resource.is_window and resource.start and fixed(row, resource.index):
        if resource.flags & UNSET or not insert_fixed(segment, resource):
            turn.placing.note(resource)
        return
    had_type = bool(resource.flags)
    if not assign_resource(segment, resource, turn.placing, lowest.get(id(resource))) and resource.is_window and had_type:
        resource.wipe()


# --- the retry loop (patches 6, 10) -----------------------------------------------------------------------------------
def accept(turn: Turn) -> bool:
    """Nobody lost what it had when the rescan began; what had no place is tried but not required."""
    return nothing_lost(turn.root)


def fallback(turn: Turn) -> bool:
    """One newcomer less, bridges before what is behind them."""
    victim = next((row for row in turn.root.walk() if not row.is_added and not row.bars_disabled), None)
    if victim is None:
        return False
    victim.bars_disabled = True
    release(turn)
    return True


def programmed(segment: Segment) -> list[Row]:
    """Bridges written at the end: not new and not given up, children before their parent."""
    rows: list[Row] = []
    for row in segment.rows:
        if row.is_added and not row.bars_disabled and row.child is not None:
            rows += programmed(row.child)
    if segment.bridge is not None:
        rows.append(segment.bridge)
    return rows


V5 = Rules(
    name="v5",
    about="the series as of v5 (23 patches) on linux 5.10",
    enable=EnableRules(reenables_bridges="windows", counts_after_success=True),
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
        order=("wake", "pause", "scan", "ranges", "release", "attempts", "bridges", "resume", "bind"),
    ),
)
