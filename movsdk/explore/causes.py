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
    starts: list[int] = field(factory=list)  # the operation before it in its own task, or the one that spawned that, or -1
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
        at = len(self.past)
        bit = 1 << at
        before = self._last.get(task, -1)
        cause = before if before >= 0 else birth
        past = self.past[cause] if cause >= 0 else 0
        self.starts.append(cause)
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
        met, latest = left, []
        while left:
            rival = left.bit_length() - 1
            latest.append(rival)
            past |= self.past[rival]
            left &= ~past
        if op.is_guarded and met:
            self.rivals.append(self._lock_rivals(op, met, bit) if op.holds >= 0 else _bits(met))
        else:
            self.rivals.append(latest)
        if self.is_named:
            history = (self.names[cause] if cause >= 0 else -1, *sorted(self.names[rival] for rival in latest))
            self.names.append(self._known.setdefault((task, op.number, history), len(self._known)))
        self._before.append(before)
        self._last[task] = at
        self.order.append(task)
        self.ops.append(op)
        self.past.append(past | bit)

    def _lock_rivals(self, op: Op, met: int, bit: int) -> list[int]:
        """For taking a lock: of the operations on it only the last that took it; before a release it would have to wait."""
        lock = self.writers[op.holds] & ~bit
        rivals = _bits(met & ~lock)
        left = lock & met
        while left:
            event = left.bit_length() - 1
            left ^= 1 << event
            before = (lock & (1 << event) - 1).bit_length() - 1
            if self.ops[event].holds == op.holds and (before < 0 or self.ops[before].holds != op.holds):
                rivals.append(event)
                break
        return rivals

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
        for column in (self.order, self.ops, self.past, self.own, self.starts, self.rivals, self.names, self._before):
            del column[count:]
        keep = (1 << count) - 1
        self.readers = [events & keep for events in self.readers]
        self.writers = [events & keep for events in self.writers]


def _bits(mask: int) -> list[int]:
    return [at for at in range(mask.bit_length()) if mask >> at & 1]
