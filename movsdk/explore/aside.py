"""Beside the steps of a run: guards that are asked, predicates that are looked at, cells that are touched or looked up late.

Twin: none. The part of a run that is not on its shortest way; see `run`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING

from attrs import define, field
from greenlet import getcurrent, greenlet

from movsdk.errors import BadInput
from movsdk.explore.footprint import Mark, Op, announced
from movsdk.explore.record import Record
from movsdk.explore.tasks import Task

if TYPE_CHECKING:
    from movsdk.explore.tasks import World

Guard = Callable[[], bool]
Cells = Iterable[Hashable]
_STATIC = (tuple, list, set, frozenset)


@define(eq=False)
class Aside(Record):
    """What a run keeps besides its record."""

    world: World = field(init=False)
    idle: int = field(default=0, init=False)  # tasks that run only when no other can
    waiting: list[Task] = field(factory=list, init=False)  # tasks before a guard
    queues: dict[int, int] = field(factory=dict, init=False)  # for the cell of a lock: tasks before its exclusive acquire
    live: dict[int, tuple[str, Cells, Cells, Guard | None]] = field(factory=dict, init=False)
    hub: greenlet = field(factory=getcurrent, init=False)
    looks: bool = field(default=False, init=False)  # there is something to look at after each step
    is_over: bool = field(default=False, init=False)
    error: Exception | None = field(default=None, init=False)
    _asking: tuple[str, int] | None = field(default=None, init=False)  # who looks at cells now, and which it named

    def stuck(self) -> list[tuple[int, Op]]:
        """Tasks whose guard does not hold, with the operations they stand before."""
        return [
            (task.number, task.op)
            for task in self.tasks
            if task.op is not None and task.op.is_guarded and not self.enabled >> task.number & 1
        ]

    def stop(self, error: Exception) -> None:
        """End the run with an error of ours; does not return into a task."""
        self.error, self.is_over = error, True
        if getcurrent() is not self.hub:
            self.hub.switch()

    # --- guards ------------------------------------------------------------------------------------------
    def expect(self, task: Task) -> None:
        """Ask the guard of the operation that `task` stands before, and remember to ask again."""
        assert task.op is not None
        if task.op.holds >= 0:
            self.queues[task.op.holds] = self.queues.get(task.op.holds, 0) | 1 << task.number
        else:
            self.waiting.append(task)
        self._ask(task)

    def expect_no_more(self, task: Task) -> None:
        """Forget the guard of `task`, which goes on."""
        assert task.op is not None
        if task.op.holds < 0:
            self.waiting.remove(task)
        elif not (left := self.queues[task.op.holds] & ~(1 << task.number)):
            del self.queues[task.op.holds]
        else:
            self.queues[task.op.holds] = left

    def settle(self) -> None:
        """Find out who can go on after the step that ends."""
        done = self.ops[-1]
        w, rw = done.w, done.rw
        for cell, tasks in self.queues.items():
            if w >> cell & 1:
                self.enabled = self.enabled & ~tasks if done.holds == cell else self.enabled | tasks
        for task in self.waiting:
            op = task.op
            if op is not None and (op.w & rw or op.rw & w):
                self._ask(task)

    def nobody(self) -> None:
        """Nobody can go on. A guard that holds nevertheless was changed by somebody who did not say so."""
        if self.error is not None:
            return
        for task in self.tasks:
            if task.op is not None and task.op.is_guarded:
                self._ask(task)
                if self.enabled >> task.number & 1 and self.error is None:
                    text = (
                        f"{task} waits at {str(task.op)!r}: nobody announced a write of what it waits for, and yet it may go on"
                    )
                    self.error = BadInput(f"{text}; announce the cells where they are written")

    def _ask(self, task: Task) -> None:
        """Find out whether a waiting task can go on."""
        op = task.op
        assert op is not None
        assert task.guard is not None
        running, self.task = self.task, None
        self._asking = None if op.looks_anywhere else (f"the guard of {op}", op.rw)
        try:
            is_open = task.guard()
        except Exception as error:  # it must not surface inside the code under test
            self.stop(error)
            return
        self._asking, self.task = None, running
        if is_open:
            self.enabled |= 1 << task.number
        else:
            self.enabled &= ~(1 << task.number)

    # --- cells -------------------------------------------------------------------------------------------
    def operation(self, task: Task, label: str, reads: Cells, writes: Cells, guard: Guard | None) -> Op:
        """Look an announcement up in the book."""
        if type(reads) not in _STATIC or type(writes) not in _STATIC:  # cells that are looked up when the operation happens
            reads = tuple(reads) if iter(reads) is reads else reads
            writes = tuple(writes) if iter(writes) is writes else writes
            self.live[task.number] = (label, reads, writes, guard)
        return self._op(task, label, reads, writes, guard, is_live=task.number in self.live)

    def alive(self, task: Task) -> Op:
        """Look the cells of an operation up again, now that it happens: where an address leads may have changed."""
        return self._op(task, *self.live.pop(task.number), is_live=True)

    def _op(self, task: Task, label: str, reads: Cells, writes: Cells, guard: Guard | None, *, is_live: bool) -> Op:
        is_idle = bool(self.idle >> task.number & 1)
        try:
            said = announced(
                label, self._sorted(reads), self._sorted(writes), task.implicit, guard, is_idle=is_idle, is_live=is_live
            )
            op = self.book.op(said)
            (self.book.plain if guard is None else self.book.guarded)[label] = op
            return op
        except Exception as error:  # see _ask
            self.stop(error)
            raise

    def _sorted(self, cells: Cells) -> Cells:
        """Cells in an order that does not depend on the hash of strings."""
        return sorted(cells, key=repr) if isinstance(cells, set | frozenset) else cells

    def end_step(self, task: Task) -> None:
        """Look at the predicates that the step which ends may have changed."""
        if not self.ops:
            return
        done = self.ops[-1]
        self.task = None
        try:
            for watch, predicate in self.world.predicates:
                if done.w & watch.bit:
                    self._asking = None if watch.mask is None else (f"always {watch.name!r}", watch.mask)
                    if not predicate():
                        self.task = task
                        self.fail(watch.name, f"{watch.name} does not hold after {done}")
                        self.task = None
            if self.is_drawn:
                self._asking = None
                self.states.append(self.world.state())
        except Exception as error:  # see _ask
            self.stop(error)
        self._asking, self.task = None, task

    def aside(self, label: str, reads: Cells, writes: Cells, guard: Guard | None) -> None:
        """Hear what is no operation of a task: a touch, or somebody who only looks."""
        if self.task is None:
            if self._asking is not None and label:
                who, named = self._asking
                if unnamed := [cell for cell in (*reads, *writes) if not named >> self.book.cell(cell) & 1]:
                    raise BadInput(f"{who} looks at {unnamed[0]}, which is not among the cells it reads; name it there")
            return
        if self.task.is_new or not self.ops:
            self.stop(BadInput(f"{self.task} touches {(*reads, *writes)} before its first operation; give it implicit cells"))
        mark = guard if isinstance(guard, Mark) else None
        try:
            self.ops[-1] = self.book.merged(self.ops[-1], self._sorted(reads), self._sorted(writes), mark)
        except Exception as error:  # see _ask
            self.stop(error)
