"""DPOR against brute force on the real bus: whatever some order of two tasks can lead to, DPOR has seen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

import pytest

from movsdk import points
from movsdk.explore import Budget, Dfs, RandomWalk, Result, Strategy, explore
from movsdk.kernel.mmio import IoMem
from tests.testing.bus_programs import ACTS, BusProgram

PAIRS = (
    ("frees", "stores", "memory that was freed", "ram"),
    ("CPU looks", "stores", "memory of a device, from the CPU", "ram"),
    ("stores near", "fetches", "bytes of one buffer", "ram"),
    ("reads the other BAR", "writes", "what two BARs of a card share", "device"),
    ("stores to a peer", "reads the other BAR", "a card that another one writes to", "device"),
    ("unmaps", "reads", "a mapping that is closed", "mapping"),
    ("claims the bus", "reads a register", "a bus that another bridge claims", "buses"),
    ("closes the window", "stores to a peer", "a window on the way to a peer", "map"),
)


def ran(program: BusProgram, strategy: Strategy | None = None, runs: int | None = None) -> Result:
    """Run it, and go on after failures."""
    return explore(program, strategy, stop=False, shorten=False, budget=Budget(runs=runs))


@pytest.mark.parametrize("is_declared", [False, True], ids=["covered", "declared"])
def test_whatever_can_happen_was_seen(is_declared: bool) -> None:
    """Random programs; bounded search and random orders find no outcome that DPOR has not."""
    for seed in range(6):
        proved, brute = (BusProgram.of_seed(seed, is_declared=is_declared) for _ in "pb")
        if "budget" in ran(proved, runs=150).note:
            continue
        ran(brute, Dfs(2), runs=40)
        ran(brute, RandomWalk(10, seed))
        assert brute.outcomes <= proved.outcomes, f"seed {seed}: {brute}"


def pair(one: str, other: str) -> BusProgram:
    """Two tasks of an act each; the second is card 1's, unless both are about the same card."""
    is_same = one in ("reads the other BAR", "unmaps")
    return BusProgram((((one, 0),), ((other, 0 if is_same else 1),)), is_declared=True)


@pytest.mark.parametrize(("one", "other", "cell"), [pytest.param(one, other, cell, id=what) for one, other, what, cell in PAIRS])
def test_a_cell_that_is_left_out_loses_an_outcome(one: str, other: str, cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both orders are seen; without what makes the two depend on each other, one of them is not."""
    program, blind = pair(one, other), pair(one, other)
    ran(program)

    without(cell, monkeypatch)
    ran(blind)

    assert len(blind.outcomes) < len(program.outcomes)


def without(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every announcement forget the cells of one kind."""
    whole = points.checkpoint

    def forgetful(
        label: str,
        reads: Iterable[Hashable] = (),
        writes: Iterable[Hashable] = (),
        guard: Callable[[], bool] | None = None,
    ) -> None:
        left = [[cell for cell in cells if not (isinstance(cell, tuple) and cell[0] == kind)] for cells in (reads, writes)]
        whole(label, left[0], left[1], guard)

    def forgetful_mention(label: str, reads: Iterable[Hashable] = (), writes: Iterable[Hashable] = ()) -> None:
        forgetful(label, reads, writes, points.mentioned)

    monkeypatch.setattr("mockbus.footprint.points.checkpoint", forgetful)
    monkeypatch.setattr("mockbus.footprint.points.mention", forgetful_mention)
    if kind == "mapping":
        monkeypatch.setattr(IoMem, "cells", ())


def test_every_act_is_drawn() -> None:
    """The programs of the suite and of a night use all there is."""
    drawn = {name for seed in range(200) for acts in BusProgram.of_seed(seed).acts for name, _ in acts}
    assert drawn == ACTS.keys()
