"""A limit in time spent for the user's code: a loop that calls nothing can only be stopped by a signal.

Twin: the soft-lockup watchdog (kernel/watchdog.c). Spent is what the process got of the CPU, so that a busy machine makes nobody
late, less what Python's garbage collector took of it; for code that sleeps, a fifth of the real time. Only the main thread can
have an alarm: elsewhere, and where somebody else has set the timer of the process, code runs without a limit.
"""

from __future__ import annotations

import gc
import signal
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, process_time
from types import FrameType
from typing import Final

from attrs import define, field

from movsdk.kernel.actor import Site, current_actor, show

TICK: Final = 0.1  # real seconds between two looks
AGAIN: Final = 0.5  # seconds spent in unwinding before it is told once more
DEAF_AFTER: Final = 6  # times it was told to stop, and did not
ASLEEP: Final = 5  # real seconds without CPU time that count as one spent
_ROOMS: Final = ("kernel", "testing", "bench", "rescan", "explore", "points", "clock")
_OURS: Final = (*(f"movsdk.{room}" for room in _ROOMS), "mockbus.", "pluggy.", "importlib.", "_frozen_importlib", "contextlib")


_LIBRARY: Final = sysconfig.get_path("stdlib")


class Hung(BaseException):
    """The user's code did not come to its end. `site` is its line that waits. No `Exception`, so that few catch it."""

    def __init__(self, text: str, site: Site) -> None:
        super().__init__(text)
        self.site = site


_collecting: list[float] = [0.0, 0.0]  # when the collector began, and the seconds that it has taken in all


def _collected(phase: str, _info: dict[str, int]) -> None:
    """Keep the collector's books: its pauses in a big process are no loop of the user's."""
    if phase == "start":
        _collecting[0] = process_time()
    else:
        _collecting[1] += process_time() - _collecting[0]


_last_resorts: list[Callable[[str], object]] = []
_set: list[_Alarm] = []


@contextmanager
def last_resort(end: Callable[[str], object]) -> Iterator[None]:
    """While inside, `end` is called with one line about code that catches even `Hung` and goes on; it should end the process."""
    _last_resorts.append(end)
    try:
        yield
    finally:
        _last_resorts.remove(end)


@contextmanager
def alarm(what: str, seconds: float, is_over: Callable[[float], bool] = lambda spent: True) -> Iterator[None]:
    """Tear whatever runs inside out of its loop, by `Hung`. An alarm inside of another one puts that off until it is over.

    Args:
        what: the subject of the sentence that says so.
        seconds: to spend before `is_over` is asked, with the seconds spent so far; it decides, each time.
    """
    is_taken = not _set and signal.getitimer(signal.ITIMER_REAL)[0]
    if is_taken or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGALRM)
    if not _set:
        gc.callbacks.append(_collected)
    _set.append(_Alarm(what, seconds, is_over))
    _set[-1].start()
    try:
        yield
    finally:
        _stop()
        signal.signal(signal.SIGALRM, before)
        _set.pop()
        if _set:
            _set[-1].start()
        else:
            gc.callbacks.remove(_collected)


def _stop() -> None:
    """Look no more. A `Hung` that comes between the end of the user's code and here has nobody to tear out."""
    while True:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        except Hung:
            continue


@define(eq=False)
class _Alarm:
    what: str
    seconds: float
    is_over: Callable[[float], bool]
    told: int = field(default=0, init=False)
    _cpu: float = field(default=0.0, init=False)
    _real: float = field(default=0.0, init=False)
    _next: float = field(default=0.0, init=False)

    def start(self) -> None:
        """From now on."""
        self._cpu, self._real, self._next = _worked(), monotonic(), self.seconds
        signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self.seconds, min(TICK, self.seconds))

    def spent(self) -> float:
        """Seconds since the start that count."""
        return max(_worked() - self._cpu, (monotonic() - self._real) / ASLEEP)

    def _ring(self, _signal: int, frame: FrameType | None) -> None:
        spent = self.spent()
        if spent < self._next or (not self.told and not self.is_over(spent)):
            return
        self.told, self._next = self.told + 1, spent + AGAIN
        site = site_of(frame)
        text = f"{self.what} does not come to an end: a loop in which no virtual time passes, at {placed(site)}"
        if self.told > DEAF_AFTER and _last_resorts:
            _last_resorts[-1](f"{text}; it catches even what would stop it (except BaseException, a bare except)")
        raise Hung(text, site)


def _worked() -> float:
    """CPU seconds of this process without those of the collector."""
    return process_time() - _collecting[1]


def site_of(frame: FrameType | None) -> Site:
    """The nearest line from `frame` outwards that is neither ours nor in Python's library, which somebody called."""
    while frame is not None and (frame.f_globals.get("__name__", "").startswith(_OURS) or _is_python(frame.f_code.co_filename)):
        frame = frame.f_back
    return ("?", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def _is_python(file: str) -> bool:
    return file.startswith((_LIBRARY, "<frozen ")) and "site-packages" not in file


def placed(site: Site) -> str:
    """`site` and who runs there."""
    actor = current_actor()
    return f"{show(site)}{f', in {actor}' if actor else ''}"
