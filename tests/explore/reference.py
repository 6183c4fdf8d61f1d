"""Brute force: every schedule of a little program, with no explorer and no greenlets, and what a trace is by its definition.

Twin: none. Two schedules are one trace when every pair of dependent instructions comes in the same order. Independent of movsdk.
"""

from __future__ import annotations

from collections.abc import Hashable

from attrs import define, field

from tests.explore.programs import Machine, Source


@define(eq=False)
class Truth:
    """What a program can do: final states, traces, and how many schedules there are."""

    finals: set[Hashable] = field(factory=set)
    traces: set[Hashable] = field(factory=set)
    schedules: int = 0
    is_whole: bool = True


Event = tuple[tuple[int, int], frozenset[Hashable], frozenset[Hashable]]


def truth(source: Source, limit: int) -> Truth:
    """Try every schedule; give up (`is_whole` False) after `limit` of them."""
    found = Truth()
    _try(Machine(source), [], [], found, limit)
    return found


def _try(machine: Machine, events: list[Event], edges: list[tuple[int, ...]], found: Truth, limit: int) -> None:
    if found.schedules >= limit:
        found.is_whole = False
        return
    ready = [t for t in range(len(machine.pc)) if machine.pending(t) is not None and machine.is_ready(t)]
    ready = [t for t in ready if t not in machine.source.idle] or ready
    if not ready:
        found.schedules += 1
        found.finals.add(machine.state())
        names = [name for name, _, _ in events]
        found.traces.add(frozenset((names[j], tuple(names[i] for i in before)) for j, before in enumerate(edges)))
        return
    for task in ready:
        after = machine if len(ready) == 1 else machine.copy()
        reads, writes = footprint(after, task)
        after.step(task)
        always = source_always(after.source)
        if always & writes:
            writes |= {"always"}
            if after.breaks_always():
                after.failures.add("always")
        name = (task, sum(event[0][0] == task for event in events))
        before = tuple(i for i, (_, r, w) in enumerate(events) if events[i][0][0] != task and (writes & (r | w) or reads & w))
        # Order inside the set of causes is the order of the run; dependent causes keep it in every equivalent run.
        before = tuple(sorted(before, key=lambda i: events[i][0]))
        _try(after, [*events, (name, reads, writes)], [*edges, before], found, limit)


def footprint(machine: Machine, task: int) -> tuple[frozenset[Hashable], frozenset[Hashable]]:
    """The cells of the next instruction, with those that nobody announces."""
    reads, writes = (frozenset(cells) for cells in machine.cells(task))
    pending = machine.pending(task)
    if task in machine.source.implicit:
        writes |= {"hidden"}
    if task in machine.source.idle or (pending is not None and pending[0] == "guess"):
        writes |= {"anything"}
    elif machine.source.uses_any:
        reads |= {"anything"}
    return reads, writes


def source_always(source: Source) -> frozenset[Hashable]:
    """The cells that the predicate of a program looks at."""
    return frozenset() if source.always is None else frozenset((("v", source.always[0]), ("v", source.always[1])))
