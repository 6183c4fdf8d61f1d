"""Locks that a user holds who sleeps in a fault handler until the device is back.

Here such a user is torn out of the handler, as nobody goes on meanwhile, and gives its locks back. On a machine it sleeps on with
them, and a hook that takes one of them waits for a user who waits for that hook.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager

from attrs import define, field

from movsdk import points
from movsdk.bench.alarm import Hung, site_of
from movsdk.kernel.actor import Site, current_actor
from movsdk.kernel.mutex import Acquire


@define
class Sleepers:
    """`held`: by name, where a user took each mutex that is not given back. `wanted`: which, where, who takes it, and where."""

    held: dict[str, Site] = field(factory=dict)
    wanted: list[tuple[str, Site, str, Site]] = field(factory=list)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While inside, see who takes mutexes: code without a name is the user, other code is a hook."""
        before = points.install(None)

        def listen(label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Callable[[], bool] | None) -> None:
            if before is not None:
                before(label, reads, writes, guard)
            if isinstance(guard, Acquire):
                self._locks(guard.mutex.name)
            elif label.startswith("unlock ") and not isinstance(sys.exc_info()[1], Hung):
                self.held.pop(label.removeprefix("unlock "), None)

        points.install(listen)
        try:
            yield
        finally:
            points.install(before)

    def _locks(self, name: str) -> None:
        who = current_actor()
        if not who:
            self.held[name] = site_of(sys._getframe())
        elif name in self.held:
            self.wanted.append((name, self.held[name], who, site_of(sys._getframe())))
