"""Locks: announced when explored, usable when not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from movsdk.errors import ContractError
from movsdk.explore import Completion, Mutex, RwSem, Shared, SpinLock, World, explore


class Box:
    """Something to protect."""

    label = "box"
    value = Shared(0)


@pytest.mark.parametrize(
    ("make", "runs", "verdict"),
    [
        pytest.param(lambda: Mutex("m"), 2, "proved", id="mutex"),
        pytest.param(lambda: SpinLock("s"), 2, "proved", id="spinlock"),
        pytest.param(lambda: RwSem("rw").writing(), 4, "proved", id="rwsem, written; the second may come later, or queue"),
        pytest.param(None, 6, "failed", id="nothing"),
    ],
)
def test_a_lock_makes_two_operations_one(make: Callable[[], object] | None, runs: int, verdict: str) -> None:
    """The lost update needs no lock; with one, only who comes first is left to choose."""

    def program(world: World) -> None:
        box = Box()
        lock = Mutex("m") if make is None else make()
        semaphore = RwSem("rw")

        def add() -> None:
            if make is None:
                box.value += 1
            elif isinstance(lock, Mutex):
                with lock:
                    box.value += 1
            else:
                with semaphore.writing():
                    box.value += 1

        world.spawn("a", add)
        world.spawn("b", add)
        world.finally_("two", lambda: box.__dict__["value"] == 2)

    result = explore(program, stop=False, shorten=False)
    assert (result.verdict, result.complete) == (verdict, runs if make else 4)


def test_readers_do_not_depend_on_each_other() -> None:
    """Two readers are one behaviour, a writer beside them comes, or queues, before, between or after each of their steps."""

    def program(writer: bool) -> int:
        def setup(world: World) -> None:
            lock = RwSem("rw")

            def read() -> None:
                with lock.reading():
                    assert not lock.is_written

            def write() -> None:
                with lock.writing():
                    assert not lock.readers

            world.spawn("r1", read)
            world.spawn("r2", read)
            if writer:
                world.spawn("w", write)

        result = explore(setup)
        assert result.verdict == "proved"
        return result.complete

    assert (program(False), program(True)) == (1, 31)


def test_readers_hold_it_at_once() -> None:
    """One that waits for another, both reading, does not wait for ever."""

    def program(world: World) -> None:
        lock, met = RwSem("rw"), Completion("met")

        def first() -> None:
            with lock.reading():
                met.wait()

        def second() -> None:
            with lock.reading():
                met.complete()

        world.spawn("first", first)
        world.spawn("second", second)

    assert explore(program).verdict == "proved"


def _takes_it_twice(world: World, lock: RwSem) -> None:
    def again() -> None:
        with lock.reading(), lock.reading():
            pass

    world.spawn("again", again)


def _waits_for_another_reader(world: World, lock: RwSem) -> None:
    met = Completion("met")

    def wait() -> None:
        with lock.reading():
            met.wait()

    def meet() -> None:
        with lock.reading():
            met.complete()

    world.spawn("wait", wait)
    world.spawn("meet", meet)


@pytest.mark.parametrize("readers", [_takes_it_twice, _waits_for_another_reader])
def test_a_reader_waits_behind_a_waiting_writer(readers: Callable[[World, RwSem], None]) -> None:
    """As in Linux, where writers do not starve: readers that need each other hang as soon as a writer comes between them."""

    def program(world: World) -> None:
        lock = RwSem("rw")
        readers(world, lock)
        world.spawn("writer", lambda: lock.writing().__enter__())

    result = explore(program, oracles=frozenset({"deadlock", "lost wake-up"}))
    assert result.failure is not None
    assert result.failure.name in ("deadlock", "lost wake-up")


def test_who_waited_first_goes_first() -> None:
    """A reader that queued before the second writer is let in before it, so that the holder it is waited for by goes on."""

    def program(world: World) -> None:
        lock, met = RwSem("rw"), Completion("met")
        order: list[str] = []

        def write(name: str) -> None:
            with lock.writing():
                order.append(name)

        def read() -> None:
            with lock.reading():
                order.append("reader")
                met.complete()

        def second() -> None:
            met.wait()
            write("second")

        world.spawn("first", write, "first")
        world.spawn("reader", read)
        world.spawn("second", second)
        world.finally_("in turn", lambda: order.index("reader") < order.index("second"))

    assert explore(program).verdict == "proved"


def test_trying_never_waits() -> None:
    """It takes the lock or says no; both happen."""
    seen = set()

    def program(world: World) -> None:
        lock = Mutex("m")

        def hold() -> None:
            with lock:
                pass

        def attempt() -> None:
            got = lock.try_lock()
            seen.add(got)
            if got:
                lock.unlock()

        world.spawn("hold", hold)
        world.spawn("try", attempt)

    result = explore(program)
    assert (result.verdict, result.complete, seen) == ("proved", 3, {True, False})


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        pytest.param(Mutex.lock, Mutex.lock, "x is locked and nobody else runs: 'lock x' would wait for ever", id="mutex"),
        pytest.param(RwSem.down_write, RwSem.down_read, "x is held by a writer and nobody else runs", id="reader"),
        pytest.param(RwSem.down_read, RwSem.down_write, "x is held and nobody else runs", id="writer"),
    ],
)
def test_without_an_explorer_nobody_waits(first: Callable[..., None], second: Callable[..., None], text: str) -> None:
    """The same driver in a unit test: a lock that would have to be waited for says so instead of hanging."""
    lock = Mutex("x") if first is Mutex.lock else RwSem("x")
    first(lock)
    with pytest.raises(ContractError, match=text):
        second(lock)


def test_a_released_lock_can_be_taken_again() -> None:
    """Outside exploration as inside."""
    lock, semaphore = Mutex("m"), RwSem("rw")
    for _ in range(2):
        with lock, semaphore.writing():
            assert not lock.try_lock()
        with semaphore.reading():
            assert lock.try_lock()
            lock.unlock()
    assert (lock.is_locked, semaphore.readers, semaphore.is_written) == (False, 0, False)
