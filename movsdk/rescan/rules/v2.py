"""Rules `v2`: the series as posted in March 2019 (21 patches), on linux 5.10.

The mails of v2 are lost but for the cover letter, so this is v5's algorithm with what is known to differ: BARs that must stay are
*marked* with PCI_FIXED (patch 7), a newcomer given up is ignored and leaves the device list (patch 6), and the feature is on for
x86 only (patch 21). What is concluded and not read stands in `INFERRED`.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve

from movsdk.kernel.cmdline import FeatureSwitch
from movsdk.kernel.enable import EnableRules
from movsdk.kernel.power import PowerRules
from movsdk.kernel.powernv import SKIPS_UNSET
from movsdk.layout.table import PCI_FIXED, Resource, Row
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.rescan.rules import v5, v5_placing
from movsdk.rescan.rules.record import Moves, Rules, Sizing, Turn

INFERRED: Final = (
    "sizes, ranges, order and addresses are v5's: the nearest version that can be read (patches 2, 5, 8-14)",
    "BARs are marked before each placing, in a rescan after the scan, and anew each time; who is marked is v5's test: no rescan "
    "hooks, or VGA (patch 7)",
    "a marked BAR takes part in placing, where v5 loses one that the platform pinned: else patch 7 would lose every one it marks",
    "an ignored newcomer is skipped by sizing (I/O too, not so in v5) and placing, is not added, and is found anew by the next "
    "rescan (patch 6)",
    "restoring writes where BARs and windows are now (patch 1); later versions do without the patch",
    "defects that v3's change log names are not modelled: fixed prefetchable BARs not assigned, windows assigned twice",
    "enabling is v5's, mutex and counting included (patches 15 and 16); bridges are woken to D0, not only from D3cold (patch 20)",
)


# --- who may move (patch 7) ---------------------------------------------------------------------------------
def mark(row: Row) -> None:
    """Note what has a place now, and take back the marks of the last rescan."""
    for index in range(BRIDGE_RESOURCES):
        if row.pinned >> index & 1:
            row.resources[index].flags &= ~PCI_FIXED
    row.pinned = 0
    v5.mark(row)


def pin(turn: Turn) -> None:
    """Mark the BARs of devices that know nothing of moving; the platform's own marks stay apart."""
    for row in turn.root.walk():
        if v5.is_movable(row):
            continue
        for resource in row.resources[:BRIDGE_RESOURCES]:
            if resource.flags and not resource.flags & PCI_FIXED:
                resource.flags |= PCI_FIXED
                row.pinned |= 1 << resource.index


def fixed(row: Row, index: int) -> bool:
    """Whether the mark says so."""
    return index < BRIDGE_RESOURCES and bool(row.resources[index].flags & PCI_FIXED)


# --- who is tried (patch 6) -----------------------------------------------------------------------------------
def counts(_turn: Turn, row: Row, _index: int) -> bool:
    """Everything but what is ignored."""
    return not row.bars_disabled


def is_listed(_row: Row, _resource: Resource) -> bool:
    """Who is placed: marked BARs too."""
    return True


def fallback(turn: Turn) -> bool:
    """One newcomer less, bridges before what is behind them; it will be as if it were not there."""
    victim = v5.next_newcomer(turn)
    if victim is None:
        return False
    victim.bars_disabled = True
    turn.ignored.append(victim)
    turn.moves.release(turn)
    return True


V2 = Rules(
    name="v2",
    about="the series as posted (21 patches), v5's algorithm where nothing else is known",
    enable=EnableRules(reenables_bridges="windows", counts_after_success=True, mutex="device"),
    moves=Moves(
        opt_in=v5.opt_in,
        mark=mark,
        fixed=fixed,
        ranges=v5.ranges,
        release=v5.release,
        forget=v5.forget,
        size=Sizing(v5.reserve_of, v5.io_floors, v5.mem_floor, counts, v5.alignment),
        place=evolve(v5_placing.PLACEMENT, is_listed=is_listed),
        accept=v5.accept,
        fallback=fallback,
        programmed=v5.programmed,
        order=("wake", "pause", "scan", "pin", "ranges", "release", "attempts", "bridges", "resume", "bind"),
        pin=pin,
    ),
    switch=FeatureSwitch("pcie_movable_bars", frozenset({"x86"})),
    arch=frozenset({SKIPS_UNSET}),
    power=PowerRules(saves_bridges=False),
    inferred=INFERRED,
)
