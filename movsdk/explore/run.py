"""One run: the tasks of a program, executed one operation at a time in an order that somebody else chooses.

Twin: none. A task stops *before* each operation it announces. The decision who goes on is taken in the greenlet of the task that
has just announced, so that a real switch happens only when the task changes. Knows no strategy and no oracle.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from attrs import define, field
from greenlet import getcurrent, greenlet

from movsdk import points
from movsdk.errors import BadInput
from movsdk.explore import current
from movsdk.explore.footprint import Book, Mark, Op
from movsdk.explore.record import Drift, Record
from movsdk.explore.tasks import Task, World

Program = Callable[[World], None]
Guard = Callable[[], bool]
Cells = Iterable[Hashable]
_STATIC = (tuple, list, set, frozenset)


@define(eq=False)
class Run(Record):
    """A run while it is executed."""

    world: World = field(init=False)

    _roots: int = field(default=0, init=False)
    _idle: int = field(default=0, init=False)
    _forced: Sequence[int] = field(default=(), init=False)
    _choose: Callable[[Run], int] = field(default=lambda _run: -1, init=False)
    _waiting: list[Task] = field(factory=list, init=False)
    _live: dict[int, tuple[str, Cells, Cells, Guard | None]] = field(factory=dict, init=False)
    _hub: greenlet = field(factory=getcurrent, init=False)
    _spawner: greenlet = field(factory=getcurrent, init=False)
    _looks: bool = field(default=False, init=False)  # something is to be looked at when the step ends
    _asking: tuple[str, int] | None = field(default=None, init=False)  # who looks at cells now, and which it named
    _is_over: bool = field(default=False, init=False)
    _error: Exception | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.world = World(self)

    # --- from outside ------------------------------------------------------------------------------------
    def execute(self, program: Program, forced: Sequence[int], choose: Callable[[Run], int]) -> None:
        """Set the world up and run it: `forced` task numbers first, then what `choose` says (-1: give the run up)."""
        self._forced, self._choose = forced, choose
        before = points.install(self.point)
        current.install(self, hears_values=self.is_drawn)
        try:
            program(self.world)
            self._looks = self.is_drawn or bool(self.world.predicates)
            while not self._is_over and (chosen := self._next()) is not None:
                self.task = chosen
                chosen.greenlet.switch()
            self.task = None
            if self._error is None and self.is_complete and not self.blocked():
                for name, predicate in self.world.finals:
                    if not predicate():
                        self.fail(name, f"{name} does not hold at the end")
        finally:
            points.install(before)
            current.install(None)
            self.task = None
            for task in self.tasks:
                task.kill()
        if self._error is not None:
            raise self._error

    def stuck(self) -> list[tuple[int, Op]]:
        """Tasks whose guard does not hold, with the operations they stand before."""
        return [(task.number, task.op) for task in self._waiting if task.op is not None and not self.enabled >> task.number & 1]

    def spawn(self, name: str, function: Callable[[], object], *, daemon: bool, implicit: tuple[Hashable, ...], idle: bool) -> Task:
        """Create a task; it runs to its first operation now, unless its steps have implicit cells."""
        parent = self.task
        key = (self._roots,) if parent is None else (*parent.key, parent.children)
        number = self.numbers.setdefault(key, len(self.numbers))
        task = Task(key, number, len(self.tasks), name, daemon, implicit)
        self.tasks.append(task)
        self.by_number[number] = task
        self.enabled |= 1 << number
        if idle:
            self._idle |= 1 << number
        if parent is None:
            self._roots += 1
        else:
            parent.children += 1
            self.births[number] = len(self.order) - 1
        if implicit:
            task.is_new = False
            task.op = self.book.op(f"begin {name}", (), (), implicit)
            task.greenlet = greenlet(lambda: self._body(task, function), self._hub)
            return task
        before, self._spawner = self._spawner, getcurrent()
        task.greenlet = greenlet(lambda: self._body(task, function), self._spawner)
        self.task = task
        task.greenlet.switch()
        self.task, self._spawner = parent, before
        if task.greenlet:
            task.greenlet.parent = self._hub
        return task

    # --- the seam ----------------------------------------------------------------------------------------
    def point(self, label: str, reads: Cells, writes: Cells, guard: Guard | None) -> None:
        """Hear that the running task is about to act; others run first if the schedule says so."""
        task = self.task
        if task is None or not label:
            self._aside(label, reads, writes, guard)
            return
        if self._looks and not task.is_new:
            self._end_step(task)
        op = self.book.labels.get(label)
        if op is None or op.reads != reads or op.writes != writes or op.implicit != task.implicit:
            op = self._operation(task, label, reads, writes, guard)
        task.op = op
        if self._waiting:
            self._look_again()
        if op.is_guarded:
            task.guard = guard
            self._waiting.append(task)
            self._ask(task)
        if task.is_new:
            task.is_new = False
            self._spawner.switch()
            return
        chosen = self._next()
        if chosen is not task:
            if chosen is None:
                self._hub.switch()
            else:
                self.task = chosen
                chosen.greenlet.switch()

    def _next(self) -> Task | None:
        """Choose who goes on and write the choice down; None: the run is over."""
        enabled = self.enabled
        if self._idle and enabled & ~self._idle:
            enabled &= ~self._idle
        if not enabled or self._error is not None:
            self._is_over = True
            return self._nobody()
        depth = len(self.order)
        self.enabled_at.append(enabled)
        try:
            if depth < len(self._forced) and enabled >> self._forced[depth] & 1:
                chosen = self._forced[depth]
            else:
                self._forced = ()
                chosen = self._choose(self)
        except Exception as error:  # noqa: BLE001  it must not surface inside the code under test
            return self._stop(error)
        if chosen < 0 or depth >= self.step_limit:
            self.enabled_at.pop()
            self.is_given_up, self.is_cut = chosen < 0, chosen >= 0
            self._is_over = True
            return None
        if not enabled >> chosen & 1:
            return self._stop(Drift(f"operation {depth + 1}: the task that went on here before cannot go on now"))
        task = self.by_number[chosen]
        op = task.op
        assert op is not None
        if op.is_guarded:
            self._waiting.remove(task)
        if chosen in self._live:
            op = self._alive(chosen)
        self.order.append(chosen)
        self.ops.append(op)
        return task

    # --- the less frequent ways --------------------------------------------------------------------------
    def _body(self, task: Task, function: Callable[[], object]) -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001  whatever a driver raises is a result of this run
            self.fail(type(error).__name__, str(error))
        if self._looks and not task.is_new:
            self._end_step(task)
        task.is_done, task.op = True, None
        self.enabled &= ~(1 << task.number)
        if self._waiting:
            self._look_again()

    def _nobody(self) -> None:
        """Nobody can go on. A guard that holds nevertheless was changed by somebody who did not say so."""
        for task in self._waiting if self._error is None else ():
            self._ask(task)
            if self.enabled and self._error is None:
                message = f"{task} waits at {task.op}; nobody announced a write of what it waits for, and yet it may go on now"
                self._error = BadInput(f"{message}: announce the cells where they are written")

    def _stop(self, error: Exception) -> None:
        """End the run with an error of ours; never returns into a task."""
        self._error, self._is_over = error, True
        if getcurrent() is not self._hub:
            self._hub.switch()

    def _operation(self, task: Task, label: str, reads: Cells, writes: Cells, guard: Guard | None) -> Op:
        if type(reads) not in _STATIC or type(writes) not in _STATIC:  # cells that are looked up when the operation happens
            reads = tuple(reads) if iter(reads) is reads else reads
            writes = tuple(writes) if iter(writes) is writes else writes
            self._live[task.number] = (label, reads, writes, guard)
        try:
            is_idle, is_live = bool(self._idle >> task.number & 1), task.number in self._live
            return self.book.op(label, self._sorted(reads), self._sorted(writes), task.implicit, guard, is_idle, is_live)
        except Exception as error:  # noqa: BLE001  see _next
            self._stop(error)
            raise

    def _sorted(self, cells: Cells) -> Cells:
        """Cells in an order that does not depend on the hash of strings."""
        return sorted(cells, key=self.book.cell) if isinstance(cells, set | frozenset) else cells

    def _alive(self, number: int) -> Op:
        """Look the cells of an operation up again, now that it happens: where an address leads may have changed."""
        label, reads, writes, guard = self._live.pop(number)
        return self.book.op(
            label, self._sorted(reads), self._sorted(writes), self.by_number[number].implicit, guard, is_live=True
        )

    def _look_again(self) -> None:
        """Ask the guards that the step before may have changed."""
        if self.ops:
            done = self.ops[-1]
            for task in self._waiting:
                if task.op is not None and task.op.conflicts(done):
                    self._ask(task)

    def _ask(self, task: Task) -> None:
        """Find out whether a waiting task can go on."""
        assert task.op is not None and task.guard is not None
        running, self.task = self.task, None
        self._asking = None if task.op.looks_anywhere else (f"the guard of {task.op}", task.op.rw)
        try:
            is_open = task.guard()
        except Exception as error:  # noqa: BLE001  see _next
            self._stop(error)
            return
        self._asking, self.task = None, running
        self.answers.append((len(self.order), task.number, task.op, is_open))
        if is_open:
            self.enabled |= 1 << task.number
        else:
            self.enabled &= ~(1 << task.number)

    def _end_step(self, task: Task) -> None:
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
        except Exception as error:  # noqa: BLE001  see _next
            self._stop(error)
        self._asking, self.task = None, task

    def _aside(self, label: str, reads: Cells, writes: Cells, guard: Guard | None) -> None:
        """Hear what is no operation of a task: a touch, or somebody who only looks."""
        if self.task is None:
            if self._asking is not None and label:
                who, named = self._asking
                if unnamed := [cell for cell in (*reads, *writes) if not named >> self.book.cell(cell) & 1]:
                    raise BadInput(f"{who} looks at {unnamed[0]}, which is not among the cells it reads; name it there")
            return
        if self.task.is_new or not self.ops:
            self._stop(BadInput(f"{self.task} touches {(*reads, *writes)} before its first operation; give it implicit cells"))
        mark = guard if isinstance(guard, Mark) else None
        try:
            self.ops[-1] = self.book.merged(self.ops[-1], self._sorted(reads), self._sorted(writes), mark)
        except Exception as error:  # noqa: BLE001  see _next
            self._stop(error)
