"""Drivers that hang, exit, or raise what is no `Exception`: each gets a verdict that names the line, and soon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from drivers.edu.driver import Edu
from drivers.edu.model import EduModel
from movsdk import Mutex, PciDev
from movsdk.bench import alarm
from movsdk.clock import Clock
from movsdk.errors import BadInput
from movsdk.testing.conformance import subject, watchdog
from movsdk.testing.conformance.kit import examine


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops are found soon."""
    monkeypatch.setattr(alarm, "TICK", 0.002)
    for module in (watchdog, subject):
        monkeypatch.setattr(module, "REAL_SECONDS", 0.5)
    monkeypatch.setattr(watchdog, "KNOWN_SECONDS", 0.01)


def _with(**methods: Any) -> type[Edu]:
    return type("Odd", (Edu,), {"name": "odd", "__module__": __name__, **methods})


def _loops(*_: Any, **__: Any) -> None:
    while True:
        pass


def _loops_in_a_hook(hook: str) -> type[Edu]:
    def loops(self: object, dev: object) -> None:
        _loops()

    def asked(self: object, dev: object, bar: object) -> None:
        _loops()

    return _with(**{hook: asked if hook == "bar_fixed" else loops})


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("hook", ["remove", "rescan_prepare", "rescan_done", "bar_fixed"])
def test_an_endless_loop_in_a_hook_breaks_c31(hook: str) -> None:
    """In every hook that the core calls; the line is told."""
    verdict = examine(_loops_in_a_hook(hook), EduModel, only=["every BAR moves", "bar_fixed asked often"])

    assert verdict.causes == ("C31",)
    assert verdict.unchecked == ""
    assert f"in odd.{hook}" in verdict.of("C31").violations[0].message
    assert "test_odd_drivers.py:" in verdict.of("C31").violations[0].message


@pytest.mark.usefixtures("impatient")
def test_who_hung_once_is_given_less_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hook that loops costs the whole patience once only."""
    loopers: set[str] = set()
    for patience in (0.01, 1000.0):
        monkeypatch.setattr(watchdog, "REAL_SECONDS", patience)
        with pytest.raises(alarm.Hung):
            watchdog.watched(Clock(), "it", _loops, loopers=loopers)

    assert loopers == {"it"}


@pytest.mark.usefixtures("impatient")
def test_virtual_time_that_passes_is_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its own limit; only a long while after is it given up in real time."""
    monkeypatch.setattr(watchdog, "REAL_SECONDS", 0.02)
    clock, start = Clock(), monotonic()

    def work() -> str:
        while monotonic() < start + 0.1:
            clock.advance(1)
        return "done"

    assert watchdog.watched(clock, "it", work) == "done"
    monkeypatch.setattr(watchdog, "MOST_SECONDS", 0.0)
    start += 1000
    with pytest.raises(alarm.Hung):
        watchdog.watched(clock, "it", work)


class Odd(BaseException):
    """Nobody's."""


@pytest.mark.parametrize("error", [Odd("b"), GeneratorExit(), asyncio.CancelledError("c"), SystemExit(3)])
@pytest.mark.parametrize("where", ["probe", "remove", "rescan_done", "exercise"])
def test_whatever_is_raised_gets_a_verdict(error: BaseException, where: str) -> None:
    """With the name of the error and the line that raised it."""
    inner: Callable[..., None] = getattr(Edu, where)

    def raises(self: Edu, dev: object) -> None:
        inner(self, dev)
        raise error

    def probe(self: Edu, dev: object, id: object) -> None:
        raise error

    verdict = examine(_with(**{where: probe if where == "probe" else raises}), EduModel, only=["every BAR moves"])

    assert not verdict.conforms
    message = verdict.broken[0].violations[0].message
    assert type(error).__name__ in message
    assert "test_odd_drivers.py:" in message


def test_the_users_own_interrupt_comes_through() -> None:
    """Ctrl-C is no finding."""

    def interrupted(self: object, dev: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        examine(_with(exercise=interrupted), EduModel)


def test_a_library_that_raises_for_the_driver() -> None:
    """What the driver calls is the driver's, too."""

    def loads(self: object, dev: object) -> None:
        asyncio.run(_cancelled())

    async def _cancelled() -> None:
        raise asyncio.CancelledError

    verdict = examine(_with(exercise=loads), EduModel)

    assert verdict.causes == ("base",)


def test_an_instance_that_cannot_be_made_later_is_a_breach() -> None:
    """Told once, though every trial makes one."""
    made: list[int] = []

    def init(self: Edu) -> None:
        made.append(1)
        Edu.__init__(self)
        if len(made) > 4:
            raise ValueError("only four")

    verdict = examine(_with(__init__=init), EduModel)

    (breach,) = verdict.of("base").violations
    assert "creating the driver raised ValueError: only four, at " in breach.message
    assert verdict.causes == ("base",)


def test_a_property_that_raises_is_a_breach() -> None:
    """One that cannot be looked up counts as offered."""

    def raising(self: object) -> None:
        raise ZeroDivisionError("p")

    verdict = examine(_with(exercise=property(raising)), EduModel)

    assert verdict.causes == ("base",)
    assert "ZeroDivisionError: p" in verdict.of("base").violations[0].message


@pytest.mark.parametrize(
    ("init", "message"),
    [(_loops, "creating the driver does not come to an end, at .*test_odd_drivers.py:"), (None, "raised Odd at .*: b")],
)
@pytest.mark.usefixtures("impatient")
def test_a_driver_that_cannot_be_made(init: Any, message: str) -> None:
    """One line about a loop, and about what is no `Exception`."""

    def raises(self: object) -> None:
        raise Odd("b")

    with pytest.raises(BadInput, match=message):
        examine(_with(__init__=init or raises), EduModel)


def test_a_method_with_other_arguments_is_told_where_it_is() -> None:
    """No line of it ran; its own is named, also of one that is a generator."""

    def wants(self: object, dev: object, more: object) -> None: ...

    def yields(self: object, dev: object) -> Any:
        yield

    for exercise in (wants, yields):
        verdict = examine(_with(exercise=exercise), EduModel)

        assert verdict.causes == ("base",)
        assert f"test_odd_drivers.py:{exercise.__code__.co_firstlineno}" in verdict.of("base").violations[0].message


class LocksTwice(Edu):
    """Takes its mutex in rescan_prepare, and once more in rescan_done."""

    name = "locks-twice"

    def __init__(self) -> None:
        super().__init__()
        self.mutex = Mutex("locks-twice")

    def rescan_prepare(self, dev: PciDev) -> None:
        self.mutex.lock()
        super().rescan_prepare(dev)

    def rescan_done(self, dev: PciDev) -> None:
        self.mutex.lock()
        super().rescan_done(dev)


class UnlocksTwice(Edu):
    """Gives back in each round what it took once."""

    name = "unlocks-twice"

    def exercise(self, dev: PciDev) -> None:
        Mutex("unlocks-twice").unlock()


@pytest.mark.parametrize(
    ("driver", "cause", "words"),
    [
        (LocksTwice, "C31", "locked by locks-twice.rescan_done while locks-twice.rescan_prepare holds it"),
        (UnlocksTwice, "base", "but nobody holds it"),
    ],
    ids=["locks twice", "unlocks twice"],
)
def test_a_mutex_used_wrongly_is_the_drivers_fault(driver: type[Edu], cause: str, words: str) -> None:
    """Who waits for itself never comes back: C31 in a move; the line is told, and the kit goes on."""
    verdict = examine(driver, EduModel, only=["works", "every BAR moves"])
    message = verdict.of(cause).violations[0].message

    assert verdict.causes == (cause,)
    assert words in message
    assert "test_odd_drivers.py:" in message
