"""The shape of a set of rules: a frozen record of functions, and the state of one rescan that they share.

Knows no version. `v9`, `v5`, `v2` and `off` beside it each fill the record; their functions reach one another through it
(``turn.moves``), so that one that is replaced is replaced everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from attrs import define, field, frozen

from movsdk.kernel.cmdline import FeatureSwitch
from movsdk.kernel.enable import EnableRules
from movsdk.kernel.power import UNPATCHED, PowerRules
from movsdk.layout.placing import Placing
from movsdk.layout.sizing import size_bus
from movsdk.layout.table import IO, MEM_64, PREF, UNSET, Journal, Reserve, Resource, Row, Segment
from movsdk.pci_regs import BRIDGE_RESOURCES

_NO_SWITCH: Final = FeatureSwitch()
Range = tuple[int, int] | None
"""What a window must cover: [start, last] in bytes, or nothing."""


@define(eq=False)
class Turn:
    """One rescan in progress under `moves`. `root` is the root bus; `journal` collects register writes in order.

    `tries_failed`: BARs that had no place before are tried too. `expands`: hot-plug reserves are asked for (v9).
    `ignored`: newcomers that leave the device list when the rescan ends (v2).
    """

    moves: Moves
    root: Segment
    placing: Placing
    reserve: Reserve
    tries_failed: bool = True
    expands: bool = True
    ignored: list[Row] = field(factory=list)

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
class Sizing:
    """Pass 1 as one version has it: the five answers that `layout.sizing` asks for; `SizingRules` says what each means."""

    reserve_of: Callable[[Turn, Row], Reserve]
    io_floors: Callable[[Segment, int], tuple[int, int]]
    mem_floor: Callable[[Segment, Resource, bool, int], int]
    counts: Callable[[Turn, Row, int], bool]
    alignment: Callable[[Turn, Resource], int | None]

    def __call__(self, turn: Turn) -> None:
        """Size every window; there is one size only, no optional part."""
        size_bus(turn.root, _SizingOfTurn(self, turn), None)


@frozen
class _SizingOfTurn:
    """`layout.sizing.SizingRules` of a version in one rescan."""

    sizing: Sizing
    turn: Turn

    def reserve_of(self, bridge: Row) -> Reserve:
        return self.sizing.reserve_of(self.turn, bridge)

    def io_floors(self, segment: Segment, extra: int) -> tuple[int, int]:
        return self.sizing.io_floors(segment, extra)

    def mem_floor(self, segment: Segment, window: Resource, is_wide: bool, extra: int) -> int:
        return self.sizing.mem_floor(segment, window, is_wide, extra)

    def counts(self, row: Row, index: int) -> bool:
        return self.sizing.counts(self.turn, row, index)

    def alignment(self, resource: Resource) -> int | None:
        return self.sizing.alignment(self.turn, resource)


@frozen
class Moves:
    """How BARs move: everything that differs between versions of the series.

    The functions, in the order a rescan uses them:
    `opt_in` the driver's word on each BAR, None where it has none · `mark` notes at pause what a function has ·
    `fixed` whether a BAR must stay · `ranges` what windows must cover · `release` gives everything movable up ·
    `forget` what becomes of one resource that was released · `size` bottom-up · `place` top-down · `accept` whether the attempt
    will do · `fallback` changes the terms for the next one (False: nothing left) · `programmed` whose windows are written at the
    end, in order.
    `order` the steps of the transaction (names of the engine's). `pin` marks what must stay, for versions that keep a mark (v2).
    `tells` whether drivers are told by this hook. `on_slot_event` the rules that a slot's event goes by; None: it stays below its
    bridge.
    `claims_fixed` / `boot_rescans`: firmware values at boot. `reserves`: the first attempt asks for hot-plug reserves (v9).
    """

    opt_in: Callable[[DriverFacts], tuple[bool, ...] | None]
    mark: Callable[[Row], None]
    fixed: Callable[[Row, int], bool]
    ranges: Callable[[Turn], None]
    release: Callable[[Turn], None]
    forget: Callable[[Turn, Row, Resource], None]
    size: Sizing
    place: Callable[[Turn], None]
    accept: Callable[[Turn], bool]
    fallback: Callable[[Turn], bool]
    programmed: Callable[[Segment], list[Row]]
    order: tuple[str, ...]
    pin: Callable[[Turn], None] = lambda _turn: None
    tells: Callable[[str], bool] = lambda _hook: True
    on_slot_event: Callable[[Moves], Moves | None] = lambda moves: moves
    claims_fixed: bool = True
    boot_rescans: bool = False
    reserves: bool = False
    skips_new_bridges: bool = False
    stops_at_subtractive: bool = False


@frozen
class Rules:
    """One kernel: its name in scenarios, a sentence, how it counts enables, and how BARs move (None: they do not).

    `switch`: what turns the feature on and off (patches 3 and 21). `arch`: what the series changes in architecture code, words of
    `kernel.powernv` (patch 19). `power`: devices that sleep meanwhile (patches 1 and 20). `fits_min_mem`: see
    `arch.fitted_to_apertures()`. `unaware`: reference drivers without rescan hooks in this kernel (patch 18). `without`: patches
    taken out, see `without`. `inferred`: what is concluded and not read, a sentence each.
    """

    name: str
    about: str
    enable: EnableRules
    moves: Moves | None = None
    switch: FeatureSwitch = _NO_SWITCH
    arch: frozenset[str] = frozenset()
    power: PowerRules = UNPATCHED
    fits_min_mem: bool = False
    unaware: frozenset[str] = frozenset()
    without: tuple[int, ...] = ()
    inferred: tuple[str, ...] = ()


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


def bridges_last_first(segment: Segment, wanted: Callable[[Row], bool]) -> list[Row]:
    """The bridge above `segment` after all `wanted` ones below it, children before their parent."""
    rows = [
        bridge
        for row in segment.rows
        if row.child is not None and wanted(row)
        for bridge in bridges_last_first(row.child, wanted)
    ]
    return rows if segment.bridge is None else [*rows, segment.bridge]
