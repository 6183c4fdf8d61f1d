"""I/O in flight while an event happens: whoever drives a device keeps it busy, and says afterwards what became of the requests.

Twin: fio beside a rescan. A driver offers ``start_load(dev, *, reads, writes, size)``, which returns a `Running`; one with only
``exercise(dev)`` is exercised before and after. Moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from attrs import define, field

from movsdk.bench.place import Place, show
from movsdk.bench.scenario import EndpointSpec, FunctionSpec, Load, Scenario
from movsdk.bench.user_code import driver_class
from movsdk.clock import NS_PER_MS, NS_PER_US
from movsdk.errors import BadInput, InvariantBroken
from movsdk.kernel import actor
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import view_of

WARM_UP: Final = 50 * NS_PER_US
COOL_DOWN: Final = 2 * NS_PER_MS


class Running(Protocol):
    """A load in progress, as a driver's `start_load` returns it; it may have ``summary()`` as well, one line for people."""

    def stop(self) -> None:
        """Submit nothing more and wait for what is out, for a bounded time."""

    @property
    def problems(self) -> Sequence[str]:
        """Requests lost, answered twice, out of order or with wrong data."""


@define(eq=False)
class Busy:
    """A load on `device`. Whatever its driver raises becomes a problem: file and line, and the event goes on."""

    device: Device
    _running: Running | None = field(default=None, init=False)
    _raised: list[str] = field(factory=list, init=False)
    _rounds: int = field(default=0, init=False)

    def begin(self, load: Load) -> None:
        """Start, or do the first round."""
        view, target = view_of(self.device), self._driver()
        if hasattr(target, "start_load"):
            terms = {"reads": load.reads, "writes": load.writes, "size": load.size}
            self._guarded("start_load", lambda: self._keep(target.start_load(view, **terms)))
        elif hasattr(target, "exercise"):
            self._exercise()
        else:
            raise BadInput(f"{self.device}: its driver has neither start_load() nor exercise(), so `load` has nothing to do")

    def end(self) -> None:
        """Stop, or do the second round if the device is still driven."""
        if self._running is not None:
            self._guarded("stop of its load", self._running.stop)
        elif self._rounds and self.device.driver is not None:
            self._exercise()

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong, a line each."""
        return (*self._raised, *(map(str, self._running.problems) if self._running is not None else ()))

    @property
    def summary(self) -> str:
        """One line for people."""
        if self._running is not None:
            summary = getattr(self._running, "summary", None)
            return str(summary()) if callable(summary) else f"problems: {len(self._running.problems)}"
        return f"rounds of exercise: {self._rounds}, in vain: {len(self._raised)}"

    def _driver(self) -> Any:
        return self.device.driver.target if self.device.driver is not None else None

    def _keep(self, running: Running) -> None:
        if not callable(getattr(running, "stop", None)) or not hasattr(running, "problems"):
            raise BadInput(f"start_load() returned {type(running).__name__}, which has not stop() and problems")
        self._running = running

    def _exercise(self) -> None:
        self._rounds += 1
        target = self._driver()
        self._guarded(f"exercise {self._rounds}", lambda: target.exercise(view_of(self.device)))

    def _guarded(self, what: str, call: Callable[[], object]) -> None:
        try:
            call()
        except InvariantBroken:
            raise
        except Exception as error:  # whatever a driver raises is its finding
            self._raised.append(f"{what} raised {type(error).__name__} at {actor.show(actor.raise_site(error))}: {error}")


def start(device: Device, load: Load) -> Busy:
    """Keep `device` busy. Raises `BadInput` if its driver cannot be."""
    busy = Busy(device)
    busy.begin(load)
    return busy


def check_loads(scenario: Scenario, place: Place) -> None:
    """Refuse I/O on a device whose driver does none. Raises `BadInput` naming `place` and the key."""
    for index, spec in enumerate(scenario.devices):
        if isinstance(spec, EndpointSpec) and spec.load is not None and not _does_io(spec, scenario):
            raise place.at("devices").at(index).at("load").bad(_refusal(spec))
    for event in scenario.events:
        if event.op == "io" and event.id is not None and not _does_io(scenario.find(event.id), scenario):
            raise place.at("events").bad(f"io {show(event.id)}: {_refusal(scenario.find(event.id))}")


def _does_io(spec: FunctionSpec, scenario: Scenario) -> bool:
    driver = driver_class(spec, scenario.folder)
    return hasattr(driver, "start_load") or hasattr(driver, "exercise")


def _refusal(spec: FunctionSpec) -> str:
    return f"driver {show(spec.driver)} has neither start_load() nor exercise(), so it does no I/O; use nvme or your own"
