"""The driver core's lock on one device: whoever binds, unbinds, suspends or recovers it waits for the others.

Twin: ``device_lock()`` in drivers/base/core.c, as dd.c, main.c (system sleep) and ``pcie_do_recovery()`` take it. The series
takes none round its rescan hooks, nor does runtime PM, which has books of its own. Outer to every lock of a driver, inner to
the rescan lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from movsdk.kernel.device import Device
from movsdk.kernel.mutex import Mutex
from movsdk.points import is_watched


@contextmanager
def device_locked(device: Device) -> Iterator[None]:
    """Hold the lock of `device` inside.

    A hook that lets time pass is met by what falls due in its own task: where nobody can wait, it goes on without the lock.
    """
    if device.lock is None:
        device.lock = Mutex(f"{device.label}.device_lock", kind="device_lock")
    if device.lock.is_locked and not is_watched():
        yield
        return
    with device.lock.held():
        yield
