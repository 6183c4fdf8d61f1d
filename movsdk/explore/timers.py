"""Virtual time for a world of tasks: timers and sleeping, as operations that the explorer orders.

Twin: kernel/time/timer.c. A drop-in for `movsdk.clock.Clock`. Patient time passes only when no task can do anything else, as on a
machine that is fast enough; impatient time may pass at any moment, so that every timeout is tried too early as well.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from movsdk.clock import TIMERS, Clock, Timer
from movsdk.explore.footprint import ANY
from movsdk.explore.tasks import World
from movsdk.points import checkpoint, mention


@define(eq=False)
class WorldTimer(Timer):
    """A call in the future, or (without a call) somebody who sleeps until then."""

    is_over: bool = field(default=False, init=False)  # its time has come
    is_cancelled: bool = field(default=False, init=False)

    def cancel(self) -> None:
        """Forget the call, if it has not begun."""
        checkpoint(f"cancel {self.label}", (), TIMERS)
        self.call, self.is_cancelled = None, True


@define(eq=False)
class WorldClock(Clock):
    """The clock of a world: each timer calls from a task of its own.

    >>> from movsdk.explore import explore
    >>> def program(world):
    ...     clock, seen = WorldClock(world=world), []
    ...     clock.call_later(5, lambda: seen.append(clock.now), "late")
    ...     world.spawn("sleeper", lambda: (clock.advance(3), seen.append(clock.now)))
    ...     world.finally_("in order", lambda: seen == [3, 5])
    >>> explore(program).verdict
    'proved'
    """

    world: World | None = field(default=None, kw_only=True, repr=False)
    is_patient: bool = field(default=True, kw_only=True)
    _timers: list[WorldTimer] = field(factory=list, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._hand.spawn("time", self._pass, daemon=True, idle=self.is_patient)

    def call_later(self, delay: int, call: Callable[[], None], label: str = "") -> Timer:
        """Run `call` once, in a task of its own, `delay` nanoseconds from now."""
        timer = WorldTimer(self.now + max(0, delay), call, label or f"timer {len(self._timers)}")
        checkpoint(f"arm {timer.label}", TIMERS, TIMERS)
        timer.due = self.now + max(0, delay)
        self._timers.append(timer)

        def run() -> None:
            checkpoint(f"{timer.label} runs", TIMERS, TIMERS, lambda: timer.is_over)
            call, timer.call = timer.call, None
            if call is not None:
                call()

        self._hand.spawn(timer.label, run, daemon=True)
        return timer

    def advance(self, duration: int) -> None:
        """Sleep for `duration` nanoseconds."""
        if self._hand.is_set_up:
            self._sleep("sleep", duration, None)
        else:
            self.now += duration

    def run_pending(self) -> None:
        """Let what is due now run; it runs when it likes anyway."""

    def run_until(self, condition: Callable[[], bool], timeout: int) -> bool:
        """Wait until `condition` holds or `timeout` nanoseconds are over. Returns whether it held. It may look at anything."""
        self._sleep("wait", timeout, condition)
        return condition()

    def next_due(self) -> int | None:
        """When the next timer fires, or None."""
        mention("look at the timers", TIMERS)
        return min((timer.due for timer in self._timers if not timer.is_cancelled), default=None)

    @property
    def _hand(self) -> World:
        assert self.world is not None, "WorldClock(world=...) needs a world"
        return self.world

    def _sleep(self, what: str, duration: int, condition: Callable[[], bool] | None) -> None:
        """Wait for the end of a timer that calls nobody."""
        checkpoint(f"{what} {duration} ns", TIMERS, TIMERS)
        timer = WorldTimer(self.now + max(0, duration), None, what)
        self._timers.append(timer)
        reads = TIMERS if condition is None else (*TIMERS, ANY)
        checkpoint(f"{what} is over", reads, TIMERS, lambda: timer.is_over or (condition is not None and condition()))
        timer.is_cancelled = True

    def _pass(self) -> None:
        """Let time pass to the next timer, for ever."""
        while True:
            checkpoint("time passes", TIMERS, (*TIMERS, ANY), self._is_awaited)  # whoever reads `now` says nothing
            timer = min((timer for timer in self._timers if not timer.is_cancelled), key=lambda timer: timer.due)
            self._timers.remove(timer)
            self.now, timer.is_over = max(self.now, timer.due), True

    def _is_awaited(self) -> bool:
        return any(not timer.is_cancelled for timer in self._timers)
