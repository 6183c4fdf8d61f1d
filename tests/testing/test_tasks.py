"""The hand through which tests set tasks up: what it refuses, and what a bench says to tasks that get in each other's way."""

from __future__ import annotations

import pytest

from movsdk.bench.bench import Bench
from movsdk.errors import BadInput
from movsdk.explore import Budget, Result, World, explore
from movsdk.testing.tasks import Tasks
from tests.testing.test_explore_soundness import Card, Driver


def explored(*, removes_first: bool) -> Result:
    """A forced move beside a removal, in the order of creation first."""

    def program(world: World) -> None:
        tasks, bench = Tasks(world), Bench(faults="hardware", strict=False)
        dev = bench.plug(Driver, Card())
        tasks.watch(bench)
        acts = [("remove", bench.remove), ("move", bench.force_move)]
        for name, act in acts if removes_first else reversed(acts):
            tasks.spawn(name, act, dev)

    return explore(program, shorten=False, budget=Budget(runs=20))


@pytest.mark.parametrize("removes_first", [True, False])
def test_a_move_beside_a_removal_says_what_happened(removes_first: bool) -> None:
    """Not that windows are too small: the card went away, and who moves it has to reckon with that."""
    failure = explored(removes_first=removes_first).failure

    assert failure is not None
    assert failure.name == "BadInput"
    assert failure.message.startswith("card0 (0000:01:00.0): it ")
    assert failure.message.endswith("who moves a card that another task removes, pulls or moves catches BadInput")


def test_a_bench_is_watched_before_tasks_are_spawned() -> None:
    """A task that is there already would have no cells for its driver's state, and the proof no worth."""

    def program(world: World) -> None:
        tasks, bench = Tasks(world), Bench()
        tasks.spawn("user", lambda: None)
        tasks.watch(bench)

    with pytest.raises(BadInput, match=r"watch\(bench\) comes before spawn\(\)"):
        explore(program)


def test_what_is_spawned_can_be_called() -> None:
    """A function that was called already is the usual slip."""

    def program(world: World) -> None:
        Tasks(world).spawn("user", 42)  # type: ignore[arg-type]  # that is the mistake

    with pytest.raises(BadInput, match=r"spawn\('user', \.\.\.\): 42 is no function; its arguments come after it"):
        explore(program)
