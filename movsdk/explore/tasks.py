"""Tasks and the world they share: what a program sets up, and what it may ask of the run that executes it.

Twin: ``kthread_run()`` and the CPUs. A task is a plain function in a greenlet; it may call anything, and stops where something is
announced with `movsdk.points.checkpoint`. Chooses nobody; see `run` and `strategies`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import define, field
from greenlet import greenlet

from movsdk.errors import BadInput
from movsdk.explore.fibres import Body
from movsdk.explore.footprint import Cells, Op, Watch

if TYPE_CHECKING:
    from movsdk.explore.run import Run

Predicate = Callable[[], bool]


def letter(index: int) -> str:
    """Name the task created as number `index` (from 0) of its run.

    >>> letter(0), letter(25), letter(26)
    ('a', 'z', 'aa')
    """
    return (letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


@define(eq=False)
class Task:
    """One flow of control. `key` names it and `number` is its bit, in every run; `index` counts creations in this one."""

    key: tuple[int, ...]
    number: int
    index: int
    name: str
    is_daemon: bool  # may be waiting when the run ends
    implicit: Cells  # cells that every step reads and writes, besides what it announces
    fibre: greenlet = field(init=False, repr=False)
    body: Body | None = field(default=None, init=False, repr=False)  # not begun yet
    op: Op | None = field(default=None, init=False)  # what it will do next
    guard: Callable[[], bool] | None = field(default=None, init=False, repr=False)
    children: int = field(default=0, init=False)
    made: int = field(default=0, init=False)  # see `Record.place`
    is_new: bool = field(default=True, init=False)  # has announced nothing yet
    is_done: bool = field(default=False, init=False)

    @property
    def letter(self) -> str:
        """The name in schedules."""
        return letter(self.index)

    def go(self) -> None:
        """Let the task go on, or begin."""
        if self.body is None:
            self.fibre.switch()
        else:
            body, self.body = self.body, None
            self.fibre.switch(body)

    def __str__(self) -> str:
        return self.name


@define(eq=False)
class World:
    """The hand through which a program is set up and, later, talks to its run."""

    _run: Run = field(repr=False)
    predicates: list[tuple[Watch, Predicate]] = field(factory=list, init=False)
    finals: list[tuple[str, Predicate]] = field(factory=list, init=False)
    shown: list[tuple[str, Callable[[], object]]] = field(factory=list, init=False)

    def spawn(
        self,
        name: str,
        function: Callable[..., object],
        *args: Any,
        daemon: bool = False,
        implicit: Iterable[Hashable] = (),
        idle: bool = False,
    ) -> Task:
        """Start ``function(*args)`` as a task called `name`; may also be called by a running task.

        Args:
            daemon: it may still wait when all others have ended, as an interrupt handler does.
            implicit: cells that each of its steps reads and writes besides what it announces: state that nobody declared.
            idle: it runs only when nobody else can, as time passes on an idle machine.

        A task without implicit cells runs to its first operation at once, so that what it does before must be its own affair.
        """
        return self._run.spawn(name, function, args, daemon=daemon, implicit=tuple(implicit), idle=idle)

    def always(self, name: str, predicate: Predicate, reads: Iterable[Hashable] | None = None) -> None:
        """Look at `predicate` after every step that writes one of the cells `reads`; False fails the run.

        None: it may look at anything, so that the order of all steps matters and the exploration is as large as can be.
        """
        self.predicates.append((self._run.book.watch(name, reads), predicate))

    def finally_(self, name: str, predicate: Predicate) -> None:
        """Look at `predicate` when all tasks have ended (daemons may wait); False fails the run."""
        self.finals.append((name, predicate))

    def show(self, name: str, value: Callable[[], object]) -> None:
        """Print `value` under `name` in the state at a failing step."""
        self.shown.append((name, value))

    @contextmanager
    def implicit_cell(self, cell: Hashable) -> Iterator[None]:
        """Inside, every step of the running task also reads and writes `cell`: code whose state nobody declared runs here."""
        task = self._run.task
        if task is None:
            yield
            return
        before = task.implicit
        if cell not in before:
            self._run.point("", (), (cell,), None)
            task.implicit = (*before, cell)
        try:
            yield
        finally:
            task.implicit = before

    @property
    def is_set_up(self) -> bool:
        """Whether tasks run; False while the program sets the world up."""
        return self._run.task is not None

    def task(self) -> Task:
        """The task that runs now."""
        if self._run.task is None:
            raise BadInput("no task runs: this is for code inside world.spawn()")
        return self._run.task

    def state(self) -> tuple[tuple[str, str], ...]:
        """What `show` asked for, as text, now."""
        return tuple((name, str(value())) for name, value in self.shown)
