"""A watchdog for driver code that waits for ever: in virtual time, or in a loop that lets none pass.

What it raises is no `Exception`, so that neither a driver's ``except Exception`` nor the kernel model holds it up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final, TypeVar

from movsdk.bench.alarm import Hung, alarm, placed, site_of
from movsdk.clock import NS_PER_MS, Clock
from movsdk.kernel.actor import current_actor

VIRTUAL_MS: Final = 20_000
REAL_SECONDS: Final = 2.0  # spent (see `alarm`) in which no virtual time passes
NESTED_SECONDS: Final = 0.4  # the same, in the middle of somebody else's call
KNOWN_SECONDS: Final = 0.1  # the same, for who has hung before
MOST_SECONDS: Final = 10.0  # whether virtual time passes or not
Result = TypeVar("Result")


class TornOut(BaseException):
    """A trial tears itself out of the driver's call that it interrupted; its text says why."""


def watched(
    clock: Clock,
    what: str,
    work: Callable[[], Result],
    limit_ms: int = VIRTUAL_MS,
    loopers: set[str] | None = None,
    is_nested: bool = False,
) -> Result:
    """Run `work`. `loopers` are those who were found in an endless loop before: with them it is patient no longer.

    `is_nested`: somebody else is interrupted meanwhile, and may hold a lock that `work` waits for.

    Raises:
        Hung: after `limit_ms` virtual milliseconds, after 2 seconds spent in which no virtual time passed, after 10 in any case.
    """

    def bark() -> None:
        site = site_of(sys._getframe())
        raise Hung(f"{what} waits for more than {limit_ms // 1000} s of virtual time, at {placed(site)}", site)

    known = loopers if loopers is not None else set()
    last, since = -1, 0.0

    def is_over(spent: float) -> bool:
        nonlocal last, since
        if clock.now != last:
            last, since = clock.now, spent
        who = current_actor() or what
        patience = KNOWN_SECONDS if who in known else NESTED_SECONDS if is_nested else REAL_SECONDS
        if spent - since < patience and spent < MOST_SECONDS:
            return False
        known.add(who)
        return True

    timer = clock.call_later(limit_ms * NS_PER_MS, bark, "watchdog")
    try:
        with alarm(what, KNOWN_SECONDS, is_over):
            return work()
    finally:
        timer.cancel()
