"""What a run was: who went on at each operation, what could have gone on instead, and what went wrong.

Twin: none. Filled by `run`, read by strategies, oracles, schedules and timelines. Executes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from movsdk.errors import MovError
from movsdk.explore.fibres import Pool
from movsdk.explore.footprint import Book, Op

if TYPE_CHECKING:
    from movsdk.explore.tasks import Task

State = tuple[tuple[str, str], ...]


class Drift(MovError):
    """The program did something else than before, with the same schedule."""


@frozen
class Finding:
    """Something that went wrong: `step` is the number of the operation in its run, from 0 (-1: before the first)."""

    name: str
    message: str
    step: int
    task: str = ""


@define(eq=False)
class Record:
    """One run: `order` of task numbers, `ops` executed, `enabled_at` each choice (task numbers as bits)."""

    book: Book
    numbers: dict[tuple[int, ...], int]  # the number of each task, the same in every run of an exploration
    step_limit: int = 10_000
    is_drawn: bool = False  # notes, values and states are kept for a timeline
    pool: Pool = field(factory=Pool)
    hears_values: bool = False  # notes and values are kept

    order: list[int] = field(factory=list, init=False)
    ops: list[Op] = field(factory=list, init=False)
    enabled_at: list[int] = field(factory=list, init=False)
    births: dict[int, int] = field(factory=dict, init=False)  # task number: the step that spawned it
    tasks: list[Task] = field(factory=list, init=False)  # in order of creation
    by_number: dict[int, Task] = field(factory=dict, init=False)
    findings: list[Finding] = field(factory=list, init=False)
    notes: dict[int, list[str]] = field(factory=dict, init=False)
    states: list[State] = field(factory=list, init=False)  # after each step, when drawn
    task: Task | None = field(default=None, init=False)  # who runs
    is_given_up: bool = field(default=False, init=False)
    is_cut: bool = field(default=False, init=False)
    enabled: int = field(default=0, init=False)
    _made: int = field(default=0, init=False)  # by the set-up: see `place`

    @property
    def is_complete(self) -> bool:
        """No task could go on: the run was neither given up nor cut at the step limit."""
        return not self.is_given_up and not self.is_cut

    def blocked(self) -> list[Task]:
        """Tasks that wait although they should not be waiting at the end, in order of creation."""
        return [task for task in self.tasks if not task.is_done and not task.is_daemon]

    def usual(self, depth: int) -> int:
        """Who goes on where nothing else is said: the running task, else the one created first."""
        able = self.enabled_at[depth]
        if depth and able >> self.order[depth - 1] & 1:
            return self.order[depth - 1]
        return next(task.number for task in self.tasks if able >> task.number & 1)

    def fail(self, name: str, message: str) -> None:
        """Record a failure of the step that is running; its task goes on."""
        self.findings.append(Finding(name, message, len(self.ops) - 1, self.task.name if self.task else ""))

    def place(self) -> tuple[int, ...]:
        """Name what is made next: the same in every run, whatever other tasks do meanwhile."""
        task = self.task
        if task is None:
            self._made += 1
            return (self._made - 1,)
        task.made += 1
        return (*task.key, task.made - 1)

    def note(self, text: str) -> None:
        """Remember `text` beside the step that is running; what a predicate looks at is no step."""
        if self.task is None:
            return
        self.notes.setdefault(len(self.ops) - 1, []).append(text)


def difference(run: Record, order: Sequence[int], ops: Sequence[Op]) -> str:
    """Say where a run left the way it was sent; empty if it did not."""
    for at, (task, op) in enumerate(zip(order, ops, strict=True)):
        if at >= len(run.order):
            return f"the run ended after {at} operations; before, it went on with {op.described()}"
        if run.order[at] != task or run.ops[at] is not op:
            who = run.by_number[run.order[at]]
            return f"operation {at + 1}: {who} announced {run.ops[at].described()} where {op.described()} was announced before"
    return ""
