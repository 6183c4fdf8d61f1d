"""Locks of Python's `threading` round a driver's I/O, of which the kit, with its one thread, cannot see how they keep a move out.

A `Lock` stops the one task there is. An `RLock` lets its own thread in once more: the hook passes, and does what it never could
on a machine. So it is looked whether a hook takes an `RLock` that the interrupted user call holds; then nothing is learnt of it.
"""

from __future__ import annotations

import re
import sys
import threading
from _thread import RLock as Reentrant
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from movsdk.kernel.actor import show
from movsdk.kernel.pcidev import PciDev
from movsdk.testing.conformance.keeping import locks
from movsdk.testing.conformance.surroundings import is_sdk
from movsdk.testing.conformance.watchdog import TornOut

_COUNT: Final = re.compile(r"count=(\d+)")


@contextmanager
def respecting_locks(dev: PciDev) -> Iterator[None]:
    """While inside, raise `TornOut` in whoever takes an `RLock` that the driver of `dev` holds now."""
    held = {path: (lock, _count(lock)) for path, lock in locks(dev) if _is_owned(lock)}
    if not held:
        yield
        return

    def at_line(frame: FrameType, event: str, arg: Any) -> Any:
        for path, (lock, count) in held.items():
            if _count(lock) > count:
                held.clear()  # the way out takes no second one
                where = show((frame.f_code.co_filename, frame.f_lineno))
                raise TornOut(
                    f"its I/O holds {path}, an RLock, which lets the hook pass at {where}: there is one thread "
                    "here; with movsdk.Mutex --deep tries every order"
                )
        return at_line

    def at_call(frame: FrameType, event: str, arg: Any) -> Any:
        return None if is_sdk(frame.f_globals.get("__name__", "")) else at_line

    before = sys.gettrace()
    sys.settrace(at_call)
    try:
        yield
    finally:
        sys.settrace(before)


def _is_owned(lock: Reentrant) -> bool:
    """Whether this thread has it: nobody could take it otherwise without waiting."""
    return _count(lock) > 0 and f"owner={threading.get_ident()} " in repr(lock)


def _count(lock: Reentrant) -> int:
    """How often its thread has taken it; a lock says so in its `repr` alone."""
    found = _COUNT.search(repr(lock))
    return int(found[1]) if found is not None else 0
