"""I/O in flight while an event happens: whoever drives a device keeps it busy, and says afterwards what became of the requests.

A driver offers ``start_load(dev, *, reads, writes, size)``, which returns a `Running`; one without it but with
``exercise(dev)`` is
exercised before and after. Moves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import define, field

from movsdk.bench.scenario import Load
from movsdk.clock import NS_PER_MS, NS_PER_US
from movsdk.errors import BadInput
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import view_of

WARM_UP = 50 * NS_PER_US
COOL_DOWN = 2 * NS_PER_MS


class Running(Protocol):
    """A load in progress."""

    def stop(self) -> None:
        """Submit nothing more and wait for what is out, for a bounded time."""

    def summary(self) -> str:
        """One line: how many requests, what became of them."""

    @property
    def problems(self) -> Sequence[str]:
        """Requests lost, answered twice, out of order or with wrong data."""


@define(eq=False)
class _Exercised:
    """The stand-in for a driver that only has `exercise`."""

    device: Device
    problems: list[str] = field(factory=list)
    count: int = 0

    def go(self) -> None:
        self.count += 1
        try:
            self.device.driver.target.exercise(view_of(self.device))  # type: ignore[union-attr]  # bound: start() looked
        except Exception as error:  # whatever the driver's self-test raises is its finding
            self.problems.append(f"exercise {self.count} raised {type(error).__name__}: {error}")

    def stop(self) -> None:
        if self.device.driver is not None:
            self.go()

    def summary(self) -> str:
        return f"exercised {self.count} times, {len(self.problems)} problems"


def start(device: Device, load: Load) -> Running:
    """Keep `device` busy. Raises `BadInput` if its driver cannot be."""
    target = device.driver.target if device.driver is not None else None
    begin = getattr(target, "start_load", None)
    if begin is not None:
        running: Running = begin(view_of(device), reads=load.reads, writes=load.writes, size=load.size)
        return running
    if not hasattr(target, "exercise"):
        raise BadInput(f"{device}: its driver has neither start_load() nor exercise(), so `load` has nothing to do")
    exercised = _Exercised(device)
    exercised.go()
    return exercised
