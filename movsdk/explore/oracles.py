"""What is wrong with a run although nobody said so: deadlock, lost wake-up, locks taken in a circle, sleep in atomic context.

Twin: ``kernel/locking/lockdep.c`` and ``might_sleep()``. Reads records only. Locks are known by the `Mark` of their operations,
so that any lock that announces itself counts, whoever wrote it. Knows nothing of devices.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field, frozen

from movsdk.explore.footprint import Mark, Op
from movsdk.explore.record import Finding, Record
from movsdk.explore.tasks import Task

DEADLOCK: Final = "deadlock"
LOST_WAKE_UP: Final = "lost wake-up"
LOCK_ORDER: Final = "lock order"
ATOMIC_SLEEP: Final = "sleep in atomic context"
ALL: Final = frozenset({DEADLOCK, LOST_WAKE_UP, LOCK_ORDER, ATOMIC_SLEEP})

Class = tuple[str, int]  # a lock's class, and the level inside it


@frozen
class Habits:
    """What one task's sequence of lock operations shows: which class it took inside which, and where it slept."""

    edges: frozenset[tuple[Class, Class]]
    sleeps: tuple[str, ...]


@define(eq=False)
class Oracles:
    """The built-in judges; `chosen` of them look at every run."""

    chosen: frozenset[str] = ALL
    _habits: dict[tuple[int, ...], Habits] = field(factory=dict, init=False)
    _circles: dict[frozenset[frozenset[tuple[Class, Class]]], str] = field(factory=dict, init=False)

    def judge(self, run: Record) -> None:
        """Add what is wrong with `run` to its findings."""
        if run.is_complete and (blocked := run.blocked()):
            self._judge_blocked(run, blocked)
        if not run.book.has_marks or not self.chosen & {LOCK_ORDER, ATOMIC_SLEEP}:
            return
        lines: dict[int, list[Op]] = {}
        for task, op in zip(run.order, run.ops, strict=True):
            if op.mark is not None or op.is_guarded:
                lines.setdefault(task, []).append(op)
        if run.is_complete:  # who waits at the end has asked for the lock, or gone to sleep
            for one in run.tasks:
                if one.op is not None:
                    lines.setdefault(one.number, []).append(one.op)
        habits = [(run.by_number[number].name, self._learn(ops)) for number, ops in lines.items()]
        if ATOMIC_SLEEP in self.chosen:
            for name, habit in habits:
                for text in habit.sleeps:
                    run.findings.append(Finding(ATOMIC_SLEEP, f"{name}: {text}", len(run.order) - 1, name))
        if LOCK_ORDER in self.chosen and (circle := self._circle(frozenset(habit.edges for _, habit in habits if habit.edges))):
            run.findings.append(Finding(LOCK_ORDER, circle, len(run.order) - 1))

    def _judge_blocked(self, run: Record, blocked: list[Task]) -> None:
        """Tell tasks that wait for each other's locks from those that wait for something that will not come."""
        holders = _holders(run)
        waiting_for_locks = 0
        lines = []
        for task in blocked:
            assert task.op is not None
            mark = task.op.mark
            owners = holders.get(mark.cell) if mark is not None and mark.action == "acquire" else None
            if owners:
                waiting_for_locks += 1
                names = " and ".join(f"{owner}{' (which has ended)' * owner.is_done}" for owner in owners)
                lines.append(f"{task} waits at {str(task.op)!r}, held by {names}")
            else:
                lines.append(f"{task} waits at {str(task.op)!r}")
        name = DEADLOCK if waiting_for_locks == len(blocked) else LOST_WAKE_UP
        if name in self.chosen:
            run.findings.append(Finding(name, "; ".join(lines), len(run.order) - 1))

    def _learn(self, ops: list[Op]) -> Habits:
        key = tuple(op.number for op in ops)
        found = self._habits.get(key)
        if found is None:
            found = self._habits[key] = _habits(ops)
        return found

    def _circle(self, edge_sets: frozenset[frozenset[tuple[Class, Class]]]) -> str:
        found = self._circles.get(edge_sets)
        if found is None:
            found = self._circles[edge_sets] = _find_circle(frozenset().union(*edge_sets))
        return found


def _holders(run: Record) -> dict[object, list[Task]]:
    """Who holds each lock at the end of a run."""
    holders: dict[object, list[Task]] = {}
    for number, op in zip(run.order, run.ops, strict=True):
        task = run.by_number[number]
        if op.mark is not None and op.mark.action == "acquire":
            holders.setdefault(op.mark.cell, []).append(task)
        elif op.mark is not None and op.mark.action == "release" and task in holders.get(op.mark.cell, ()):
            holders[op.mark.cell].remove(task)
    return holders


def _habits(ops: list[Op]) -> Habits:
    """Walk one task's operations with the locks it holds."""
    held: list[Mark] = []
    atomic: list[str] = []
    edges: set[tuple[Class, Class]] = set()
    sleeps: list[str] = []
    for op in ops:
        mark = op.mark
        may_sleep = op.is_guarded if mark is None else mark.sleeps
        if may_sleep and atomic:
            sleeps.append(f"{str(op)!r} may sleep inside {atomic[-1]!r}")
        if mark is None:
            continue
        if mark.action == "acquire":
            if (op.is_guarded or mark.waits) and mark.kind is not None:  # who only tries waits for nobody
                edges |= {((other.kind, other.nesting), (mark.kind, mark.nesting)) for other in held if other.kind is not None}
            held.append(mark)
        elif mark.action == "release":
            held = [other for other in held if other.cell != mark.cell]
        if mark.action == "enter" or (mark.action == "acquire" and mark.is_atomic):
            atomic.append(str(op))
        elif (mark.action == "leave" or (mark.action == "release" and mark.is_atomic)) and atomic:
            atomic.pop()
    return Habits(frozenset(edges), tuple(sleeps))


def _find_circle(edges: frozenset[tuple[Class, Class]]) -> str:
    """Say how the classes of locks are taken in a circle; empty if they are not."""
    after: dict[Class, list[Class]] = {}
    for first, second in sorted(edges):
        after.setdefault(first, []).append(second)
    for start in sorted(after):
        todo = [[start]]
        seen: set[Class] = set()
        while todo:
            path = todo.pop(0)
            for following in after.get(path[-1], []):
                if following == start:
                    names = " -> ".join(_name(one) for one in [*path, start])
                    if len(path) == 1:
                        return f"{names}: two locks of one class, one inside the other; give them nesting levels"
                    return f"{names}: taken in a circle; two tasks doing this at once can wait for each other for ever"
                if following not in seen:
                    seen.add(following)
                    todo.append([*path, following])
    return ""


def _name(one: Class) -> str:
    return f"{one[0]}/{one[1]}" if one[1] else one[0]
