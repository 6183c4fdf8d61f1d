"""The timeline: what happened, in order, as values that print.

Knows no device: names are strings. The engine, the kernel model and the bench append to one `Trace`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from attrs import define, field, frozen

from movsdk.address import Span
from movsdk.clock import Clock


class What(Enum):
    """Kinds of timeline entries."""

    STEP = "step"  # a numbered step of the rescan transaction
    HOOK = "hook"  # a driver's hook was called
    ATTEMPT = "attempt"  # one turn of the retry loop
    WRITE = "write"  # a BAR or window register was written
    MOVE = "move"  # a BAR ended up elsewhere
    FAULT = "fault"  # silicon or the sanitizer noticed a bad access
    LOG = "log"  # a line as dmesg would show it
    NOTE = "note"  # anything else worth a line


@frozen
class BarMove:
    """One BAR that changed address during a rescan; `new` is None for a BAR that lost its place."""

    device: str
    bar: int
    old: Span
    new: Span | None

    def __str__(self) -> str:
        return f"{self.device} BAR {self.bar}: {self.old} -> {self.new or 'unassigned'}"


@frozen
class Event:
    """One line of the timeline: `time` in virtual nanoseconds, `who` the device or "kernel"."""

    time: int
    what: What
    who: str
    text: str
    detail: object = None

    def __str__(self) -> str:
        return f"{self.time / 1e6:12.6f} ms  {self.what.value:<7} {self.who}: {self.text}"


@define(eq=False)
class Trace:
    """An append-only timeline."""

    clock: Clock
    events: list[Event] = field(factory=list, init=False)

    def add(self, what: What, who: str, text: str, detail: object = None) -> None:
        """Append one entry, stamped with the virtual time."""
        self.events.append(Event(self.clock.now, what, who, text, detail))

    def of(self, *kinds: What, since: int = 0) -> Iterator[Event]:
        """Entries of the given kinds from position `since` on, in order."""
        return (event for event in self.events[since:] if event.what in kinds)

    def __len__(self) -> int:
        return len(self.events)
