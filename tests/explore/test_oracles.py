"""What the built-in judges see in a run."""

# A tuple of calls makes a task of several steps.
# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

from collections.abc import Callable

import pytest

from movsdk.explore import (
    Completion,
    InterruptLine,
    Mutex,
    RwSem,
    SpinLock,
    WaitQueue,
    World,
    explore,
    wait_for,
)
from movsdk.explore.oracles import ATOMIC_SLEEP, DEADLOCK, LOCK_ORDER, LOST_WAKE_UP


def abba(world: World) -> None:
    """Two tasks, two locks, two orders."""
    a, b = Mutex("a"), Mutex("b")

    def take(first: Mutex, second: Mutex) -> None:
        with first, second:
            pass

    world.spawn("forth", take, a, b)
    world.spawn("back", take, b, a)


def test_a_deadlock_names_who_waits_for_whom() -> None:
    """Each task with its lock and the holder."""
    failure = explore(abba, oracles=frozenset({DEADLOCK})).failure
    assert failure is not None
    assert failure.name == DEADLOCK
    assert failure.message == "forth waits at 'lock b', held by back; back waits at 'lock a', held by forth"


def test_a_circle_of_locks_needs_no_deadlock() -> None:
    """The first run shows it, as lockdep would."""
    result = explore(abba, oracles=frozenset({LOCK_ORDER}))
    assert (result.first_bug, result.failure and result.failure.message) == (
        1,
        "a -> b -> a: taken in a circle; two tasks doing this at once can wait for each other for ever",
    )


def test_locks_of_one_class_need_levels() -> None:
    """Two bridges' mutexes inside each other are one class; levels tell them apart, one of each level at a time."""

    def program(levels: tuple[int, int]) -> str:
        def setup(world: World) -> None:
            parent, child = Mutex("parent", kind="enable"), Mutex("child", kind="enable")

            def task() -> None:
                child.lock_nested(levels[0])
                parent.lock_nested(levels[1])
                parent.unlock()
                child.unlock()

            world.spawn("task", task)

        failure = explore(setup, oracles=frozenset({LOCK_ORDER})).failure
        return failure.message if failure else ""

    assert program((1, 0)) == ""
    assert program((0, 0)) == "enable -> enable: two locks of one class, one inside the other; give them nesting levels"


def test_a_lock_that_is_only_tried_makes_no_circle() -> None:
    """Who does not wait cannot be waited for in a circle."""

    def program(world: World) -> None:
        a, b = Mutex("a"), Mutex("b")

        def forth() -> None:
            with a, b:
                pass

        def back() -> None:
            with b:
                if a.try_lock():
                    a.unlock()

        world.spawn("forth", forth)
        world.spawn("back", back)

    assert explore(program).verdict == "proved"


def test_a_lock_never_released_is_said_to_be_held_by_the_dead() -> None:
    """The holder has ended."""

    def program(world: World) -> None:
        lock = Mutex("m")
        world.spawn("keeper", lock.lock)
        world.spawn("waiter", lock.lock)

    failure = explore(program).failure
    assert failure is not None
    assert failure.message == "waiter waits at 'lock m', held by keeper (which has ended)"


def test_a_wake_up_that_comes_too_early_is_lost() -> None:
    """Sleeping on a queue without looking first."""

    def program(world: World) -> None:
        queue = WaitQueue("q")
        world.spawn("sleeper", queue.sleep)
        world.spawn("waker", queue.wake_up)

    failure = explore(program).failure
    assert failure is not None
    assert (failure.name, failure.message) == (LOST_WAKE_UP, "sleeper waits at 'sleep on q'")


def test_a_condition_without_a_wake_up_is_lost() -> None:
    """The waker changes the condition and forgets the queue: some order leaves the sleeper asleep."""

    def program(wakes: bool) -> str:
        def setup(world: World) -> None:
            from movsdk.points import checkpoint

            queue, ready = WaitQueue("q"), [False]

            def waker() -> None:
                checkpoint("ready = 1", (), ("ready",))
                ready[0] = True
                if wakes:
                    queue.wake_up()

            world.spawn("sleeper", queue.wait_event, lambda: ready[0], ["ready"])
            world.spawn("waker", waker)

        return explore(setup).verdict

    assert (program(True), program(False)) == ("proved", "failed")


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        pytest.param(lambda: Mutex("m").lock(), "'lock m' may sleep inside 'lock s'", id="mutex"),
        pytest.param(lambda: RwSem("rw").down_read(), "'down_read rw' may sleep inside 'lock s'", id="rwsem"),
        pytest.param(lambda: Completion("c").wait(), "'wait for c' may sleep inside 'lock s'", id="completion"),
        pytest.param(lambda: wait_for("x", lambda: True, ["x"]), "'wait for x' may sleep inside 'lock s'", id="condition"),
        pytest.param(lambda: SpinLock("t").lock(), "", id="another spinlock"),
    ],
)
def test_nobody_sleeps_under_a_spinlock(inner: Callable[[], object], text: str) -> None:
    """Whether or not it would have had to wait this time."""

    def program(world: World) -> None:
        def task() -> None:
            SpinLock("s").lock()
            inner()

        world.spawn("task", task)

    failure = explore(program, oracles=frozenset({ATOMIC_SLEEP})).failure
    assert (failure.message if failure else "") == (f"task: {text}" if text else "")


def test_nobody_sleeps_in_an_interrupt_handler() -> None:
    """From its entry to its end; before and after it is a task like others."""

    def program(world: World) -> None:
        lock = Mutex("m")
        line = InterruptLine(world, "irq 5", lambda: (lock.lock(), lock.unlock()))
        world.spawn("device", line.raise_)

    failure = explore(program).failure
    assert failure is not None
    assert (failure.name, failure.message) == (ATOMIC_SLEEP, "irq 5: 'lock m' may sleep inside 'irq 5 enters'")


def test_judges_can_be_left_out() -> None:
    """Who wants to count other failures turns them off."""
    assert explore(abba, oracles=frozenset()).verdict == "proved"
