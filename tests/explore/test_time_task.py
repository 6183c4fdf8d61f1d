"""The ordinary clock under several tasks."""

# A tuple of calls makes a task of several steps.
# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import pytest

from movsdk.clock import Clock
from movsdk.explore import Atomic, Mutex, World, explore
from movsdk.explore.time_task import TimeTask
from movsdk.points import checkpoint


def clocked(world: World) -> Clock:
    clock = Clock()
    TimeTask(world, clock)
    return clock


def test_several_tasks_wait_at_once() -> None:
    """Each for its own time, in the order of their ends; timers set before the tasks ran fall due between."""

    def program(world: World) -> None:
        clock, log = clocked(world), []
        clock.call_later(15, lambda: log.append(clock.now))
        for duration in (30, 10, 20):
            world.spawn(f"sleeper {duration}", lambda duration=duration: (clock.advance(duration), log.append(clock.now)))
        world.finally_("in order", lambda: log == [10, 15, 20, 30])

    assert explore(program).verdict == "proved"


def test_time_stands_still_when_nobody_waits() -> None:
    """A timer that sets itself again, as a screen's vblank does, keeps no run from ending."""

    def program(world: World) -> None:
        clock, frames = clocked(world), []

        def frame() -> None:
            frames.append(clock.now)
            clock.call_later(16, frame, "vblank")

        clock.call_later(16, frame, "vblank")
        world.spawn("viewer", clock.advance, 50)
        world.finally_("three frames", lambda: frames == [16, 32, 48])

    result = explore(program)
    assert (result.verdict, result.complete) == ("proved", 1)


def test_what_falls_due_runs_beside_the_tasks() -> None:
    """In a task of its own: it may wait for a lock that a task holds which waits for time."""

    def program(world: World) -> None:
        clock, lock, log = clocked(world), Mutex("lock"), []

        def bell() -> None:
            with lock:
                log.append("bell")

        def task() -> None:
            with lock:
                clock.advance(10)
                log.append("task")
            clock.advance(10)

        clock.call_later(5, bell, "bell")
        world.spawn("task", task)
        world.finally_("one after the other", lambda: log == ["task", "bell"])

    assert explore(program).verdict == "proved"


def test_a_condition_is_looked_at_when_something_has_ended() -> None:
    """By the task that waits, in steps of its own; at the end of the wait once more."""

    def program(world: World) -> None:
        clock, count, answers = clocked(world), Atomic("count"), []
        clock.call_later(5, lambda: count.set(count.value + 1), "device")

        def driver() -> None:
            answers.append((clock.run_until(lambda: count.read() == 1, 100), clock.now))
            answers.append((clock.run_until(lambda: count.read() == 2, 100), clock.now))

        world.spawn("driver", driver)
        world.finally_("seen at once, and in vain", lambda: answers == [(True, 5), (False, 105)])

    assert explore(program).verdict == "proved"


def test_what_is_due_has_begun_after_run_pending() -> None:
    """Time does not move for it."""

    def program(world: World) -> None:
        clock = clocked(world)
        log: list[object] = []

        def task() -> None:
            clock.call_soon(lambda: log.append("soon"), "soon")
            clock.call_later(1, lambda: log.append("later"), "later")
            clock.run_pending()
            log.append(clock.now)

        world.spawn("task", task)
        world.finally_("due only", lambda: log == ["soon", 0])

    assert explore(program).verdict == "proved"


def test_outside_of_tasks_time_just_passes() -> None:
    """In the set-up and in what is asked at the end it is the clock it was."""

    def program(world: World) -> None:
        clock, log = clocked(world), []
        clock.call_later(5, lambda: log.append(clock.now))
        clock.advance(10)
        world.spawn("task", clock.advance, 1)
        world.finally_("plain again", lambda: log == [5] and clock.run_until(lambda: False, 3) is False and clock.now == 14)

    assert explore(program).verdict == "proved"


@pytest.mark.parametrize(("is_patient", "orders"), [(True, {"work, wake"}), (False, {"work, wake", "wake, work"})])
def test_a_sleep_may_end_while_others_are_slow(is_patient: bool, orders: set[str]) -> None:
    """On an impatient clock who sleeps may wake before another task has gone on, also if no timer is set."""
    seen: set[str] = set()

    def program(world: World) -> None:
        clock, done = Clock(), list[str]()
        TimeTask(world, clock, is_patient=is_patient)

        def sleeper() -> None:
            checkpoint("lies down", (), (("bed",),))
            clock.advance(1000)
            checkpoint("wakes", (), (("order",),))
            done.append("wake")

        def worker() -> None:
            for _ in range(2):
                checkpoint("works", (), (("order",),))
            done.append("work")

        world.spawn("sleeper", sleeper)
        world.spawn("worker", worker)

        def note() -> bool:
            seen.add(", ".join(done))
            return True

        world.finally_("noted", note)

    explore(program, stop=False)
    assert seen == orders


def test_who_reads_the_clock_depends_on_time_that_passes_early() -> None:
    """`clock.now` is announced by nobody, so early time writes what everything reads: else "proved" would be false here."""

    def program(world: World) -> None:
        clock, seen = Clock(), list[int]()
        TimeTask(world, clock, is_patient=False)

        def looks() -> None:
            checkpoint("looks", (), (("own",),))
            seen.append(clock.now)

        world.spawn("looks", looks)
        world.spawn("sleeps", lambda: clock.advance(5))
        world.finally_("looked late", lambda: seen == [5])

    result = explore(program)
    assert result.verdict == "failed"
    assert result.first_bug != 1  # the first run is the one in which time passes first
