"""Virtual time: a deterministic clock with timers, shared by silicon and kernel.

Time passes only when somebody waits. Two timers due at the same instant run in the order they were set.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final, Protocol

from attrs import define, field, frozen

from movsdk.points import mention

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
TIMERS: Final = (("clock",),)
"""The cell of what is set to happen; `now` has none, because time that passes under an explorer meets every operation."""


@define(eq=False)
class Timer:
    """One call in the future. `cancel()` is safe at any time."""

    due: int
    call: Callable[[], None] | None
    label: str = ""

    def cancel(self) -> None:
        """Forget the call."""
        mention(f"cancel {self.label or 'a timer'}", (), TIMERS)
        self.call = None

    @property
    def is_pending(self) -> bool:
        """True until the call ran or was cancelled."""
        mention(f"look at {self.label or 'a timer'}", TIMERS)
        return self.call is not None


@frozen
class OneStep:
    """A call that nobody may come between: what a device does when its time has come."""

    call: Callable[[], None]

    def __call__(self) -> None:
        """Do it."""
        self.call()


class Waiter(Protocol):
    """Who makes tasks wait, where there are several: an explorer. Without one, whoever waits runs what falls due."""

    def takes_over(self) -> bool:
        """Whether it is a task that asks for time."""

    def armed(self) -> None:
        """A timer was set."""

    def advance(self, duration: int) -> None:
        """As `Clock.advance`."""

    def run_pending(self) -> None:
        """As `Clock.run_pending`."""

    def run_until(self, condition: Callable[[], bool], timeout: int) -> bool:
        """As `Clock.run_until`."""


@define(eq=False)
class Clock:
    """Virtual nanoseconds since power-on.

    >>> clock, seen = Clock(), []
    >>> _ = clock.call_later(5 * NS_PER_US, lambda: seen.append(clock.now))
    >>> clock.advance(10 * NS_PER_US); seen, clock.now
    ([5000], 10000)
    """

    now: int = 0
    waiter: Waiter | None = field(default=None, init=False, repr=False)
    _queue: list[tuple[int, int, Timer]] = field(factory=list, init=False, repr=False)
    _count: int = field(default=0, init=False, repr=False)

    def call_later(self, delay: int, call: Callable[[], None], label: str = "") -> Timer:
        """Run `call` once, `delay` nanoseconds from now (0 = as soon as time may pass)."""
        timer = Timer(self.now + max(0, delay), call, label)
        self._count += 1
        heapq.heappush(self._queue, (timer.due, self._count, timer))
        if self.waiter is not None:
            self.waiter.armed()
        return timer

    def call_soon(self, call: Callable[[], None], label: str = "") -> Timer:
        """Run `call` at the next moment anybody waits."""
        return self.call_later(0, call, label)

    def take_due(self, limit: int) -> tuple[Callable[[], None], str] | None:
        """Take the next timer due not later than `limit` out and go to its time; what is to be called, and its label."""
        while self._queue and self._queue[0][0] <= limit:
            due, _, timer = heapq.heappop(self._queue)
            call, timer.call = timer.call, None
            if call is not None:
                self.now = max(self.now, due)
                return call, timer.label
        return None

    def _step(self, limit: int) -> bool:
        """Run the next due timer not later than `limit`; False if there is none."""
        due = self.take_due(limit)
        if due is None:
            return False
        due[0]()
        return True

    def advance(self, duration: int) -> None:
        """Let `duration` nanoseconds pass, running what falls due."""
        if self.waiter is not None and self.waiter.takes_over():
            self.waiter.advance(duration)
            return
        limit = self.now + duration
        while self._step(limit):
            pass
        self.now = max(self.now, limit)

    def run_pending(self) -> None:
        """Run everything due now, and what that makes due now; time stands still."""
        if self.waiter is not None and self.waiter.takes_over():
            self.waiter.run_pending()
            return
        while self._step(self.now):
            pass

    def run_until(self, condition: Callable[[], bool], timeout: int) -> bool:
        """Let time pass until `condition` holds or `timeout` nanoseconds are over. Returns whether it held."""
        if self.waiter is not None and self.waiter.takes_over():
            return self.waiter.run_until(condition, timeout)
        limit = self.now + timeout
        while not condition():
            if not self._step(limit):
                self.now = max(self.now, limit)
                return condition()
        return True

    def next_due(self) -> int | None:
        """When the next timer fires, or None."""
        mention("look at the timers", TIMERS)
        while self._queue and self._queue[0][2].call is None:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None


@frozen
class DeviceClock:
    """The machine's `Clock` in a device's hands: it waits for nobody, and what it does at its time is one step for all others.

    >>> clock, seen = Clock(), []
    >>> _ = DeviceClock(clock).call_later(5, lambda: seen.append(clock.now))
    >>> clock.advance(10); seen
    [5]
    """

    _clock: Clock

    @property
    def now(self) -> int:
        """Virtual nanoseconds since power-on."""
        return self._clock.now

    def call_later(self, delay: int, call: Callable[[], None], label: str = "") -> Timer:
        """Run `call` once, `delay` nanoseconds from now."""
        return self._clock.call_later(delay, OneStep(call), label)

    def call_soon(self, call: Callable[[], None], label: str = "") -> Timer:
        """Run `call` at the next moment anybody waits."""
        return self.call_later(0, call, label)
