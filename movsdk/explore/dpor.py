"""Every behaviour once: dynamic partial order reduction with sleep sets and wake-up trees.

Twin: optimal DPOR (Abdulla, Aronis, Jonsson, Sagonas, JACM 2017). Two runs that differ only in the order of independent operations
are one behaviour. After a run, each pair of dependent operations that could have come the other way round is a race; the sequence
that turns it round is put into the wake-up tree of the place where they part, unless something explored or planned there covers it.
Guards: an operation that waits is raced with *every* earlier operation it depends on, because the ones between may only have kept it
waiting; one that still waits when the run ends takes part as if it came last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import define, field

from movsdk.explore.footprint import Op
from movsdk.explore.run import Drift, Run

BLIND: Final = Op("", (), (), (), None, False, -1, 0, -1, -1, (), (), -1)  # where it leads is not known: in conflict with all
NOTHING: Final[dict[int, Op]] = {}


@define(eq=False)
class Branch:
    """A planned step of a wake-up tree, and what follows it."""

    task: int
    op: Op
    is_sure: bool = True  # False: its guard may not hold when the run gets there
    next: list[Branch] = field(factory=list)


@define(eq=False)
class Dpor:
    """Exhaustive: when it ends without a failure, every interleaving of the announced operations is proved."""

    claim = "proved"
    base: int = 0  # operations of a campaign's prefix, which is not turned round
    prefix: Sequence[int] = ()

    complete: int = field(default=0, init=False)
    redundant: int = field(default=0, init=False)
    _is_done: bool = field(default=False, init=False)
    _forced: list[int] = field(factory=list, init=False)
    _kept: int = field(default=0, init=False)  # operations that the next run shares with the one before
    _order: list[int] = field(factory=list, init=False)
    _ops: list[Op] = field(factory=list, init=False)
    _enabled: list[int] = field(factory=list, init=False)
    _sleep: list[dict[int, Op]] = field(factory=lambda: [NOTHING], init=False)  # at each depth: tasks not to be run, with their ops
    _trees: list[list[Branch]] = field(factory=list, init=False)  # at each depth: what is still to be explored
    _past: list[int] = field(factory=list, init=False)  # each operation's causes, itself included, as bits
    _before: list[int] = field(factory=list, init=False)  # the last operation of the same task, or the one that spawned it
    _last: dict[int, int] = field(factory=dict, init=False)
    _readers: list[int] = field(factory=list, init=False)  # for each cell
    _writers: list[int] = field(factory=list, init=False)

    # --- the strategy ------------------------------------------------------------------------------------
    def begin(self) -> Sequence[int] | None:
        """Return the steps that the next run is to begin with; None when all is explored."""
        return None if self._is_done else self._forced

    def choose(self, run: Run) -> int:
        """Go on with the running task, else the lowest; never with a sleeping one."""
        order = run.order
        depth = len(order)
        sleep = self._sleep
        if len(sleep) <= depth:
            self._pass_on(run.ops, depth)
        enabled = run.enabled_at[depth]
        if depth < len(self._forced):
            self._replan(depth, enabled)
            if depth < len(self._forced):
                return self._forced[depth]
        for task in sleep[depth]:
            enabled &= ~(1 << task)
        if not enabled:
            return -1
        if depth and enabled >> order[-1] & 1:
            return order[-1]
        return (enabled & -enabled).bit_length() - 1

    def finish(self, run: Run) -> None:
        """Learn the races of a run and plan the next."""
        kept = self._kept
        if run.ops[:kept] != self._ops[:kept] or run.order[:kept] != self._order[:kept]:
            raise Drift(_difference(run, self._order, self._ops, kept))
        if run.is_complete:
            self.complete += 1
        else:
            self.redundant += 1
        self._order, self._ops, self._enabled = run.order, run.ops, run.enabled_at
        count = len(run.order)
        self._trees += [[] for _ in range(count - len(self._trees))]
        self._pass_on(run.ops, count)
        missing = run.book.cell_count - len(self._readers)
        self._readers += [0] * missing
        self._writers += [0] * missing
        for at in range(kept, count):
            self._learn(at, run.births)
        for number, op in run.stuck():
            self._order.append(number)
            self._ops.append(op)
            self._learn(count, run.births, is_real=False)
            self._order.pop()
            self._ops.pop()
        self._back()

    def _back(self) -> None:
        """Return to the deepest place where something is planned, and begin the next run there."""
        order, trees = self._order, self._trees
        at = len(order) - 1
        while at >= self.base and not trees[at]:
            at -= 1
        if at < self.base:
            self._is_done = True
            return
        self._sleep[at] = {**self._sleep[at], order[at]: self._ops[at]}
        del self._sleep[at + 1 :], trees[at + 1 :]
        self._forget(at)
        self._kept = at
        self._forced = order[:at]
        self._follow(at)

    def _replan(self, depth: int, enabled: int) -> None:
        """Go on with the plan where `depth` operations are done: past a closed guard, along another branch."""
        if enabled >> self._forced[depth] & 1:
            return
        del self._trees[depth + 1 :], self._forced[depth:]
        branches = self._trees[depth]
        while branches and not enabled >> branches[0].task & 1:
            branches.pop(0)
        self._follow(depth)

    def _follow(self, depth: int) -> None:
        """Send the next run along the leftmost branches from `depth` on."""
        branches = self._trees[depth]
        while branches:
            branch = branches.pop(0)
            self._forced.append(branch.task)
            self._trees.append(branch.next)
            branches = branch.next

    def _pass_on(self, ops: list[Op], depth: int) -> None:
        """A sleeping task sleeps on until something it depends on happens."""
        sleep = self._sleep
        for at in range(len(sleep) - 1, depth):
            asleep = sleep[at]
            if asleep:
                done = ops[at]
                asleep = {task: op for task, op in asleep.items() if not (op.w & done.rw or op.r & done.w)}
            sleep.append(asleep)

    # --- races -------------------------------------------------------------------------------------------
    def _learn(self, at: int, births: dict[int, int], *, is_real: bool = True) -> None:
        """Take operation `at` into the happens-before order, and turn its races round."""
        task, op = self._order[at], self._ops[at]
        before = self._last.get(task, -1)
        if before < 0:
            before = births.get(task, -1)
        own = past = self._past[before] if before >= 0 else 0
        readers, writers = self._readers, self._writers
        rivals = 0
        for cell in op.read_cells:
            rivals |= writers[cell]
        for cell in op.written_cells:
            rivals |= writers[cell] | readers[cell]
        rivals &= ~past
        races = []
        left = rivals
        while left:
            rival = left.bit_length() - 1
            races.append(rival)
            past |= self._past[rival]
            left &= ~past
        if op.is_guarded:
            races = [rival for rival in range(at) if rivals >> rival & 1]
        bit = 1 << at
        self._past.append(past | bit)
        if is_real:
            self._before.append(self._last.get(task, -1))
            self._last[task] = at
            for cell in op.read_cells:
                readers[cell] |= bit
            for cell in op.written_cells:
                writers[cell] |= bit
        if races:
            self._race(at, task, op, races, own | bit)
        if not is_real:
            self._past.pop()

    def _forget(self, at: int) -> None:
        """Take the operations from `at` on out of the happens-before order."""
        for event in range(len(self._past) - 1, at - 1, -1):
            self._last[self._order[event]] = self._before[event]
        del self._past[at:], self._before[at:]
        keep = (1 << at) - 1
        self._readers = [events & keep for events in self._readers]
        self._writers = [events & keep for events in self._writers]

    def _race(self, at: int, task: int, op: Op, rivals: list[int], own: int) -> None:
        """Plan, for each rival, the run in which operation `at` comes before it."""
        past, order, ops, enabled = self._past, self._order, self._ops, self._enabled
        true_past = past[at]
        for rival in rivals:
            if rival < self.base:
                continue
            others = [event for event in range(rival + 1, at) if not past[event] >> rival & 1]
            bits = 0
            for event in others:
                bits |= 1 << event
            first = order[others[0]] if others else task
            if not enabled[rival] >> first & 1:
                continue
            if op.is_guarded or op.is_idle:
                past[at] = own
                for event in others:
                    if op.w & ops[event].rw or op.r & ops[event].w:
                        past[at] |= past[event]
                if self._is_stuck(rival, at, task, op, bits):
                    continue
            others.append(at)
            self._plan(rival, others, bits | 1 << at)
        past[at] = true_past

    def _is_stuck(self, rival: int, at: int, task: int, op: Op, bits: int) -> bool:
        """Whether the operation is known to wait if it comes before `rival`, after the others in `bits`."""
        if op.is_idle and not self._ops[rival].is_idle:
            return True
        if op.holds >= 0:
            earlier = self._writers[op.holds] & (bits | (1 << rival) - 1)
            return earlier != 0 and self._ops[earlier.bit_length() - 1].holds == op.holds
        return not self._past[at] & bits and not self._enabled[rival] >> task & 1

    def _plan(self, at: int, events: list[int], bits: int) -> None:
        """Add the sequence `events` to the wake-up tree at depth `at`, unless what is there covers it."""
        order, ops, past = self._order, self._ops, self._past
        for task, op in self._sleep[at].items():
            if self._can_start(task, op, events, bits) is not None:
                return
        branches = self._trees[at]
        while True:
            for branch in branches:
                found = self._can_start(branch.task, branch.op, events, bits)
                if found is None or (found < 0 and not branch.is_sure):
                    continue
                if found >= 0:
                    events.remove(found)
                    bits &= ~(1 << found)
                if not branch.next or not events:
                    return
                branches = branch.next
                break
            else:
                for event in events:
                    branch = Branch(order[event], ops[event], not (event == events[-1] and ops[event].is_guarded))
                    branches.append(branch)
                    branches = branch.next
                return

    def _can_start(self, task: int, op: Op, events: list[int], bits: int) -> int | None:
        """Whether `task` may come first in `events` without changing their meaning: its operation there, -1 if it has none."""
        order, ops = self._order, self._ops
        for event in events:
            if order[event] == task:
                return event if self._past[event] & bits == 1 << event else None
        for event in events:
            if op.conflicts(ops[event]):
                return None
        return -1


def _difference(run: Run, order: list[int], ops: list[Op], kept: int) -> str:
    """Say where a run left the way it was sent."""
    for at in range(kept):
        if at >= len(run.order):
            return f"the run ended after {at} operations; before it went on with {ops[at]}"
        if run.order[at] != order[at] or run.ops[at] is not ops[at]:
            who = run.by_number[run.order[at]]
            return f"operation {at + 1}: {who} announced {run.ops[at].described()} where it had announced {ops[at].described()}"
    return "the same operations"
