"""The front door: verdicts, numbers, and what is printed."""

# A tuple of calls makes a task of several steps.
# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

from movsdk.explore import Budget, Dpor, World, explore, replay
from movsdk.points import checkpoint
from tests.explore.enable_race import EnableRace


def test_a_failure_stops_the_exploration_unless_all_are_wanted() -> None:
    """The first failure is enough for a report; counting all goes on to the end."""
    first, every = explore(EnableRace(), shorten=False), explore(EnableRace(), stop=False, shorten=False)
    assert (first.runs, first.first_bug) == (14, 14)
    assert (every.runs, every.first_bug, every.failing) == (134, 14, 56)


def test_a_result_prints_as_one_line_and_the_story() -> None:
    """What a user sees."""
    clean = explore(EnableRace(variant="v9"))
    failed = explore(EnableRace(), stop=False)
    assert str(clean) == "proved after 2 runs"
    assert str(failed).startswith("failed after 134 runs, first failure at run 14, 56 fail\nMMIO: ")
    assert str(failed).splitlines()[-1] == f"replay: {failed.schedule}"
    assert clean.schedule is None


def test_a_failure_that_was_found_outlives_the_budget() -> None:
    """The verdict is failed, with a note that not all was tried."""
    result = explore(EnableRace(), Dpor(), budget=Budget(runs=50), stop=False, shorten=False)
    assert (result.verdict, result.runs, result.note) == ("failed", 50, "the budget ended after 50 runs")


def test_progress_is_told_every_hundred_runs() -> None:
    """For a progress bar."""
    told: list[int] = []
    explore(EnableRace(variant="v9", port=True), stop=False, shorten=False, progress=told.append)
    assert told == [100, 200, 300, 400]


def test_a_program_without_tasks_is_proved() -> None:
    """One run, nothing in it."""

    def program(world: World) -> None:
        world.finally_("holds", lambda: True)

    assert (explore(program).verdict, explore(program).runs) == ("proved", 1)


def test_a_final_predicate_that_fails_in_the_set_up_has_no_operation() -> None:
    """The story has no lines, and still replays."""

    def program(world: World) -> None:
        world.finally_("never", lambda: False)

    result = explore(program)
    assert result.failure is not None
    assert (result.failure.operation, result.failure.message) == (0, "never does not hold at the end")
    assert result.schedule is not None
    assert replay(program, result.schedule).verdict == "failed"


def test_a_replay_of_a_clean_run_is_a_sample() -> None:
    """The bug was fixed: the schedule still fits, and nothing fails."""

    def program(bug: bool) -> object:
        def setup(world: World) -> None:
            seen = [0]

            def a() -> None:
                checkpoint("W", (), ("x",))
                seen[0] = 1

            def b() -> None:
                checkpoint("R", ("x",))
                assert not (bug and seen[0])

            world.spawn("a", a)
            world.spawn("b", b)

        return setup

    schedule = explore(program(True)).schedule  # type: ignore[arg-type]  # a program
    assert schedule is not None
    result = replay(program(False), schedule)  # type: ignore[arg-type]  # a program
    assert (result.verdict, result.runs) == ("sampled", 1)


def test_runs_do_not_stay_in_memory() -> None:
    """Only the last run is kept: exploring for hours does not eat the machine."""
    import gc
    import weakref

    alive: list[weakref.ref[object]] = []

    def program(world: World) -> None:
        thing = type("Thing", (), {})()
        alive.append(weakref.ref(thing))
        for name in ("a", "b", "c"):
            world.spawn(name, lambda: (checkpoint("use", (), ("x",)), thing))

    assert explore(program).runs == 6
    gc.collect()
    assert sum(ref() is not None for ref in alive) <= 1
