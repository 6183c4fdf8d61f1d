"""Who gets which cycle: bus numbers to functions, addresses to BARs, compiled from the registers of now.

Twin: PCI-to-PCI Bridge 1.2 §3.1 and §4. Only reads registers; `fabric` keeps the results until one of them changes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from attrs import define, field, frozen

from mockbus.bar import Bar
from mockbus.bridge import Bridge
from mockbus.function import Function
from movsdk.address import Span
from movsdk.pci_regs import COMMAND_IO, COMMAND_MEMORY, PowerState

Ranges = list[tuple[int, int]]
"""Closed ranges, ascending, neither overlapping nor touching."""


@frozen
class BusRoute:
    """One bus number: who answers, by devfn (several where bus numbers overlap), and the bridge that sleeps before it, if any."""

    functions: dict[int, tuple[Function, ...]]
    asleep: str = ""


def route_bus(functions: Iterable[Function], number: int, bus: int) -> BusRoute:
    """Follow a config cycle for `bus` from the bus `number` that holds `functions` downwards."""
    if bus == number:
        found: dict[int, tuple[Function, ...]] = {}
        for function in functions:
            if function.present:
                found[function.devfn] = (*found.get(function.devfn, ()), function)
        return BusRoute(found)
    merged: dict[int, tuple[Function, ...]] = {}
    asleep = ""
    for bridge in functions:
        if not isinstance(bridge, Bridge) or not bridge.present or not bridge.secondary:
            continue
        if not bridge.secondary <= bus <= bridge.subordinate:
            continue
        if bridge.power is not PowerState.D0:
            asleep = asleep or bridge.label
            continue
        below = route_bus(bridge.children, bridge.secondary, bus)
        asleep = asleep or below.asleep
        for devfn, answering in below.functions.items():
            merged[devfn] = merged.get(devfn, ()) + answering
    return BusRoute(merged, asleep)


@define
class Segment:
    """Addresses `start` to `last` and the BARs that answer there; `base` is where the first of them begins."""

    start: int
    last: int
    bars: tuple[Bar, ...]
    bases: tuple[int, ...]
    base: int = field(init=False)
    bar: Bar | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.base = self.bases[0]
        self.bar = self.bars[0] if len(self.bars) == 1 else None


@define(eq=False)
class DecodeMap:
    """All that answers in one address space, sorted."""

    segments: list[Segment]
    _starts: list[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._starts = [segment.start for segment in self.segments]

    def find(self, address: int) -> Segment | None:
        """Return who answers `address`."""
        index = bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        segment = self.segments[index]
        return segment if address <= segment.last else None

    def next_start(self, address: int) -> int | None:
        """Return the first answered address above `address`, which nobody answers."""
        index = bisect_right(self._starts, address)
        return self._starts[index] if index < len(self._starts) else None


@frozen
class _Reached:
    """One BAR, or part of it, that an access gets to; `level` counts subtractive bridges passed on the way."""

    start: int
    last: int
    level: int
    bar: Bar
    base: int


def compile_map(functions: Iterable[Function], apertures: Iterable[Span], *, io: bool) -> DecodeMap:
    """Walk apertures, bridges and BARs as an access does: power, COMMAND and windows on every hop."""
    reached: list[_Reached] = []
    _collect(functions, merge((span.start, span.last) for span in apertures), io, 0, reached)
    return DecodeMap(_flatten(reached))


def _collect(functions: Iterable[Function], reach: Ranges, io: bool, level: int, reached: list[_Reached]) -> None:
    enable = COMMAND_IO if io else COMMAND_MEMORY
    for function in functions:
        if not function.present or function.power is not PowerState.D0 or not function.command & enable:
            continue
        for bar in function.bars.values():
            if bar.spec.kind.is_io is io and bar.is_enabled:
                base = bar.address
                for start, last in intersect(reach, [(base, base + bar.spec.size - 1)]):
                    reached.append(_Reached(start, last, level, bar, base))
        if isinstance(function, Bridge):
            windows = merge((span.start, span.last) for span in function.windows(io=io))
            if inside := intersect(reach, windows):
                _collect(function.children, inside, io, level, reached)
            if function.is_subtractive and (outside := subtract(reach, windows)):
                _collect(function.children, outside, io, level + 1, reached)


def _flatten(reached: Sequence[_Reached]) -> list[Segment]:
    """Cut overlapping ranges into segments. Where a positive decoder answers, a subtractive path stays silent."""
    edges = sorted({item.start for item in reached} | {item.last + 1 for item in reached})
    starting: dict[int, list[_Reached]] = {}
    for item in reached:
        starting.setdefault(item.start, []).append(item)
    segments: list[Segment] = []
    active: list[_Reached] = []
    for edge, following in pairwise(edges):
        active = [item for item in active if item.last >= edge] + starting.get(edge, [])
        if active:
            least = min(item.level for item in active)
            chosen = [item for item in active if item.level == least]
            segments.append(Segment(edge, following - 1, tuple(item.bar for item in chosen), tuple(item.base for item in chosen)))
    return segments


def merge(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sort and join ranges that overlap or touch.

    >>> merge([(8, 9), (0, 3), (4, 5)])
    [(0, 5), (8, 9)]
    """
    joined: Ranges = []
    for start, last in sorted(ranges):
        if joined and start <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((start, last))
    return joined


def intersect(left: Ranges, right: Ranges) -> Ranges:
    """Return what both have.

    >>> intersect([(0, 9), (20, 29)], [(5, 24)])
    [(5, 9), (20, 24)]
    """
    return [(max(a, c), min(b, d)) for a, b in left for c, d in right if max(a, c) <= min(b, d)]


def subtract(left: Ranges, right: Ranges) -> Ranges:
    """Return what `left` has and `right` has not.

    >>> subtract([(0, 9)], [(3, 4)])
    [(0, 2), (5, 9)]
    """
    rest = left
    for start, last in right:
        rest = [piece for a, b in rest for piece in ((a, min(b, start - 1)), (max(a, last + 1), b)) if piece[0] <= piece[1]]
    return rest
