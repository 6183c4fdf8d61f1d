"""Schedules as text: what they say, and that they notice a program that has changed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movsdk.errors import BadInput
from movsdk.explore import Atomic, Drift, World, explore, replay
from movsdk.explore.schedule import Schedule, parse


def lost_update(world: World, name: str = "count", extra: int = 0) -> None:
    """Two tasks add 1 without a lock."""
    count = Atomic(name)

    def add() -> None:
        for _ in range(extra):
            count.read()
        count.set(count.read() + 1)

    world.spawn("a", add)
    world.spawn("b", add)
    world.finally_("both counted", lambda: count.value == 2)


def test_a_schedule_says_who_goes_on_where_it_is_not_the_usual() -> None:
    """Operation 2 is b's, 4 is a's again; four operations whose labels hash to six digits."""
    result = explore(lost_update)
    assert result.schedule is not None
    assert result.schedule.startswith("2b4#")
    assert replay(lost_update, result.schedule).schedule == result.schedule


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(0, 800)), unique_by=lambda pair: pair[0]),
    st.integers(500, 600),
    st.integers(0, 0xFFFFFF),
)
def test_reading_what_was_written_gives_the_same(switches: list[tuple[int, int]], length: int, digest: int) -> None:
    """For any tasks and places."""
    schedule = Schedule(tuple(sorted(switches)), length, f"{digest:06x}")
    assert parse(str(schedule)) == schedule


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "'' is no schedule"),
        ("6b8a31", "'6b8a31' is no schedule"),
        ("6B8a31#3f9c21", "is no schedule"),
        ("8a6b31#3f9c21", r"its operations \[8, 6\] do not rise from 1 to 31"),
        ("0a31#3f9c21", "do not rise"),
        ("32a31#3f9c21", "do not rise"),
    ],
)
def test_what_is_no_schedule_is_refused(text: str, problem: str) -> None:
    """With an example of one that is."""
    with pytest.raises(BadInput, match=problem):
        parse(text)


@pytest.mark.parametrize(
    ("name", "extra", "problem"),
    [
        ("users", 0, "its 4 operations are others now"),
        ("count", 1, "its 4 operations are others now"),
    ],
)
def test_a_changed_program_is_noticed(name: str, extra: int, problem: str) -> None:
    """Other labels mean another schedule: a replay of something else would be worse than none."""
    schedule = explore(lost_update).schedule
    assert schedule is not None
    with pytest.raises(Drift, match=problem) as caught:
        replay(lambda world: lost_update(world, name, extra), schedule)
    assert str(caught.value).endswith(
        "the program announces other operations than when the schedule was written: explore it again"
    )


def test_a_schedule_that_cannot_be_followed_says_where() -> None:
    """A task that cannot go on where the schedule wants it."""
    with pytest.raises(Drift, match=r"operation 2 is c's, but only a \(a\), b \(b\) can go on"):
        replay(lost_update, "2c4#000000")


def test_a_run_that_is_too_short_is_drift() -> None:
    """The operations that the schedule counts are not there."""
    with pytest.raises(Drift, match="the run ended after 4 operations"):
        replay(lost_update, "9#000000")


def test_private_code_may_change() -> None:
    """What is not announced is not counted."""

    def tidier(world: World) -> None:
        count = Atomic("count")

        def read_and_write() -> None:
            value = count.read()
            wanted = sum([value, 1])
            count.set(wanted)

        world.spawn("one", read_and_write)
        world.spawn("other", read_and_write)
        world.finally_("both counted", lambda: count.value == 2)

    schedule = explore(lost_update).schedule
    assert schedule is not None
    assert replay(tidier, schedule).verdict == "failed"


def test_every_schedule_that_a_test_is_told_is_replayed(replayed: list[str]) -> None:
    """The fixture of this folder follows it in a new session."""
    result = explore(lost_update)
    assert replayed == [result.schedule]


def test_a_schedule_that_does_not_replay_fails_its_test() -> None:
    """Here the program changes its labels right after the report."""
    calls = itertools.count()
    last = 10_000

    def program(world: World) -> None:
        if next(calls) < last:
            lost_update(world)
        else:
            world.spawn("other", lambda: Atomic("other").set(1))

    explore(program)
    last, calls = next(calls) - 1, itertools.count()
    with pytest.raises(AssertionError, match="2b4#340962 does not replay both counted"):
        explore(program)
