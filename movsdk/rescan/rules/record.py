"""The shape of a set of rules: a frozen record of functions, and the state of one rescan that they share.

Knows no version. `v9`, `v5` and `off` beside it each fill the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define, frozen

from movsdk.kernel.enable import EnableRules
from movsdk.layout.placing import Placing
from movsdk.layout.table import IO, MEM_64, PREF, UNSET, Journal, Reserve, Resource, Row, Segment
from movsdk.pci_regs import BRIDGE_RESOURCES

Range = tuple[int, int] | None
"""What a window must cover: [start, last] in bytes, or nothing."""


@define(eq=False)
class Turn:
    """One rescan in progress. `root` is the root bus; `journal` collects register writes in order.

    `tries_failed`: BARs that had no place before are tried too. `expands`: hot-plug reserves are asked for (v9).
    """

    root: Segment
    placing: Placing
    reserve: Reserve
    tries_failed: bool = True
    expands: bool = True

    @property
    def journal(self) -> Journal:
        """Register writes not made yet."""
        return self.placing.journal


@frozen
class DriverFacts:
    """What opting in goes by: which hooks the bound driver has, and how to ask it about one BAR."""

    has_rescan_hooks: bool
    has_bar_fixed: bool
    ask: Callable[[int], bool]


@frozen
class Moves:
    """How BARs move: everything that differs between versions of the series.

    The functions, in the order a rescan uses them:
    `opt_in` the driver's word on each BAR, None where it has none · `mark` notes at pause what a function has ·
    `fixed` whether a BAR must stay · `ranges` what windows must cover · `release` gives everything movable up ·
    `size` bottom-up · `place` top-down · `accept` whether the attempt will do · `fallback` changes the terms for the next one
    (False: nothing left) · `programmed` whose windows are written at the end, in order.
    `order` the steps of the transaction (names of the engine's). `claims_fixed` / `boot_rescans`: firmware values at boot.
    """

    opt_in: Callable[[DriverFacts], tuple[bool, ...] | None]
    mark: Callable[[Row], None]
    fixed: Callable[[Row, int], bool]
    ranges: Callable[[Segment], None]
    release: Callable[[Turn], None]
    size: Callable[[Turn], None]
    place: Callable[[Turn], None]
    accept: Callable[[Turn], bool]
    fallback: Callable[[Turn], bool]
    programmed: Callable[[Segment], list[Row]]
    order: tuple[str, ...]
    claims_fixed: bool = True
    boot_rescans: bool = False
    skips_new_bridges: bool = False
    stops_at_subtractive: bool = False


@frozen
class Rules:
    """One kernel: its name in scenarios, a sentence, how it counts enables, and how BARs move (None: they do not)."""

    name: str
    about: str
    enable: EnableRules
    moves: Moves | None = None


def placed_bars(row: Row) -> Iterator[Resource]:
    """BARs and ROM that have a place now."""
    for resource in row.resources[:BRIDGE_RESOURCES]:
        if resource.flags and resource.parent is not None and not resource.flags & UNSET:
            yield resource


def assigned_mask(row: Row) -> int:
    """The same as bits 0-6."""
    return sum(1 << resource.index for resource in placed_bars(row))


def nothing_lost(segment: Segment) -> bool:
    """True if every BAR that had a place when the rescan began has one; devices given up, and those below, do not count."""
    for row in segment.rows:
        if row.bars_disabled:
            continue
        if row.res_mask & ~assigned_mask(row) or (row.child is not None and not nothing_lost(row.child)):
            return False
    return True


def span_of(covered: Range) -> int:
    """Bytes of a range; 0 for none."""
    return 0 if covered is None else covered[1] - covered[0] + 1


def range_index(flags: int) -> int:
    """Which window has to cover a fixed BAR with these flags: 0 I/O, 1 memory, 2 64-bit prefetchable (patch 11)."""
    if flags & IO:
        return 0
    return 2 if flags & PREF and flags & MEM_64 else 1
