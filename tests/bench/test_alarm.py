"""The alarm for the user's endless loops. Limits are milliseconds here; nothing depends on how long they are."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from copy import deepcopy
from functools import partial
from itertools import count
from types import FrameType

import pytest

from movsdk.bench import alarm as module
from movsdk.bench.alarm import Hung, alarm, last_resort

SOON = 0.002


def _loop() -> None:
    while True:
        pass


def _noted(looks: list[float], spent: float) -> bool:
    looks.append(spent)
    return True


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many looks a second."""
    monkeypatch.setattr(module, "TICK", 0.01)
    monkeypatch.setattr(module, "AGAIN", 0.01)


def test_a_loop_is_torn_out_of_and_its_line_told() -> None:
    """And afterwards the process has no alarm, and its old handler."""
    before = signal.getsignal(signal.SIGALRM)

    with pytest.raises(Hung, match=r"^it does not come to an end: .* at .*test_alarm.py:\d+$") as caught, alarm("it", SOON):
        _loop()

    assert caught.value.site[0] == __file__
    assert (signal.getitimer(signal.ITIMER_REAL), signal.getsignal(signal.SIGALRM)) == ((0.0, 0.0), before)


class Copied:
    """Tells who copies it."""

    def __deepcopy__(self, memo: object) -> FrameType:
        return sys._getframe(1)


def test_the_line_is_that_which_called_pythons_library() -> None:
    """Wherever in the library the signal came."""
    frame: FrameType = deepcopy(Copied())  # type: ignore[assignment]  # it copies itself so
    assert frame.f_code.co_filename != __file__

    assert module.site_of(frame)[0] == __file__


def test_who_catches_it_is_told_again() -> None:
    """As often as it takes."""
    caught: list[Hung] = []

    with alarm("it", SOON):
        while len(caught) < 3:
            try:
                _loop()
            except Hung as hung:
                caught.append(hung)

    assert len(set(caught)) == 3


def test_who_catches_everything_meets_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Called with the line to print; here it lets the loop end instead of the process."""
    monkeypatch.setattr(module, "DEAF_AFTER", 2)
    told: list[str] = []

    with last_resort(told.append), alarm("it", SOON):
        while not told:
            try:
                while not told:
                    pass
            except BaseException:
                pass

    assert "test_alarm.py:" in told[0]
    assert told[0].endswith("it catches even what would stop it (except BaseException, a bare except)")


def test_an_inner_alarm_is_nearer_and_the_outer_one_comes_back() -> None:
    """Each speaks of its own."""
    told = []
    try:
        with alarm("outer", SOON):
            try:
                with alarm("inner", SOON):
                    _loop()
            except Hung as hung:
                told.append(str(hung)[:5])
            _loop()
    except Hung as hung:
        told.append(str(hung)[:5])

    assert told == ["inner", "outer"]


def test_who_is_not_over_yet_may_go_on() -> None:
    """`is_over` is asked at each look."""
    looks: list[float] = []

    def is_over(passed: float) -> bool:
        looks.append(passed)
        return len(looks) >= 4

    with pytest.raises(Hung), alarm("it", SOON, is_over):
        _loop()

    assert len(looks) >= 4  # on a busy machine it may be asked once more while the loop is left
    assert looks == sorted(looks)


def test_a_busy_machine_makes_nobody_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that others had the CPU is not spent."""
    monkeypatch.setattr(module, "monotonic", count(0.0, step=SOON).__next__)
    monkeypatch.setattr(module, "process_time", count(0.0, step=SOON / 4).__next__)
    looks: list[float] = []

    with pytest.raises(Hung), alarm("it", SOON, partial(_noted, looks)):
        _loop()

    assert looks == [pytest.approx(SOON)]


def test_who_sleeps_spends_a_fifth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No CPU time passes in a sleep, and yet it ends."""
    monkeypatch.setattr(module, "process_time", lambda: 0.0)
    monkeypatch.setattr(module, "monotonic", count(0.0, step=SOON).__next__)
    looks: list[float] = []

    with pytest.raises(Hung), alarm("it", SOON, partial(_noted, looks)):
        _loop()

    assert looks == [pytest.approx(SOON)]


def test_a_timer_of_somebody_else_stays() -> None:
    """Then, and in other threads, there is no limit."""
    signal.setitimer(signal.ITIMER_REAL, 1000)
    try:
        with alarm("it", SOON):
            assert signal.getitimer(signal.ITIMER_REAL)[0] > 100
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    seen: list[float] = []

    def elsewhere() -> None:
        with alarm("it", SOON):
            seen.append(signal.getitimer(signal.ITIMER_REAL)[0])

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [0.0]


def test_what_the_collector_takes_is_not_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full collection in a big process may take seconds; the books are kept only while there is an alarm."""
    spent: list[float] = []
    ticks = iter([0.0, 1.0, 9.0, 10.0])  # start, the collection begins, it is over, a look
    with alarm("it", 1_000):
        assert module._collected in gc.callbacks
        monkeypatch.setattr(module, "process_time", ticks.__next__)
        monkeypatch.setattr(module, "monotonic", lambda: 0.0)
        monkeypatch.setattr(module, "_collecting", [0.0, 0.0])
        watch = module._Alarm("it", 1_000, lambda spent: True)
        watch._cpu = module._worked()
        module._collected("start", {})
        module._collected("stop", {})
        spent.append(watch.spent())

    assert spent == [2.0]
    assert module._collected not in gc.callbacks
