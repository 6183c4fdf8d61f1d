"""The ordinary clock of a machine, for several tasks: waiting is an operation, and what falls due runs in a task of its own.

Twin: a machine's timer interrupt. Patient time passes only when no task can do anything else; on an impatient clock timers call
earlier, too, and sleeps end, as if whoever runs were slow; waits for a condition run out patiently. Both only as long as somebody
waits. A condition is looked at by the task that waits, in
steps of its own, each time something has happened.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from attrs import define, field

from movsdk.clock import TIMERS, Clock, OneStep
from movsdk.explore import current
from movsdk.explore.footprint import ANY
from movsdk.explore.tasks import World
from movsdk.points import checkpoint, is_watched


@define(eq=False)
class TimeTask:
    """Lets the tasks of `world` wait on `clock`.

    >>> from movsdk.explore import explore
    >>> def program(world):
    ...     clock, seen = Clock(), []
    ...     TimeTask(world, clock)
    ...     _ = clock.call_later(5, lambda: seen.append(clock.now), "bell")
    ...     for name, duration in ("first", 3), ("second", 7):
    ...         world.spawn(name, lambda duration=duration: (clock.advance(duration), seen.append(clock.now)))
    ...     world.finally_("in order", lambda: seen == [3, 5, 7])
    >>> explore(program).verdict
    'proved'
    """

    world: World = field(repr=False)
    clock: Clock = field(repr=False)
    is_patient: bool = True
    one_step: Callable[[], AbstractContextManager[None]] = field(default=nullcontext, repr=False)
    """Round a call that is a device's own (`movsdk.clock.OneStep`): inside, what is announced belongs to the step that runs."""
    ticks: int = field(default=0, init=False)  # calls that have ended
    _begun: int = field(default=0, init=False)
    _limits: list[int] = field(factory=list, init=False)  # until when somebody waits
    _sleeps: list[int] = field(factory=list, init=False)  # those that wait for nothing else

    def __attrs_post_init__(self) -> None:
        self.clock.waiter = self
        self.world.spawn("time", self._pass, daemon=True, idle=True)
        if not self.is_patient:
            self.world.spawn("early time", self._pass_early, daemon=True)

    # --- for the clock -----------------------------------------------------------------------------------
    def takes_over(self) -> bool:
        """True inside a task, and when a run is over: then nothing happens any more."""
        return self.world.is_set_up or not is_watched()

    def armed(self) -> None:
        """Which of two timers was set first may matter, and whether time may pass is to be asked again."""
        if self.world.is_set_up and not self.world.task().is_new:
            current.touch(writes=TIMERS)

    def advance(self, duration: int) -> None:
        """Sleep for `duration` nanoseconds."""
        if is_watched():
            limit = self.clock.now + duration
            self._sleeps.append(limit)
            self._wait("sleep", limit, lambda: self.clock.now >= limit)
            self._sleeps.remove(limit)

    def run_pending(self) -> None:
        """Wait until all that is due now has begun."""
        if is_watched():
            self._wait("let what is due happen", self.clock.now, lambda: not self._is_due())

    def run_until(self, condition: Callable[[], bool], timeout: int) -> bool:
        """Look at `condition`, again whenever something that fell due has ended, until it holds or the time is over."""
        limit = self.clock.now + timeout
        while is_watched():
            seen = self.ticks
            if condition():
                return True
            if self.clock.now >= limit:
                return False
            self._wait("wait", limit, lambda seen=seen: self.ticks != seen or self.clock.now >= limit)  # type: ignore[misc]
        return condition()

    # --- inside ------------------------------------------------------------------------------------------
    def _wait(self, what: str, limit: int, is_over: Callable[[], bool]) -> None:
        self._limits.append(limit)
        self.armed()
        checkpoint(what, TIMERS, TIMERS, is_over)
        self._limits.remove(limit)

    def _is_due(self) -> bool:
        due = self.clock.next_due()
        return due is not None and due <= self.clock.now

    def _pass(self) -> None:
        """Let time pass to the next timer or to the end of the next wait, for ever."""
        while True:
            checkpoint("time passes", TIMERS, TIMERS, lambda: bool(self._limits))
            limit = min(self._limits)
            due = self.clock.take_due(max(limit, self.clock.now))
            if due is None:
                self.clock.now = max(self.clock.now, limit)
            else:
                self._begin(*due)

    def _pass_early(self) -> None:
        """Let the next timer call, or the next sleep end, at any moment; no timeout runs out by it."""
        while True:
            checkpoint("time passes early", TIMERS, (*TIMERS, ANY), self._may_be_early)
            due = self.clock.take_due(min(self._limits))
            if due is not None:
                self._begin(*due)
            else:
                self.clock.now = max(self.clock.now, min(self._limits))

    def _may_be_early(self) -> bool:
        """A timer, one after the other; or, with no timer before it, the end of a sleep."""
        if not self._limits:
            return False
        due, limit = self.clock.next_due(), min(self._limits)
        if due is not None and due <= limit:
            return self.ticks == self._begun
        return limit in self._sleeps and self.clock.now < limit

    def _begin(self, call: Callable[[], None], label: str) -> None:
        self._begun += 1
        if isinstance(call, OneStep):
            current.note(f"({label or 'silicon'})")
            with self.one_step():
                call()
            self.ticks += 1
            return
        self.world.spawn(label or "timer", self._run, call, daemon=True)

    def _run(self, call: Callable[[], None]) -> None:
        try:
            call()
        finally:
            if not self.world.is_set_up or not self.world.task().is_new:
                checkpoint("ends", (), TIMERS)
            self.ticks += 1
