"""Completions, wait queues, conditions and counters."""

# A tuple of calls makes a task of several steps.
# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

from collections.abc import Callable

import pytest

from movsdk.errors import ContractError
from movsdk.explore import Atomic, Completion, Refcount, WaitQueue, World, explore, wait_for
from movsdk.points import checkpoint


def test_a_completion_orders_what_comes_before_and_after() -> None:
    """Whatever the schedule, the waiter sees what was done before."""

    def program(world: World) -> None:
        done, value = Completion("done"), Atomic("value")
        world.spawn("waiter", lambda: (done.wait(), value.read() or fail_now()))
        world.spawn("worker", lambda: (value.set(1), done.complete()))

    result = explore(program)
    assert (result.verdict, result.complete) == ("proved", 1)


def fail_now() -> None:
    raise AssertionError("too early")


def test_one_completion_lets_one_waiter_go() -> None:
    """complete() is counted, complete_all() is for everybody, reinit() forgets."""

    def program(finish: Callable[[Completion], None]) -> str:
        def setup(world: World) -> None:
            done = Completion("done")
            world.spawn("a", done.wait)
            world.spawn("b", done.wait)
            world.spawn("worker", finish, done)

        return explore(setup).verdict

    assert program(Completion.complete) == "failed"
    assert program(Completion.complete_all) == "proved"
    assert program(lambda done: (done.complete_all(), done.reinit(), done.complete_all())[0]) == "proved"


def test_a_queue_wakes_everybody_and_each_looks_for_itself() -> None:
    """Waking is not being ready: who finds nothing sleeps again, until the next wake-up."""

    def program(world: World) -> None:
        queue, items = WaitQueue("q"), [0]

        def take() -> None:
            queue.wait_event(lambda: items[0] > 0, [("items",)])
            checkpoint("take", ("items",), ("items",))
            items[0] -= 1

        def put() -> None:
            for _ in range(2):
                checkpoint("put", ("items",), ("items",))
                items[0] += 1
                queue.wake_up()

        world.spawn("a", take)
        world.spawn("put", put)
        world.spawn("never negative", lambda: checkpoint("look", ("items",)))
        world.always("not negative", lambda: items[0] >= 0, reads=["items"])

    assert explore(program).verdict == "proved"


def test_one_wake_up_is_for_all_who_sleep() -> None:
    """Two wait for the same; it happens once."""

    def program(world: World) -> None:
        queue, is_open = WaitQueue("q"), [False]

        def open_up() -> None:
            checkpoint("open", (), ("door",))
            is_open[0] = True
            queue.wake_up()

        for name in "ab":
            world.spawn(name, queue.wait_event, lambda: is_open[0], [("door",)])
        world.spawn("opens", open_up)

    assert explore(program).verdict == "proved"


def test_a_condition_opens_by_itself() -> None:
    """wait_for() notices the change; no wake-up is asked for."""

    def program(world: World) -> None:
        count = Atomic("count")
        world.spawn("waiter", lambda: wait_for("two", lambda: count.value == 2, [("atomic", "count")]))
        world.spawn("a", count.add, 1)
        world.spawn("b", count.add, 1)

    assert explore(program).verdict == "proved"


def test_one_operation_loses_no_update() -> None:
    """A counter against a counter that is read and written."""

    def program(add: Callable[[Atomic], object]) -> str:
        def setup(world: World) -> None:
            count = Atomic("count")
            world.spawn("a", add, count)
            world.spawn("b", add, count)
            world.finally_("two", lambda: count.value == 2)

        return explore(setup).verdict

    assert program(lambda count: count.add(1)) == "proved"
    assert program(lambda count: count.set(count.read() + 1)) == "failed"

    def compare_and_swap(count: Atomic) -> None:
        while not count.compare_exchange(value := count.read(), value + 1):
            pass

    assert program(compare_and_swap) == "proved"


def test_who_counts_first_is_tried_both_ways() -> None:
    """One operation each, and yet the order matters: it tells who was first."""
    seen = set()

    def program(world: World) -> None:
        count, told = Atomic("count"), {}
        for name in "ab":
            world.spawn(name, lambda name=name: told.update({name: count.add(1)}))
        world.finally_("told", lambda: seen.add((told["a"], told["b"])) is None)

    assert explore(program).verdict == "proved"
    assert seen == {(1, 2), (2, 1)}


def test_a_reference_from_zero_is_a_bug() -> None:
    """Taking one where the last may have gone: some order shows it; get_unless_zero() is the remedy."""

    def program(take: Callable[[Refcount], object]) -> str:
        def setup(world: World) -> None:
            users = Refcount("ns")
            world.spawn("user", take, users)
            world.spawn("owner", users.put)

        result = explore(setup)
        return result.failure.message if result.failure else result.verdict

    assert program(Refcount.get) == "ns: a reference taken from 0; the object is gone already"
    assert program(lambda users: users.get_unless_zero() and users.put()) == "proved"
    assert program(lambda users: users.put()) == "ns: put once more than taken"


@pytest.mark.parametrize(
    ("wait", "text"),
    [
        pytest.param(lambda: Completion("c").wait(), "c is not complete and nobody else runs", id="completion"),
        pytest.param(lambda: WaitQueue("q").wait_event(lambda: False), "nobody wakes q", id="queue"),
        pytest.param(lambda: wait_for("x", lambda: False), "x does not hold and nobody else runs", id="condition"),
    ],
)
def test_without_an_explorer_nobody_waits(wait: Callable[[], None], text: str) -> None:
    """What would hang in a unit test says so."""
    with pytest.raises(ContractError, match=text):
        wait()


def test_without_an_explorer_they_count() -> None:
    """Plain numbers."""
    count = Atomic("n", 5)
    assert (count.exchange(7), count.compare_exchange(7, 8), count.compare_exchange(7, 9), count.read()) == (5, True, False, 8)
    done = Completion("c")
    done.complete()
    done.complete_all()
    done.wait()
    assert done.is_complete()
