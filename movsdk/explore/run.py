"""One run: the tasks of a program, executed one operation at a time in an order that somebody else chooses.

Twin: none. A task stops *before* each operation it announces. The decision who goes on is taken in the greenlet of the task that
has just announced, so that a real switch happens only when the task changes. Knows no strategy and no oracle.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress

from attrs import define, field
from greenlet import getcurrent, greenlet

from movsdk import points
from movsdk.explore import current
from movsdk.explore.aside import Aside
from movsdk.explore.footprint import Announced, Op
from movsdk.explore.record import Drift
from movsdk.explore.tasks import Task, World

Program = Callable[[World], None]
Guard = Callable[[], bool]
Cells = Iterable[Hashable]


@define(eq=False)
class Run(Aside):
    """A run while it is executed."""

    world: World = field(init=False)
    _choose: Callable[[Run], int] = field(default=lambda _run: -1, init=False)
    _forced: Sequence[int] = field(default=(), init=False)
    _known: int = field(default=0, init=False)  # operations that the run before did as well: no guard need be asked
    _is_beyond: bool = field(default=False, init=False)  # past those
    is_free: bool = field(default=False, init=False)  # set by `choose`: from now on the task that runs goes on, else the lowest
    _plain: dict[str, Op] = field(init=False)
    _guarded: dict[str, Op] = field(init=False)
    _roots: int = field(default=0, init=False)
    _spawner: greenlet = field(factory=getcurrent, init=False)

    def __attrs_post_init__(self) -> None:
        self.world = World(self)
        self._plain, self._guarded = self.book.plain, self.book.guarded

    # --- from outside ------------------------------------------------------------------------------------
    def execute(
        self, program: Program, forced: Sequence[int], choose: Callable[[Run], int], enabled_at: Sequence[int] = ()
    ) -> None:
        """Set the world up and run it.

        Args:
            forced: tasks that go on first; one that cannot ends the list.
            choose: says who goes on after those (-1: give the run up).
            enabled_at: what an earlier run of the same session had enabled along the first of `forced`.
        """
        self._known = len(enabled_at)
        self.order, self.enabled_at = list(forced[: self._known]), list(enabled_at)
        self._forced, self._choose = forced, choose
        before, scope = points.install(self.point), points.install_scope(None)
        current.install(self, hears_values=self.hears_values)
        try:
            program(self.world)
            self.looks = self.is_drawn or bool(self.world.predicates)
            while not self.is_over and (chosen := self._next()) is not None:
                self.task = chosen
                chosen.go()
            self.task = None
            if self.error is None and self.is_complete and not self.blocked():
                for name, predicate in self.world.finals:
                    if not predicate():
                        self.fail(name, f"{name} does not hold at the end")
        finally:
            points.install(before)
            points.install_scope(scope)
            current.install(None)
            self.task = None
            self._unwind()
        if self.error is not None:
            raise self.error

    def spawn(
        self,
        name: str,
        function: Callable[..., object],
        args: tuple[object, ...],
        *,
        daemon: bool,
        implicit: tuple[Hashable, ...],
        idle: bool,
    ) -> Task:
        """Create a task; it runs to its first operation now, unless its steps have implicit cells."""
        parent = self.task
        if parent is None:
            key: tuple[int, ...] = (self._roots,)
            self._roots += 1
        else:
            key = (*parent.key, parent.children)
            parent.children += 1
        number = self.numbers.setdefault(key, len(self.numbers))
        task = Task(key, number, len(self.tasks), name, daemon, implicit)
        self.tasks.append(task)
        self.by_number[number] = task
        self.enabled |= 1 << number
        if idle:
            self.idle |= 1 << number
        if parent is not None:
            self.births[number] = len(self.ops) - 1
        task.fibre = self.pool.take(self.hub)
        body = lambda: self._body(task, function, args)  # noqa: E731  the fibre calls it once
        if implicit:
            task.is_new, task.body = False, body
            task.op = self.book.op(Announced(f"begin {name}", implicit=implicit))
            return task
        before, self._spawner = self._spawner, getcurrent()
        self.task = task
        task.fibre.switch(body)
        self.task, self._spawner = parent, before
        return task

    # --- the seam ----------------------------------------------------------------------------------------
    def point(self, label: str, reads: Cells, writes: Cells, guard: Guard | None) -> None:
        """Hear that the running task is about to act; others run first if the schedule says so."""
        task = self.task
        if task is None or not label:
            self.aside(label, reads, writes, guard)
            return
        if guard is points.mentioned:
            if not task.is_new:
                self.aside("", reads, writes, None)
                return
            guard = None
        if self.looks and not task.is_new:
            self.end_step(task)
        op = (self._plain if guard is None else self._guarded).get(label)
        if op is None or op.reads != reads or op.writes != writes or op.implicit != task.implicit:
            op = self.operation(task, label, reads, writes, guard)
        task.op = op
        task.guard = guard
        if task.is_new:
            task.is_new = False
            if op.is_guarded and self._is_beyond:
                self.expect(task)
            self._spawner.switch()
            return
        chosen: Task | None = None
        depth = len(self.ops)
        if depth < self._known:
            chosen = self.by_number[self.order[depth]]
            if chosen.op is None or self.live:
                chosen = self._next()
            else:
                self.ops.append(chosen.op)
        else:
            chosen = self._free(task, op, depth) if self.is_free else self._next_after(task, op)
        if chosen is not task:
            if chosen is None:
                self.hub.switch()
            else:
                self.task = chosen
                chosen.go()

    def _free(self, task: Task, op: Op, depth: int) -> Task | None:
        """Go on where nobody need be asked: with the running task, if it can."""
        if op.is_guarded or depth >= self.step_limit or self.live or self.idle:
            return self._next_after(task, op)
        if self.waiting or self.queues:
            self.settle()
        self.enabled_at.append(self.enabled)
        self.order.append(task.number)
        self.ops.append(op)
        return task

    def _next_after(self, task: Task, op: Op) -> Task | None:
        """Choose who goes on after a step of `task`, which is about to do `op`."""
        if self._is_beyond:
            if self.waiting or self.queues:
                self.settle()
            if op.is_guarded:
                self.expect(task)
        return self._next()

    def _record(self, task: Task) -> None:
        op = task.op
        if self.live and task.number in self.live:
            op = self.alive(task)
        self.ops.append(op)  # type: ignore[arg-type]  # a task that can go on stands before an operation

    def _next(self) -> Task | None:
        """Choose who goes on and write the choice down; None: the run is over."""
        depth = len(self.ops)
        if depth < self._known:
            task = self.by_number[self.order[depth]]
            if task.op is None:
                self.error = Drift(f"operation {depth + 1}: {task} has ended, where it went on before")
                self.is_over = True
                return None
            self._record(task)
            return task
        if not self._is_beyond:
            self._go_beyond()
        enabled = self.enabled
        if self.idle and enabled & ~self.idle:
            enabled &= ~self.idle
        if not enabled or self.error is not None:
            self.nobody()
            self.is_over = True
            return None
        self.enabled_at.append(enabled)
        try:
            if self.is_free:
                last = self.order[-1] if depth else 0
                chosen = last if enabled >> last & 1 else (enabled & -enabled).bit_length() - 1
            elif depth < len(self._forced) and enabled >> self._forced[depth] & 1:
                chosen = self._forced[depth]
            else:
                self._forced = ()
                chosen = self._choose(self)
        except Exception as error:  # it must not surface inside the code under test
            self.error, chosen = error, -1
        if chosen < 0 or depth >= self.step_limit:
            self.enabled_at.pop()
            self.is_given_up, self.is_cut = chosen < 0, chosen >= 0
            self.is_over = True
            return None
        task = self.by_number[chosen]
        if task.op is not None and task.op.is_guarded:
            self.expect_no_more(task)
        self.order.append(chosen)
        self._record(task)
        return task

    def _unwind(self) -> None:
        """End the tasks where they stand. A run that is over must not fail in somebody's clean-up."""
        for task in self.tasks:
            if not task.is_done and task.body is None:
                with suppress(Exception):
                    self.pool.unwind(task.fibre)

    def _go_beyond(self) -> None:
        """Leave the known operations: from here on guards are asked."""
        self._is_beyond = True
        for one in self.tasks:
            if one.op is not None and one.op.is_guarded:
                self.expect(one)

    def _body(self, task: Task, function: Callable[..., object], args: tuple[object, ...]) -> greenlet:
        try:
            function(*args)
        except Exception as error:  # whatever a driver raises is a result of this run
            self.fail(type(error).__name__, str(error))
        if self.looks and not task.is_new:
            self.end_step(task)
        task.is_done, task.op = True, None
        self.enabled &= ~(1 << task.number)
        if self._is_beyond and (self.waiting or self.queues):
            self.settle()
        return self._spawner if task.is_new else self.hub
