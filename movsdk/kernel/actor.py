"""Who is running: the name of the driver code that the core called, and the record of what it raised.

Twin: the task name an oops prints. Decides nothing; `binding`, `irq` and `work` call drivers through it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Final

from movsdk.errors import HookFailed, InvariantBroken
from movsdk.kernel.device import Device
from movsdk.points import inside
from movsdk.trace import What

# A ContextVar and not a field of System: under an explorer each task has its own actor.
_actor: ContextVar[str] = ContextVar("movsdk_actor", default="")
_interrupted: ContextVar[Device | None] = ContextVar("movsdk_interrupted", default=None)

Site = tuple[str, int]
"""A place in a driver's source: file name and line."""

NOWHERE: Final[Site] = ("?", 0)
"""No line of a driver: the code of this project itself."""

_OURS: Final = ("movsdk.kernel.", "movsdk.bench.", "movsdk.testing.", "movsdk.clock", "pluggy.", "contextlib")


def current_actor() -> str:
    """Name of the driver code that runs now, such as ``work edu _timeout``; empty outside of any."""
    return _actor.get()


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Let everything inside be done in the name of `name`."""
    token = _actor.set(name)
    try:
        yield
    finally:
        _actor.reset(token)


@contextmanager
def _in_context(interrupted: Device | None) -> Iterator[None]:
    token = _interrupted.set(interrupted)
    try:
        yield
    finally:
        _interrupted.reset(token)


def might_sleep(what: str) -> None:
    """Say that `what` may sleep, which an interrupt handler must not (``might_sleep()``): on real hardware it hangs the CPU."""
    device = _interrupted.get()
    if device is not None:
        text = f"{device}: {what}() in {current_actor()}: an interrupt handler must not sleep; queue_work() what may"
        device.system.trace.add(What.FAULT, device.label, text)
        record_breach(device, text, call_site(), "atomic")


def run_guarded(device: Device, name: str, call: Callable[[], object], *, is_interrupt: bool = False) -> None:
    """Run a driver's callback from the clock; what it raises is recorded and does not hit whoever let time pass."""
    with acting_as(name), inside(("hook", device.label)), _in_context(device if is_interrupt else None):
        try:
            call()
        except InvariantBroken:
            raise
        except Exception as error:
            record_failure(device, name, error)


def record_failure(device: Device, what: str, error: Exception, consequence: str = "") -> HookFailed:
    """Append a `HookFailed` to the system's failures and to the timeline. `__cause__` is `error`."""
    site = raise_site(error)
    tail = f"; {consequence}" if consequence else ""
    failure = HookFailed(
        f"{device}: {what} raised {type(error).__name__} at {show(site)}: {error}{tail}",
        device=device.label,
        hook=what,
        site=site,
        error=error,
        is_paused=device.is_paused,
    )
    failure.__cause__ = error
    device.system.failures.append(failure)
    device.system.trace.add(What.FAULT, device.label, failure.message, failure)
    return failure


def record_breach(device: Device, text: str, function: object, kind: str = "") -> None:
    """Append a breach of the contract that no line of the driver raises; `function` is the code to look at, or its line.

    `kind` is a word for programs: "dma", "irq", "atomic", "user", "retry" or "peer".
    With ``faults="hardware"`` nothing is recorded: the driver sees what a real one would see.
    """
    if device.system.faults == "hardware":
        return
    code = getattr(function, "__code__", None)
    site: Site = (code.co_filename, code.co_firstlineno) if code is not None else NOWHERE
    if isinstance(function, tuple):
        site = function
    failure = HookFailed(f"{text} (see {show(site)})", device=device.label, hook="rescan_prepare", site=site, kind=kind)
    device.system.failures.append(failure)


def driver_name(device: Device) -> str:
    """Name of the bound driver, or "?"."""
    return device.driver.name if device.driver is not None else "?"


def call_site() -> Site:
    """File and line of the nearest caller outside the kernel model."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_OURS):
        frame = frame.f_back
    return NOWHERE if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def raise_site(error: BaseException) -> Site:
    """The deepest line of `error`'s traceback that lies outside the kernel model."""
    site = NOWHERE
    trace = error.__traceback__
    while trace is not None:
        if not trace.tb_frame.f_globals.get("__name__", "").startswith(_OURS):
            site = (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next
    return site


def show(site: Site) -> str:
    """`site` as ``file:line``, the file relative to the working directory where it lies below it."""
    name, line = site
    with suppress(ValueError):
        name = str(Path(name).relative_to(os.getcwd()))
    return f"{name}:{line}"
