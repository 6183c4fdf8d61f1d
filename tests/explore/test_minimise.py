"""From a failing run to a short story."""

from __future__ import annotations

import pytest

from movsdk.explore import Atomic, RandomWalk, World, explore
from movsdk.explore.minimise import deciding_pair, gathered, preemptions, shorten
from movsdk.explore.schedule import write
from movsdk.explore.session import Session, first, has, length_to
from tests.explore.enable_race import EnableRace


def failing(program: object, seed: int) -> tuple[Session, object, str]:
    """The first failing run of a random walk."""
    session = Session(program)  # type: ignore[arg-type]  # a program
    walk = RandomWalk(2000, seed)
    while walk.begin() is not None:
        run = session.run((), walk.choose)
        if run.findings:
            return session, run, first(run).name
    raise AssertionError("nothing failed")


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("program", "least"), [(EnableRace(), 1), (EnableRace(variant="v9", port=True), 1)])
def test_a_random_failure_becomes_the_least_one(program: EnableRace, least: int, seed: int) -> None:
    """However wild the run that was found: what is reported needs as few preemptions as any, and the report says so."""
    session, run, name = failing(program, seed)
    shortest = shorten(session, run, name)  # type: ignore[arg-type]  # a Run
    assert (shortest.preemptions, shortest.is_least) == (least, True)
    assert has(shortest.run, name)
    assert len(shortest.schedule.switches) <= 4


def test_little_patience_gives_a_longer_story_and_says_so() -> None:
    """With no runs left to look for less, the report does not claim to be least."""
    session, run, name = failing(EnableRace(variant="v5", port=True, drivers=1), 1)
    shortest = shorten(session, run, name, replays=5)  # type: ignore[arg-type]  # a Run
    assert has(shortest.run, name)
    assert not shortest.is_least
    assert shortest.replays <= 8


@pytest.mark.parametrize("seed", range(4))
def test_moving_independent_operations_together_keeps_the_failure(seed: int) -> None:
    """An equivalent run fails in the same way, with no more preemptions."""
    session, run, name = failing(EnableRace(), seed)
    length = length_to(run, name)  # type: ignore[arg-type]  # a Run
    moved = session.again(gathered(run, length))  # type: ignore[arg-type]  # a Run
    assert has(moved, name)
    assert preemptions(moved, length_to(moved, name)) <= preemptions(run, length)  # type: ignore[arg-type]  # a Run


def test_the_pair_whose_order_matters() -> None:
    """Of all races of a failing run, the latest that decides: turned round, the run does not fail in this way."""

    def program(world: World) -> None:
        noise, pointer = Atomic("noise"), Atomic("pointer", 1)

        def user() -> None:
            noise.add(1)
            if pointer.read() == 0:
                raise LookupError("nothing there")

        def owner() -> None:
            noise.add(1)
            pointer.set(0)

        world.spawn("user", user)
        world.spawn("owner", owner)

    result = explore(program)
    assert result.failure is not None
    assert result.failure.pair is not None
    lines = result.failure.timeline.splitlines()
    first_line, second_line = (next(line for line in lines if line.startswith(f"{at:4}>")) for at in result.failure.pair)
    assert ("W pointer = 0" in first_line, "R pointer = 0" in second_line) == (True, True)


def test_a_failure_in_every_order_has_no_such_pair() -> None:
    """Nothing to turn round."""

    def program(world: World) -> None:
        count = Atomic("count")
        world.spawn("a", count.set, 1)
        world.spawn("b", count.set, 2)
        world.finally_("three", lambda: count.value == 3)

    session = Session(program)
    run = session.run((), lambda run: run.usual(len(run.ops)))
    assert deciding_pair(session, run, "three") is None
    assert str(write(run, 2)).startswith("2#")
