"""Driver code that runs later, and waiting: a small work queue on the virtual clock.

Twin: ``queue_delayed_work()``, ``cancel_delayed_work_sync()``, ``msleep()``, ``wait_event_timeout()``. A work runs when time
passes, in its own name, so that a fault in it says ``work edu timeout``; a pause does not stop it: that is the driver's duty.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from movsdk.clock import NS_PER_MS, NS_PER_US, Clock, Timer
from movsdk.kernel.actor import Site, call_site, driver_name, might_sleep, run_guarded
from movsdk.kernel.device import Device
from movsdk.kernel.devres import held_by
from movsdk.points import checkpoint, mention

SYNC_TIMEOUT = 60_000 * NS_PER_MS  # a wait for running code that lasts longer is a deadlock


@define(eq=False, repr=False)
class Work:
    """One call of driver code in the future, made by `queue_work()`."""

    device: Device
    name: str
    _call: Callable[[], object]
    _timer: Timer | None = field(default=None, init=False)
    _is_running: bool = field(default=False, init=False)
    queued_at: Site = field(factory=call_site, init=False)

    @property
    def cells(self) -> tuple[tuple[str, str, str]]:
        """What its users read and write; works of one name on one device count as one."""
        return (("work", self.device.label, self.name),)

    @property
    def is_pending(self) -> bool:
        """True until it begins to run or is cancelled."""
        self._seen()
        return self._timer is not None and self._timer.is_pending

    @property
    def is_running(self) -> bool:
        """True while the call runs."""
        self._seen()
        return self._is_running

    @property
    def due(self) -> int | None:
        """When it will run, in virtual nanoseconds; None if it is not pending."""
        self._seen()
        return self._timer.due if self._timer is not None and self._timer.is_pending else None

    def cancel(self) -> bool:
        """Forget the call and wait until it does not run. Returns whether it was still pending."""
        might_sleep("cancel")
        checkpoint(f"{self} cancel", writes=self.cells)
        was_pending = self.is_pending
        if self._timer is not None:
            self._timer.cancel()
        self._forget()
        self._wait()
        return was_pending

    def flush(self) -> bool:
        """Run the call now if it is pending, and wait until it does not run. Returns whether there was anything to wait for."""
        might_sleep("flush")
        checkpoint(f"{self} flush", writes=self.cells)
        if self.is_pending and self._timer is not None:
            self._timer.cancel()
            self._run()
            return True
        was_running = self.is_running
        self._wait()
        return was_running

    def _run(self) -> None:
        checkpoint(f"{self} run", writes=self.cells)
        self._forget()
        self._is_running = True
        try:
            run_guarded(self.device, self.name, self._call)
        finally:
            mention(f"{self} done", (), self.cells)
            self._is_running = False

    def _wait(self) -> None:
        if self.is_running:
            self.device.system.ops.clock.run_until(lambda: not self.is_running, SYNC_TIMEOUT)

    def _seen(self) -> None:
        mention(f"look at {self}", self.cells)

    def _forget(self) -> None:
        held = held_by(self.device)
        if held is not None:
            held.works = [work for work in held.works if work is not self]

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<Work {self} of {self.device}>"


def queue_work(device: Device, call: Callable[[], object], delay_ms: float = 0) -> Work:
    """Run `call` when `delay_ms` virtual milliseconds have passed (0 = as soon as time passes)."""
    name = getattr(call, "__name__", None) or getattr(getattr(call, "func", None), "__name__", "callback")
    work = Work(device, f"work {driver_name(device)} {name}", call)
    checkpoint(f"{work} queue", writes=work.cells)
    held = held_by(device)
    if held is not None:
        held.works = [*held.works, work]
    work._timer = clock_of(device).call_later(int(delay_ms * NS_PER_MS), work._run, work.name)
    return work


def clock_of(device: Device) -> Clock:
    """The virtual clock that the device lives by."""
    return device.system.ops.clock


def msleep(device: Device, milliseconds: float) -> None:
    """Let `milliseconds` pass; other driver code and the hardware run meanwhile."""
    might_sleep("msleep")
    checkpoint(f"{device.label} msleep")
    clock_of(device).advance(int(milliseconds * NS_PER_MS))


def udelay(device: Device, microseconds: float) -> None:
    """Let `microseconds` pass."""
    clock_of(device).advance(int(microseconds * NS_PER_US))


def wait_for(device: Device, condition: Callable[[], bool], timeout_ms: float) -> bool:
    """Let time pass until `condition` holds or `timeout_ms` are over. Returns whether it holds."""
    might_sleep("wait_for")
    checkpoint(f"{device.label} wait_for")
    return clock_of(device).run_until(condition, int(timeout_ms * NS_PER_MS))
