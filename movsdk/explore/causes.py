"""Which operation of a run happens before which, and which could have come the other way round.

Twin: none. Sets of operations are integers: bit `i` is operation `i` of the run. Extended one operation at a time, cut back when the
exploration goes back. Plans nothing.
"""

from __future__ import annotations

from collections.abc import Hashable

from attrs import define, field

from movsdk.explore.footprint import Op


@define(eq=False)
class Causes:
    """Happens-before over the operations of one run."""

    order: list[int] = field(factory=list)  # the task of each operation
    ops: list[Op] = field(factory=list)
    past: list[int] = field(factory=list)  # what happens before each operation, itself included
    own: list[int] = field(factory=list)  # what happens before it by the order of its own task (or by being spawned)
    rivals: list[list[int]] = field(factory=list)  # earlier operations that it could have come before
    readers: list[int] = field(factory=list)  # for each cell, the operations that read and do not write it
    writers: list[int] = field(factory=list)
    names: list[int] = field(factory=list)  # equal for operations with equal histories, in whatever run
    is_named: bool = False
    _before: list[int] = field(factory=list)
    _last: dict[int, int] = field(factory=dict)
    _known: dict[Hashable, int] = field(factory=dict)

    def widen(self, cell_count: int) -> None:
        """Make room for the cells named since."""
        missing = cell_count - len(self.readers)
        self.readers += [0] * missing
        self.writers += [0] * missing

    def learn(self, task: int, op: Op, birth: int) -> None:
        """Add the next operation; `birth` is the one that spawned `task` (-1: none)."""
        before = self._last.get(task, -1)
        past = self.past[before] if before >= 0 else self.past[birth] if birth >= 0 else 0
        bit = 1 << len(self.past)
        self.own.append(past | bit)
        readers, writers = self.readers, self.writers
        left = 0
        for cell in op.read_cells:
            left |= writers[cell]
            readers[cell] |= bit
        for cell in op.written_cells:
            left |= writers[cell] | readers[cell]
            writers[cell] |= bit
        left &= ~past
        self._before.append(before)
        self._last[task] = len(self.past)
        self.order.append(task)
        self.ops.append(op)
        history: list[int] = [self.names[before if before >= 0 else birth]] if self.is_named and (before >= 0 or birth >= 0) else []
        # An operation that waits is raced with every earlier one it depends on: the ones between may only have kept it waiting.
        rivals = [at for at in range(left.bit_length()) if left >> at & 1] if op.is_guarded else []
        while left:
            rival = left.bit_length() - 1
            if not op.is_guarded:
                rivals.append(rival)
            if self.is_named:
                history.append(self.names[rival])
            past |= self.past[rival]
            left &= ~past
        self.past.append(past | bit)
        self.rivals.append(rivals)
        if self.is_named:
            self.names.append(self._known.setdefault((task, op.number, frozenset(history)), len(self._known)))

    def situation(self, at: int, task: int, op: Op, events: int) -> Hashable:
        """Name all that a guard can depend on, for operation `at` of `task`, about to be done after `events`."""
        seen: list[Hashable] = [task, op.number, self.names[before] if (before := self.before(at, task)) >= 0 else -1]
        for cell in (*op.read_cells, *op.written_cells):
            writers = self.writers[cell] & events
            last = writers.bit_length() - 1
            seen.append(self.names[last] if last >= 0 else -1)
        for cell in op.written_cells:
            last = (self.writers[cell] & events).bit_length()
            readers = self.readers[cell] & events & -(1 << last)
            seen.append(frozenset(self.names[event] for event in range(last, readers.bit_length()) if readers >> event & 1))
        return tuple(seen)

    def before(self, at: int, task: int) -> int:
        """The last operation of `task` before operation `at`, or -1."""
        if at < len(self.order):
            return self._before[at]
        return self._last.get(task, -1)

    def forget(self, count: int) -> None:
        """Keep the first `count` operations only."""
        for at in range(len(self.past) - 1, count - 1, -1):
            self._last[self.order[at]] = self._before[at]
        for column in (self.order, self.ops, self.past, self.own, self.rivals, self.names, self._before):
            del column[count:]
        keep = (1 << count) - 1
        self.readers = [events & keep for events in self.readers]
        self.writers = [events & keep for events in self.writers]
