"""Waiting for something that is no lock: completions, wait queues, conditions; and counters that are one operation.

Twin: ``struct completion``, ``wait_queue_head_t``, ``atomic_t``, ``refcount_t``. Without an explorer they work as long as nobody
would have to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable

from movsdk.errors import ContractError
from movsdk.explore import current
from movsdk.points import checkpoint, is_watched, mention


def wait_for(what: str, condition: Callable[[], bool], reads: Iterable[Hashable] = ()) -> None:
    """Wait until `condition` holds; it may look at the cells `reads` (none named: at anything, which costs many more runs).

    Wakes whenever it holds: whether anybody would have called ``wake_up()`` is for `WaitQueue` to say.
    """
    checkpoint(f"wait for {what}", reads, (), condition)
    if not is_watched() and not condition():
        raise ContractError(f"{what} does not hold and nobody else runs: this would wait for ever")


class Completion:
    """Something that happens once and lets waiters go on.

    >>> done = Completion("reset")
    >>> done.complete(); done.wait(); done.done
    0
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._done = 0
        self._is_all = False
        self._cell = (("completion", name),)

    def complete(self) -> None:
        """Let one waiter go on, now or later."""
        checkpoint(f"complete {self.name}", self._cell, self._cell)
        self._done += 1

    def complete_all(self) -> None:
        """Let every waiter go on, now and later."""
        checkpoint(f"complete all {self.name}", (), self._cell)
        self._is_all = True

    def reinit(self) -> None:
        """Forget what was completed."""
        checkpoint(f"reinit {self.name}", (), self._cell)
        self._done, self._is_all = 0, False

    def wait(self) -> None:
        """Wait until it is complete."""
        checkpoint(f"wait for {self.name}", self._cell, self._cell, self._is_complete)
        if not self._is_complete():
            raise ContractError(f"{self.name} is not complete and nobody else runs: this would wait for ever")
        if not self._is_all:
            self._done -= 1

    @property
    def done(self) -> int:
        """How many waiters may still go on, besides those that ``complete_all`` lets go."""
        current.looked_at(self.name, self._cell)
        return self._done

    def is_complete(self) -> bool:
        """Whether a waiter could go on."""
        current.looked_at(self.name, self._cell)
        return self._is_complete()

    def _is_complete(self) -> bool:
        return self._is_all or self._done > 0


class WaitQueue:
    """Tasks that sleep until somebody wakes them, and then look whether it was for them.

    >>> WaitQueue("drain").wait_event(lambda: True)
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._sleepers: list[list[bool]] = []
        self._cell = (("wait queue", name),)

    def wait_event(self, condition: Callable[[], bool], reads: Iterable[Hashable] = ()) -> None:
        """Sleep until `condition` holds; it is looked at when somebody wakes the queue, not when it changes.

        Args:
            reads: cells that it looks at without announcing them itself (`Shared` fields announce themselves).
        """
        reads = tuple(reads)
        while True:
            ticket = self._prepare(reads)
            if condition():
                if ticket in self._sleepers:
                    self._sleepers.remove(ticket)
                return
            self._sleep(ticket)

    def sleep(self) -> None:
        """Sleep until woken, whatever may have happened before: right only where nothing can have."""
        self._sleep(self._prepare(()))

    def wake_up(self) -> None:
        """Let everybody who sleeps here look again."""
        checkpoint(f"wake up {self.name}", (), self._cell)
        for ticket in self._sleepers:
            ticket[0] = True
        self._sleepers.clear()

    def _prepare(self, reads: tuple[Hashable, ...]) -> list[bool]:
        checkpoint(f"prepare to wait on {self.name}", reads, self._cell)
        ticket = [False]
        self._sleepers.append(ticket)
        return ticket

    def _sleep(self, ticket: list[bool]) -> None:
        checkpoint(f"sleep on {self.name}", self._cell, (), lambda: ticket[0])
        if not ticket[0]:
            raise ContractError(f"nobody wakes {self.name}, because nobody else runs: this would wait for ever")


class Atomic:
    """A number that is read, written and changed in one operation each.

    >>> count = Atomic("enable_cnt")
    >>> count.add(1), count.read()
    (1, 1)
    """

    def __init__(self, name: str, value: int = 0) -> None:
        self.name = name
        self._value = value
        self._cell = (("atomic", name),)
        self._labels = (f"R {name}", f"W {name}", f"RMW {name}")

    @property
    def value(self) -> int:
        """The value, for predicates and for looks that are no operation of their own; a task reads with `read`."""
        current.looked_at(self.name, self._cell)
        return self._value

    @value.setter
    def value(self, value: int) -> None:
        mention(f"set {self.name}", (), self._cell)
        self._value = value

    def read(self) -> int:
        """The value."""
        checkpoint(self._labels[0], self._cell)
        current.told(self._value)
        return self._value

    def set(self, value: int) -> None:
        """Set the value."""
        checkpoint(self._labels[1], (), self._cell)
        self._value = value
        current.told(value)

    def add(self, step: int) -> int:
        """Add `step` and return the new value (``atomic_add_return()``)."""
        checkpoint(self._labels[2], self._cell, self._cell)
        self._value += step
        current.told(self._value)
        return self._value

    def exchange(self, value: int) -> int:
        """Set the value and return the old one (``atomic_xchg()``)."""
        checkpoint(self._labels[2], self._cell, self._cell)
        before, self._value = self._value, value
        current.told(value)
        return before

    def compare_exchange(self, expected: int, value: int) -> bool:
        """Set the value if it is `expected`. Returns whether it was."""
        checkpoint(self._labels[2], self._cell, self._cell)
        was_expected = self._value == expected
        if was_expected:
            self._value = value
        current.told(self._value)
        return was_expected


class Refcount(Atomic):
    """A count of users; what it guards is gone when it reaches 0.

    >>> users = Refcount("ns")
    >>> users.get(), users.put(), users.put()
    (None, False, True)
    """

    def __init__(self, name: str, value: int = 1) -> None:
        super().__init__(name, value)

    def get(self) -> None:
        """One more user.

        Raises:
            ContractError: there is none left, so that the object is gone.
        """
        if self.add(1) <= 1:
            raise ContractError(f"{self.name}: a reference taken from 0; the object is gone already")

    def get_unless_zero(self) -> bool:
        """One more user, unless there is none left. Returns whether it was taken."""
        checkpoint(self._labels[2], self._cell, self._cell)
        if self._value:
            self._value += 1
        current.told(self._value)
        return self._value > 0

    def put(self) -> bool:
        """One user less. Returns whether it was the last.

        Raises:
            ContractError: there was none.
        """
        left = self.add(-1)
        if left < 0:
            raise ContractError(f"{self.name}: put once more than taken")
        return left == 0
