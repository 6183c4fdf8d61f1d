"""Ways of choosing schedules, behind one interface."""

# A tuple of calls makes a task of several steps.
# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from movsdk.explore import Atomic, Budget, Completion, Dfs, Dpor, RandomWalk, Twice, World, explore, note
from movsdk.explore.run import Run
from movsdk.points import checkpoint
from tests.explore.enable_race import EnableRace


def two_writers(world: World) -> None:
    """Two tasks, two operations each, on one cell."""
    count = Atomic("count")
    for name in ("a", "b"):
        world.spawn(name, lambda: (count.set(1), count.set(2)))


@pytest.mark.parametrize(
    ("strategy", "runs", "verdict"),
    [
        pytest.param(Dpor(), 6, "proved", id="dpor"),
        pytest.param(Dfs(), 6, "proved", id="all"),
        pytest.param(Dfs(is_sleeping=True), 6, "proved", id="sleep sets"),
        pytest.param(Dfs(preemptions=0), 2, "bounded", id="no preemption"),
        pytest.param(Dfs(preemptions=1), 4, "bounded", id="one preemption"),
        pytest.param(Dfs(preemptions=3), 6, "proved", id="a bound that leaves nothing out"),
        pytest.param(RandomWalk(25, seed=3), 25, "sampled", id="random"),
        pytest.param(Twice(Dpor()), 12, "proved", id="twice"),
    ],
)
def test_a_strategy_claims_what_it_did(strategy: Any, runs: int, verdict: str) -> None:
    """Four operations of two tasks have six orders; a bound says bounded only where it left something out."""
    result = explore(two_writers, strategy)
    assert (result.runs, result.verdict) == (runs, verdict)


def test_who_waits_is_not_preempted() -> None:
    """A task that has to wait lets another go on for nothing: one preemption is left to find the lost update."""

    def program(world: World) -> None:
        count, started, go = Atomic("count"), Completion("started"), Completion("go")

        def first() -> None:
            started.complete()
            go.wait()
            count.set(count.read() + 1)

        def second() -> None:
            started.wait()
            go.complete()
            count.set(count.read() + 1)

        world.spawn("first", first)
        world.spawn("second", second)
        world.finally_("two", lambda: count.value == 2)

    assert explore(program, Dfs(preemptions=0)).verdict == "bounded"
    assert explore(program, Dfs(preemptions=1)).verdict == "failed"


def test_a_strategy_may_be_used_again() -> None:
    """Exploring works on a copy: the same value gives the same result."""
    walk = RandomWalk(10, seed=1)
    assert [explore(two_writers, walk).runs for _ in range(2)] == [10, 10]


def test_a_random_walk_is_the_same_for_the_same_seed() -> None:
    """A sampled result can be had again."""
    found = [explore(EnableRace(), RandomWalk(200, seed=seed), shorten=False).first_bug for seed in (1, 1, 2, 3)]
    assert found[0] == found[1]
    assert len(set(found)) > 1


def test_a_spent_budget_is_said() -> None:
    """A part of the space is bounded; a part of a sample is sampled."""
    whole = explore(EnableRace(variant="v5"), Dfs(), budget=Budget(runs=50))
    assert (whole.verdict, whole.runs, whole.note) == ("bounded", 50, "the budget ended after 50 runs")
    assert explore(two_writers, RandomWalk(100), budget=Budget(runs=5)).verdict == "sampled"
    assert explore(EnableRace(bridges=3), budget=Budget(seconds=0), stop=False).runs == 0


class Backwards:
    """A strategy of three methods: one run, the latest task first."""

    claim = "sampled"

    def __init__(self) -> None:
        self.left = 1

    def begin(self) -> Sequence[int] | None:
        return () if self.left else None

    def choose(self, run: Run) -> int:
        return run.enabled_at[-1].bit_length() - 1

    def finish(self, run: Run) -> None:
        self.left -= 1


def test_anything_with_three_methods_is_a_strategy() -> None:
    """Users may bring their own."""
    assert (explore(two_writers, Backwards()).runs, explore(EnableRace(), Backwards()).verdict) == (1, "sampled")


unstable = itertools.count()


@pytest.mark.parametrize(
    ("label", "strategy", "note"),
    [
        pytest.param(lambda: f"step {next(unstable)}", None, "run 1: operation 1: a announced 'step", id="every run is another"),
        pytest.param(lambda: f"step {next(unstable) // 5}", None, "where 'step", id="the sixth run is another"),
        pytest.param(lambda: f"step {next(unstable) // 5}", Twice(RandomWalk(30)), "where 'step", id="twice, at random"),
    ],
)
def test_a_program_that_does_not_do_the_same_again_is_said_to(label: Any, strategy: Any, note: str) -> None:
    """Clocks, ids, unseeded random: no other verdict can be trusted."""

    def program(world: World) -> None:
        text = label()
        for name in ("a", "b"):
            world.spawn(name, lambda: [checkpoint(f"{text} {n}", ("x",), ("x",)) for n in range(4)])

    result = explore(program, strategy)
    assert result.verdict == "nondeterministic"
    assert note in result.note


def test_cells_that_are_ids_are_noticed() -> None:
    """An `id()` in a cell is another cell in the next run: the dependency would be lost."""
    keep = []

    def program(world: World) -> None:
        thing = object()
        keep.append(thing)
        for name in ("a", "b"):
            world.spawn(name, lambda: checkpoint("use", (), (("thing", id(thing)),)))

    result = explore(program)
    assert (result.verdict, "announced 'use'" in result.note) == ("nondeterministic", True)


def test_a_failure_that_comes_and_goes_is_not_reported_as_one() -> None:
    """The same operations, but another outcome."""
    toggle = itertools.cycle([True, False])

    def program(world: World) -> None:
        world.spawn("a", lambda: checkpoint("x"))
        world.finally_("lucky", lambda: next(toggle))

    result = explore(program)
    assert (result.verdict, "the run failed differently" in result.note) == ("nondeterministic", True)


def test_a_value_that_differs_is_enough() -> None:
    """A clock that is written down changes no operation in this run; in another schedule it might."""
    clock = itertools.count(1)

    def program(world: World) -> None:
        stamp = Atomic("stamp")
        world.spawn("task", lambda: stamp.set(next(clock)))

    result = explore(program)
    assert result.verdict == "nondeterministic"
    assert result.note.startswith("run 1: operation 1: W stamp = 1, and then, with the same schedule, = 2; look for clocks")


def test_twice_compares_values_in_every_run() -> None:
    """Also in schedules that the first run did not take."""
    clock = itertools.count(1)

    def program(world: World) -> None:
        flag, stamp = Atomic("flag"), Atomic("stamp")
        world.spawn("first", lambda: flag.set(1))
        world.spawn("second", lambda: None if flag.read() else stamp.set(next(clock)))

    assert explore(program).verdict == "proved"
    result = explore(program, Twice(Dpor()))
    assert (result.verdict, "operation 2: W stamp = " in result.note) == ("nondeterministic", True)


def test_where_an_object_lies_is_no_value() -> None:
    """The default text of an object names its address, which differs from run to run and means nothing."""

    def program(world: World) -> None:
        kept: list[object] = []  # so that the next is made elsewhere

        def task() -> None:
            kept.append(object())
            checkpoint("look")
            note(f"saw {kept[-1]}")

        world.spawn("task", task)
        keep.append(kept)

    keep: list[object] = []
    assert explore(program, Twice(Dpor())).verdict == "proved"
