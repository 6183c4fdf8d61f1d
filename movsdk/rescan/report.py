"""What a rescan did, as values: moves, fixed BARs, newcomers given up, attempts, the part of the timeline.

Twin of nothing: the kernel only logs. Printing is `movsdk.report`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import evolve, field, frozen

from movsdk.address import Span
from movsdk.kernel.arch import PlatformCrash
from movsdk.kernel.device import Device
from movsdk.kernel.system import System
from movsdk.layout.placing import Placing, Try
from movsdk.layout.table import ROM_SHADOW, Resource
from movsdk.layout.wording import resource_name, resource_text
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.rescan.rules.record import Moves
from movsdk.trace import BarMove, Event

_ADDED_UP = ("moves", "attempts", "paused", "blackouts", "found", "crashes", "timeline")
Spans = dict[tuple[int, int], tuple[Device, Span]]
"""Where BARs are: (identity of the device, BAR) -> device and span."""


@frozen
class FailedPlace:
    """A resource that found no place in an attempt: `name` as the kernel's log would call it, `size` in bytes."""

    device: str
    index: int
    size: int
    flags: int

    def __str__(self) -> str:
        text = resource_text(self.flags, 0, self.size, has_place=False)
        return f"{self.device} {resource_name(self.index)} {text}: no space"


@frozen
class Attempt:
    """One turn of the retry loop."""

    number: int
    tries_failed: bool
    expands: bool
    is_accepted: bool
    failed: tuple[FailedPlace, ...]

    def __str__(self) -> str:
        terms = [
            "everything" if self.tries_failed else "what worked before, and newcomers",
            "with hot-plug reserve" if self.expands else "no reserve",
        ]
        return f"attempt {self.number} ({', '.join(terms)}): {'accepted' if self.is_accepted else 'not accepted'}"


@frozen
class RescanReport:
    """The outcome of one event.

    `moves`: BARs that ended up elsewhere, `new` None for a BAR that lost its place · `fixed`: BARs that had to stay while others
    might move · `given_up`: newcomers left without BARs · `unplaced`: BARs without a place at the end · `blackouts`:
    (device, virtual nanoseconds from the call of its rescan_prepare to the end of its rescan_done) · `found`: newcomers the
    scan found · `removed`: whom the event took off the device list · `timeline`: the event's entries · `inferred`: what is
    concluded about these rules and not read, a sentence each.
    """

    op: str
    rules: str
    rc: int
    moves: tuple[BarMove, ...] = ()
    fixed: tuple[tuple[str, int, Span], ...] = ()
    given_up: tuple[str, ...] = ()
    unplaced: tuple[FailedPlace, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    paused: tuple[str, ...] = ()
    blackouts: tuple[tuple[str, int], ...] = ()
    found: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    boot_rescan: bool = False
    crashes: tuple[PlatformCrash, ...] = ()
    timeline: tuple[Event, ...] = field(default=(), repr=False)
    inferred: tuple[str, ...] = field(default=(), repr=False)

    @property
    def lost(self) -> tuple[BarMove, ...]:
        """BARs that had a place before and have none now."""
        return tuple(move for move in self.moves if move.new is None)


def joined(op: str, rules: str, reports: Sequence[RescanReport]) -> RescanReport:
    """One report of what several engine events came to, such as a removal and a hot-add. The first rc that is not 0 counts."""
    if len(reports) == 1:
        return evolve(reports[0], op=op)
    last = reports[-1] if reports else RescanReport(op, rules, 0)
    sums: dict[str, Any] = {name: tuple(each for report in reports for each in getattr(report, name)) for name in _ADDED_UP}
    return evolve(last, op=op, rc=next((report.rc for report in reports if report.rc), 0), **sums)


def assigned_spans(system: System) -> Spans:
    """Every BAR and ROM that has a place now."""
    return {
        (id(device), index): (device, Span(resource.start, resource.last))
        for device in system.discovered
        for index, resource in enumerate(device.resources[:BRIDGE_RESOURCES])
        if resource.flags and resource.parent is not None
    }


def failed_places(placing: Placing) -> tuple[FailedPlace, ...]:
    """What found no place in a pass, in the order it was tried."""
    return tuple(_failed(entry.resource, entry.size, entry.flags) for entry in placing.tries if not entry.has_place)


def _failed(resource: Resource, size: int, flags: int) -> FailedPlace:
    return FailedPlace(resource.row.name if resource.row is not None else "root", resource.index, size, flags)


def fixed_bars(system: System, moves: Moves) -> Iterator[tuple[str, int, Span]]:
    """BARs with a place that must stay there."""
    for (_, index), (device, span) in assigned_spans(system).items():
        if moves.fixed(device.row, index):
            yield device.label, index, span


def unplaced_bars(system: System, tries: Iterable[Try]) -> Iterator[FailedPlace]:
    """BARs and ROMs without a place, and those of `tries` that failed and were forgotten (unpatched kernels wipe them)."""
    for device in system.devices():
        for resource in device.resources[:BRIDGE_RESOURCES]:
            if resource.flags and resource.parent is None and not resource.flags & ROM_SHADOW:
                yield _failed(resource, resource.size, resource.flags)
    forgotten = {}
    for entry in tries:
        if not entry.has_place and not entry.resource.flags and not entry.resource.is_window:
            forgotten[id(entry.resource)] = _failed(entry.resource, entry.size, entry.flags)
    yield from forgotten.values()
