"""A watchdog for driver code that waits for ever: in virtual time, or in a loop that lets none pass.

What it raises is no `Exception`, so that neither a driver's ``except Exception`` nor the kernel model holds it up.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, TypeVar

from movsdk.clock import NS_PER_MS, Clock
from movsdk.kernel.actor import Site, current_actor, show

VIRTUAL_MS: Final = 20_000
REAL_SECONDS: Final = 10.0
_ROOMS: Final = ("kernel", "testing.conformance", "bench", "rescan", "clock")
_OURS: Final = (*(f"movsdk.{room}" for room in _ROOMS), "mockbus.", "pluggy.")
Result = TypeVar("Result")


class TornOut(BaseException):
    """A trial tears itself out of the driver's call that it interrupted; its text says why."""


class Hung(BaseException):
    """An operation did not come to its end. `site` is the driver's line that waits."""

    def __init__(self, text: str, site: Site) -> None:
        super().__init__(text)
        self.site = site


def watched(clock: Clock, what: str, work: Callable[[], Result], limit_ms: int = VIRTUAL_MS) -> Result:
    """Run `work`. Raises `Hung` after `limit_ms` virtual milliseconds, or 10 real seconds in which it does not return."""

    def bark() -> None:
        raise _hung(f"{what} waits for more than {limit_ms // 1000} s of virtual time", sys._getframe())

    timer = clock.call_later(limit_ms * NS_PER_MS, bark, "watchdog")
    try:
        with _alarm(what):
            return work()
    finally:
        timer.cancel()


@contextmanager
def _alarm(what: str) -> Iterator[None]:
    """A real-time limit, for loops that call nothing; only the main thread can have one."""
    if threading.current_thread() is not threading.main_thread() or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def ring(_signal: int, frame: FrameType | None) -> None:
        raise _hung(f"{what} does not come to an end: {REAL_SECONDS:.0f} s in a loop in which no virtual time passes", frame)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, REAL_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _hung(text: str, frame: FrameType | None) -> Hung:
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame = frame.f_back
    site: Site = ("?", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
    actor = current_actor()
    return Hung(f"{text}, at {show(site)}{f', in {actor}' if actor else ''}", site)
