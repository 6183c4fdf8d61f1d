"""The bench's power tools: what a driver author can do to a device while its BARs move, or while it sleeps.

A part of `Bench`, which has the machine, the cards and the clock. Each tool is a thin word for what `forced`, `powers`,
`forcing` and `system_sleep` do.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from movsdk.bench import forcing, powers
from movsdk.bench.force import Force
from movsdk.bench.forced import forced
from movsdk.bench.steps import AtStep
from movsdk.bench.system_sleep import SystemSleep
from movsdk.bench.world import World
from movsdk.kernel import power
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.pci_regs import PowerState
from movsdk.rescan.report import RescanReport

Result = TypeVar("Result")


class Troubles:
    """The methods of `Bench` that make trouble on purpose."""

    __slots__ = ()
    world: World
    _sleep: SystemSleep

    @abstractmethod
    def _do(self, act: Callable[[], Result]) -> Result:
        """Run an operation, judge it, and raise what the driver raised."""

    @abstractmethod
    def _judge(self, report: RescanReport) -> None:
        """Keep a report and have the referee look."""

    # --- while BARs move ------------------------------------------------------------------------------------
    def force(self, dev: PciDev, **words: Any) -> RescanReport:
        """Rescan with `dev` in any trouble that the words of `Force` name; all its movable BARs move if none is named.

        Raises:
            BadInput: the device cannot do that. NoSpace: there is no other place.
        """
        if "order" in words:
            words["order"] = [device_of(each).label if isinstance(each, PciDev) else each for each in words["order"]]
        with forced(self.world, device_of(dev), Force.of(words), self._judge):
            return self._do(self.world.engine.rescan)

    def force_move(self, dev: PciDev, bar: int | None = None, *, bars: Iterable[int] | None = None) -> RescanReport:
        """Rescan so that exactly these BARs of `dev` end up elsewhere (BAR 0 if none is named; 6 = ROM). Raises as `force`."""
        chosen = tuple(bars) if bars is not None else (0 if bar is None else bar,)
        with forcing.forced_away(self.world.engine, device_of(dev), chosen):
            return self._do(self.world.engine.rescan)

    def force_same(self, dev: PciDev) -> RescanReport:
        """Rescan in which `dev` is paused and resumed where it is (v9 and v5)."""
        return self.force(dev, bars=())

    def lose_bar(self, dev: PciDev, bar: int = 0) -> RescanReport:
        """Rescan in which BAR `bar` of `dev` finds no place."""
        with powers.lost(self.world, device_of(dev), (bar,)):
            return self._do(self.world.engine.rescan)

    def call_hooks(self, dev: PciDev, *hooks: str) -> None:
        """Call rescan hooks of `dev` out of turn: spurious, twice. A `PciError` is a refusal; anything else comes through."""
        powers.call_hooks(device_of(dev), hooks)

    def failing(self, dev: PciDev, call: str) -> AbstractContextManager[None]:
        """Context: the kernel's `call` (``iomap``, ``alloc_irq_vectors``, ...) fails with ENOMEM in rescan_done of `dev`."""
        return powers.failing(dev, call)

    def before_step(self, step: str, action: Callable[[], object]) -> AtStep:
        """Context: run `action` once, right before the named step of the next transaction (pause, release, attempts, resume)."""
        return powers.at_step(self.world, step, action)

    def lit_by_firmware(self, bar: int) -> AbstractContextManager[None]:
        """Cards that are plugged inside come with a display that firmware lit in BAR `bar`; a console draws there."""
        return powers.lit_by_firmware(self.world, bar)

    def bar_subsets(self, dev: PciDev) -> list[tuple[int, ...]]:
        """Every non-empty set of the device's assigned BARs that its driver does not pin."""
        return list(forcing.subsets(forcing.movable_bars(device_of(dev))))

    # --- power ----------------------------------------------------------------------------------------------
    def suspend(self, dev: PciDev, state: int = PowerState.D3HOT) -> int:
        """Let the driver quiet the device, and put it into power state `state`; returns 0 or a negative errno."""
        return self._do(lambda: power.suspend_device(self.world.system, device_of(dev), state))

    def resume(self, dev: PciDev) -> int:
        """Wake the device and tell its driver; returns 0 or a negative errno."""
        return self._do(lambda: power.resume_device(self.world.system, device_of(dev)))

    def sleep(self) -> int:
        """The whole machine goes to sleep: every driver is told, every card goes to D3hot. Returns 0 or a negative errno."""
        return self._do(self._sleep.begin)

    def wake(self) -> int:
        """The whole machine wakes up. Returns 0 or the first negative errno."""
        return self._do(self._sleep.end)
