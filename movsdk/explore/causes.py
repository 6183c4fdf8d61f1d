"""Which operation of a run happens before which, and which could have come the other way round.

Twin: none. Sets of operations are integers: bit `i` is operation `i` of the run. Extended at the end, cut back when the
exploration goes back. Plans nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress

from attrs import define, field

from movsdk.explore.footprint import Op


@define(eq=False)
class Causes:
    """Happens-before over the operations of one run."""

    order: list[int] = field(factory=list, init=False)  # the task of each operation
    ops: list[Op] = field(factory=list, init=False)
    past: list[int] = field(factory=list, init=False)  # what happens before each operation, itself included
    starts: list[int] = field(factory=list, init=False)  # the one before it in its own task, or the one that spawned that, or -1
    met: list[int] = field(factory=list, init=False)  # earlier ones it depends on, but for those its own task has seen
    rivals: list[list[int]] = field(factory=list, init=False)  # of these, the ones it could have come before
    readers: list[int] = field(factory=list, init=False)  # for each cell, the operations that read and do not write it
    writers: list[int] = field(factory=list, init=False)
    of_task: dict[int, int] = field(factory=dict, init=False)
    _bit: list[int] = field(factory=list, init=False)  # 1 << i for each operation i, and for some that are no more

    def learn(self, order: Sequence[int], ops: Sequence[Op], births: Mapping[int, int], cell_count: int) -> None:
        """Add operations; `births` are the operations that spawned tasks, `cell_count` how many cells have been named."""
        missing = cell_count - len(self.readers)
        if missing:
            self.readers += [0] * missing
            self.writers += [0] * missing
        pasts, readers, writers, of_task = self.past, self.readers, self.writers, self.of_task
        at = len(pasts)
        self.order += order
        self.ops += ops
        for task, op in zip(order, ops, strict=True):
            bit = 1 << at
            mine = of_task.get(task, 0)
            of_task[task] = mine | bit
            start = mine.bit_length() - 1 if mine else births.get(task, -1)
            past = pasts[start] if start >= 0 else 0
            met = 0
            for cell in op.read_cells:
                met |= writers[cell]
                readers[cell] |= bit
            for cell in op.written_cells:
                met |= writers[cell] | readers[cell]
                writers[cell] |= bit
            left = met = met & ~past
            latest = []
            while left:
                rival = left.bit_length() - 1
                latest.append(rival)
                past |= pasts[rival]
                left &= ~past
            self.starts.append(start)
            self.met.append(met)
            self.rivals.append(self._guard_rivals(op, met, bit) if op.is_guarded else latest)
            pasts.append(past | bit)
            at += 1
        self._bit += [1 << event for event in range(len(self._bit), at)]

    def forget(self, count: int) -> None:
        """Keep the first `count` operations only."""
        for column in (self.order, self.ops, self.past, self.starts, self.met, self.rivals):
            del column[count:]
        keep = (1 << count) - 1
        self.readers = [events & keep for events in self.readers]
        self.writers = [events & keep for events in self.writers]
        for task, events in self.of_task.items():
            self.of_task[task] = events & keep

    def meeting(self, op: Op) -> int:
        """The operations that depend on `op`."""
        events = 0
        for cell in op.read_cells:
            events |= self.writers[cell]
        for cell in op.written_cells:
            events |= self.writers[cell] | self.readers[cell]
        return events

    def after(self, event: int) -> int:
        """What happens after an operation."""
        later = self.past[event + 1 :]
        return sum(compress(self._bit[event + 1 :], map((1 << event).__and__, later)))  # no loop of ours: asked all the time

    def _guard_rivals(self, op: Op, met: int, bit: int) -> list[int]:
        """What a waiting operation is raced with: all that it depends on, for those between may only have kept it waiting.

        Of the operations on an exclusive lock only the last that took it: before a release it would have to wait.
        """
        if op.holds < 0:
            return bits_of(met)
        lock = self.writers[op.holds] & ~bit
        rivals = bits_of(met & ~lock)
        left = lock & met
        while left:
            event = left.bit_length() - 1
            left ^= 1 << event
            before = (lock & (1 << event) - 1).bit_length() - 1
            if self.ops[event].holds == op.holds and (before < 0 or self.ops[before].holds != op.holds):
                return [*rivals, event]
        return rivals


def bits_of(events: int) -> list[int]:
    """A set of operations as a list, the earliest first.

    >>> bits_of(0b1010)
    [1, 3]
    """
    found = []
    while events:
        lowest = events & -events
        found.append(lowest.bit_length() - 1)
        events ^= lowest
    return found
