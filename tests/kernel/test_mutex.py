"""The kernel model's mutex: alone, and with somebody who listens."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

import pytest

from movsdk import points
from movsdk.errors import InvariantBroken
from movsdk.kernel.actor import acting_as
from movsdk.kernel.mutex import Acquire, Mutex

Heard = list[tuple[str, set[Hashable], set[Hashable], Callable[[], bool] | None]]


@pytest.fixture
def mutex() -> Mutex:
    return Mutex("br0.enable_mutex", kind="enable_mutex")


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Everything announced during the test; nobody is made to wait."""
    found: Heard = []

    def listen(label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Callable[[], bool] | None) -> None:
        found.append((label, set(reads), set(writes), guard))

    before = points.install(listen)
    yield found
    points.install(before)


def test_it_is_free_before_and_after(mutex: Mutex) -> None:
    """``held()`` gives it back, and says whose it is meanwhile."""
    assert not mutex.is_locked

    with acting_as("drive.probe"), mutex.held():
        assert (mutex.is_locked, mutex.owner) == (True, "drive.probe")

    assert (mutex.is_locked, mutex.owner) == (False, None)


def test_what_raises_inside_gives_it_back(mutex: Mutex) -> None:
    """An exception leaves nobody waiting."""
    with pytest.raises(ZeroDivisionError), mutex.held():
        raise ZeroDivisionError

    assert not mutex.is_locked


def test_taken_twice_by_one_task_it_is_a_deadlock(mutex: Mutex) -> None:
    """Without an explorer there is one task: who waits, waits for itself, and the message names both."""
    with acting_as("port.probe"):
        mutex.lock()

    with acting_as("drive.probe"), pytest.raises(InvariantBroken) as caught:
        mutex.lock()

    assert str(caught.value) == (
        "br0.enable_mutex: locked by drive.probe while port.probe holds it, in one task: it would wait for itself forever"
    )
    assert caught.value.fields == {"mutex": "br0.enable_mutex", "owner": "port.probe"}


def test_it_is_given_back_once(mutex: Mutex) -> None:
    """Unlocking what nobody holds is a bug of the model, not a no-op."""
    with pytest.raises(InvariantBroken, match=r"br0\.enable_mutex: unlocked by the kernel, but nobody holds it"):
        mutex.unlock()


def test_both_steps_are_announced_before_they_happen(mutex: Mutex, heard: Heard) -> None:
    """The guard of ``lock`` says when it may go on and at which level it is taken; ``unlock`` never waits."""
    with mutex.held(nesting=2):
        pass

    (lock, unlock) = heard
    cell = {("mutex", "br0.enable_mutex")}
    assert lock[:3] == ("lock br0.enable_mutex", set(), cell)
    assert unlock == ("unlock br0.enable_mutex", set(), cell, None)
    assert isinstance(lock[3], Acquire)
    assert (lock[3].mutex, lock[3].nesting) == (mutex, 2)


def test_the_guard_holds_while_nobody_owns_it(mutex: Mutex) -> None:
    """An explorer asks it before it lets a task go on."""
    guard = Acquire(mutex, 0)

    free = guard()
    with mutex.held():
        taken = guard()

    assert (free, taken) == (True, False)


def test_a_listener_that_lets_everybody_pass_is_found_out(mutex: Mutex, heard: Heard) -> None:
    """The guard must be obeyed; two owners never happen silently."""
    mutex.lock()

    with pytest.raises(InvariantBroken, match="would wait for itself"):
        mutex.lock()

    assert [label for label, *_ in heard] == ["lock br0.enable_mutex"] * 2
