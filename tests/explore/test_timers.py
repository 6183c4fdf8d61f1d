"""Virtual time as operations."""

# A tuple of calls makes a task of several steps.
# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

import pytest

from movsdk.clock import NS_PER_MS
from movsdk.explore import Atomic, World, WorldClock, explore


def test_timers_fire_in_the_order_of_their_time() -> None:
    """Whatever the order in which they were set; each in a task of its own."""

    def program(world: World) -> None:
        clock, log = WorldClock(world=world), []
        for delay in (30, 10, 20):
            clock.call_later(delay, lambda delay=delay: log.append((delay, clock.now)), f"timer {delay}")  # type: ignore[misc]
        world.spawn("sleeper", clock.advance, 25)
        world.finally_("in order", lambda: log == [(10, 10), (20, 20), (30, 30)])

    assert explore(program).verdict == "proved"


@pytest.mark.parametrize(("patient", "verdict"), [(True, "proved"), (False, "failed")])
def test_patience(patient: bool, verdict: str) -> None:
    """On a patient clock a timeout fires when nothing else can happen; on an impatient one it may come at any moment."""

    def program(world: World) -> None:
        clock, done = WorldClock(world=world, is_patient=patient), Atomic("done")
        world.spawn("device", done.set, 1)
        world.spawn("driver", lambda: clock.run_until(lambda: done.value == 1, 100 * NS_PER_MS) or timed_out())

    result = explore(program)
    assert result.verdict == verdict


def timed_out() -> None:
    raise TimeoutError("after 100 ms")


def test_a_wait_that_is_in_vain_ends() -> None:
    """Nobody sets the condition: time passes to the timeout, and the answer is no."""
    answers = set()

    def program(world: World) -> None:
        clock = WorldClock(world=world)
        world.spawn("driver", lambda: answers.add((clock.run_until(lambda: False, 7), clock.now)))

    assert explore(program).verdict == "proved"
    assert answers == {(False, 7)}


def test_a_cancelled_timer_does_not_call() -> None:
    """Cancelled before its time; a race with its time goes either way."""
    calls = set()

    def program(world: World) -> None:
        clock, log = WorldClock(world=world, is_patient=False), []
        timer = clock.call_later(5, lambda: log.append(1), "timer")
        world.spawn("driver", timer.cancel)
        world.finally_("seen", lambda: calls.add(len(log)) is None)

    assert explore(program).verdict == "proved"
    assert calls == {0, 1}


def test_time_in_the_set_up_just_passes() -> None:
    """No task runs yet, nothing can wait."""

    def program(world: World) -> None:
        clock = WorldClock(world=world)
        clock.advance(50)
        assert (clock.now, clock.next_due()) == (50, None)
        clock.call_later(5, lambda: None)
        assert clock.next_due() == 55
        clock.run_pending()

    assert explore(program).verdict == "proved"
