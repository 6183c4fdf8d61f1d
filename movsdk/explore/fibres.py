"""Greenlets that are used again: making one costs twenty times a switch.

Twin: a thread pool. A fibre runs one body after the other; between them it is parked in its pool. Knows no tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from greenlet import getcurrent, greenlet

Body = Callable[[], greenlet]


class Unwind(BaseException):
    """Thrown into a fibre whose run is over; what ``finally`` blocks do then no longer counts."""


@define(eq=False)
class Pool:
    """Parked fibres of one thread."""

    _parked: list[greenlet] = field(factory=list, init=False)

    def take(self, hub: greenlet) -> greenlet:
        """A fibre that waits to be switched to with a body; what its body cannot handle comes out in `hub`.

        Never in the fibre that asks: two that took each other, one run after the other, would be each other's parents.
        """
        if self._parked:
            fibre = self._parked.pop()
            fibre.parent = hub
            return fibre
        return greenlet(self._live, hub)

    def unwind(self, fibre: greenlet) -> None:
        """End the body of a fibre where it stands. One that something else has torn out of its body is at its end."""
        if fibre.dead:
            return
        fibre.parent = getcurrent()
        fibre.throw(Unwind)

    def _live(self, body: Body) -> Any:
        """Run bodies for ever."""
        me = getcurrent()
        while True:
            after: greenlet | None = None
            try:
                after = body()
            except Unwind:
                after = me.parent
            self._parked.append(me)
            del body
            assert after is not None
            body = after.switch()
