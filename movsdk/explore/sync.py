"""Locks: what may keep one task waiting for another, announced as such.

Twin: ``struct mutex``, ``spinlock_t``, ``struct rw_semaphore`` (kernel/locking). They work without an explorer too, as long as
nobody would have to wait. They judge nothing: see `oracles`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cache

from attrs import frozen

from movsdk.errors import ContractError
from movsdk.explore import current
from movsdk.explore.footprint import Claim, Mark
from movsdk.points import checkpoint, is_watched


@frozen
class Words:
    """What the operations of one lock are called and mean."""

    lock: str
    try_lock: str
    unlock: str
    cells: tuple[Hashable, ...]
    acquire: Mark
    release: Mark
    busy: Mark


@cache  # worlds are set up thousands of times with the same locks
def words(
    verb: str,
    name: str,
    kind: str,
    nesting: int,
    place: tuple[int, ...],
    *,
    is_atomic: bool = False,
    is_exclusive: bool = True,
) -> Words:
    """Make the words of a lock called `name`, of class `kind`, taken at level `nesting`, that was made at `place`."""
    cell = ("lock", name, *place)
    level = f" (nesting {nesting})" if nesting else ""
    acquire = Mark(
        "acquire",
        cell,
        kind,
        nesting,
        sleeps=not is_atomic,
        is_atomic=is_atomic,
        is_exclusive=is_exclusive,
        waits=not is_exclusive,
    )
    release = Mark("release", cell, kind, nesting, is_atomic=is_atomic)
    busy = Mark("busy", cell, kind, nesting, is_exclusive=is_exclusive)
    return Words(f"{verb} {name}{level}", f"try to {verb} {name}{level}", f"un{verb} {name}", (cell,), acquire, release, busy)


@frozen(eq=False)
class _Waiter:
    """Somebody who wants an `RwSem`."""

    is_writer: bool


class Mutex:
    """A lock that one task holds. `kind` is its class for the order of locks (default: each lock is its own).

    >>> lock = Mutex("br0.enable_mutex", kind="enable_mutex")
    >>> with lock:
    ...     lock.is_locked
    True
    """

    is_atomic = False

    def __init__(self, name: str, *, kind: str | None = None, nesting: int = 0) -> None:
        self.name = name
        self.kind = kind or name
        self._is_locked = False
        self._place = current.place()  # two locks of one name are two locks
        self._words = words("lock", name, self.kind, nesting, self._place, is_atomic=self.is_atomic)
        self._claim = Claim(self._words.acquire, self._is_free)

    @property
    def is_locked(self) -> bool:
        """Whether somebody holds it."""
        current.looked_at(self.name, self._words.cells)
        return self._is_locked

    def lock(self) -> None:
        """Take the lock; others run until it is free.

        Raises:
            ContractError: nobody explores, so that nobody could ever release it.
        """
        self._take(self._words, self._claim)

    def lock_nested(self, nesting: int) -> None:
        """Take the lock at level `nesting` inside its class (``mutex_lock_nested()``); locks of one level never nest."""
        spoken = words("lock", self.name, self.kind, nesting, self._place, is_atomic=self.is_atomic)
        self._take(spoken, Claim(spoken.acquire, self._is_free))

    def try_lock(self) -> bool:
        """Take the lock if it is free. Returns whether it is taken."""
        checkpoint(self._words.try_lock, (), self._words.cells)
        if self._is_locked:
            current.touch(mark=self._words.busy)
            return False
        current.touch(mark=self._words.acquire)
        self._is_locked = True
        return True

    def unlock(self) -> None:
        """Release the lock."""
        checkpoint(self._words.unlock, (), self._words.cells, self._words.release)
        self._is_locked = False

    def __enter__(self) -> None:
        self._take(self._words, self._claim)

    def __exit__(self, *_exception: object) -> None:
        self.unlock()

    def _take(self, spoken: Words, claim: Claim) -> None:
        checkpoint(spoken.lock, (), spoken.cells, claim)
        if self._is_locked:
            raise ContractError(f"{self.name} is locked and nobody else runs: {spoken.lock!r} would wait for ever")
        self._is_locked = True

    def _is_free(self) -> bool:
        return not self._is_locked


class SpinLock(Mutex):
    """A lock inside which nobody may sleep."""

    is_atomic = True


class RwSem:
    """A lock that either one writer or any number of readers hold. Readers do not depend on each other.

    First come, first served: a reader that comes while a writer waits, waits behind it, also one who holds the lock already.

    >>> lock = RwSem("bus")
    >>> with lock.reading(), lock.reading():
    ...     lock.readers
    2
    """

    def __init__(self, name: str, *, kind: str | None = None, nesting: int = 0) -> None:
        self.name = name
        self._readers = 0
        self._is_written = False
        self._queue: list[_Waiter] = []
        place = current.place()
        self._write = words("down_write", name, kind or name, nesting, place, is_exclusive=False)
        self._read = words("down_read", name, kind or name, nesting, place, is_exclusive=False)

    @property
    def readers(self) -> int:
        """How many readers hold it."""
        current.looked_at(self.name, (), self._read.cells)  # readers do not depend on each other, but whoever counts them does
        return self._readers

    @property
    def is_written(self) -> bool:
        """Whether a writer holds it."""
        current.looked_at(self.name, self._read.cells)
        return self._is_written

    def down_read(self) -> None:
        """Take the lock beside other readers."""
        checkpoint(self._read.lock, self._read.cells)
        self._take(_Waiter(is_writer=False), self._read)
        self._readers += 1

    def up_read(self) -> None:
        """Release what `down_read` took."""
        checkpoint(f"up_read {self.name}", self._read.cells, (), self._read.release)
        self._readers -= 1

    def down_write(self) -> None:
        """Take the lock alone."""
        checkpoint(self._write.lock, (), self._write.cells)
        self._take(_Waiter(is_writer=True), self._write)
        self._is_written = True

    def up_write(self) -> None:
        """Release what `down_write` took."""
        checkpoint(f"up_write {self.name}", (), self._write.cells, self._write.release)
        self._is_written = False

    def _take(self, waiter: _Waiter, spoken: Words) -> None:
        """Go in at once, or queue up and wait."""
        self._queue.append(waiter)
        if self._may_enter(waiter):
            current.touch(mark=spoken.acquire)
        elif is_watched():
            current.touch((), spoken.cells)
            checkpoint(f"{spoken.lock} waits", (), spoken.cells, Claim(spoken.acquire, lambda: self._may_enter(waiter)))
        else:
            self._queue.remove(waiter)
            by = "by a writer " if self._is_written else ""
            raise ContractError(f"{self.name} is held {by}and nobody else runs: {spoken.lock!r} would wait for ever")
        self._queue.remove(waiter)

    def _may_enter(self, waiter: _Waiter) -> bool:
        ahead = self._queue[: self._queue.index(waiter)]
        if waiter.is_writer:
            return not (self._readers or self._is_written or ahead)
        return not (self._is_written or any(other.is_writer for other in ahead))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock as a reader."""
        self.down_read()
        try:
            yield
        finally:
            self.up_read()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lock as the writer."""
        self.down_write()
        try:
            yield
        finally:
            self.up_write()
