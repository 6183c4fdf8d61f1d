"""Schedules as text: short, readable, the same on every Python, and able to notice that the program has changed.

Twin: none. ``6b8a31#3f9c21``: operation 6 is task b's, operation 8 is a's; else the running task goes on, or, where it cannot,
the one created first; the labels of the 31 operations hash to 3f9c21. Counts announced operations, not lines or bytecodes.
"""

from __future__ import annotations

import re
from hashlib import sha256

from attrs import define, field, frozen

from movsdk.errors import BadInput
from movsdk.explore.record import Drift, Record
from movsdk.explore.run import Run
from movsdk.explore.tasks import letter

_TEXT = re.compile(r"((?:\d+[a-z]+)*)(\d+)#([0-9a-f]{6})")


@frozen
class Schedule:
    """Who goes on, where that is not the usual: `switches` are (operation from 1, index of the task in order of creation)."""

    switches: tuple[tuple[int, int], ...]
    length: int  # operations up to and with the failing one
    digest: str  # of their labels

    def __str__(self) -> str:
        return "".join(f"{at}{letter(task)}" for at, task in self.switches) + f"{self.length}#{self.digest}"


def parse(text: str) -> Schedule:
    """Read a schedule.

    >>> parse("6b8a31#3f9c21").switches
    ((6, 1), (8, 0))
    """
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"{text!r} is no schedule; one reads like 6b8a31#3f9c21, as it was printed with the failure")
    switches = tuple((int(at), _index(name)) for at, name in re.findall(r"(\d+)([a-z]+)", match[1]))
    places = [at for at, _ in switches]
    if places != sorted(set(places)) or (places and not 0 < places[0] <= places[-1] <= int(match[2])):
        raise BadInput(f"{text!r} is no schedule: its operations {places} do not rise from 1 to {match[2]}")
    return Schedule(switches, int(match[2]), match[3])


def _index(name: str) -> int:
    """The number of a task from its letters: the inverse of `letter`."""
    number = 0
    for character in name:
        number = number * 26 + ord(character) - ord("a") + 1
    return number - 1


def digest(run: Record, length: int) -> str:
    """Hash who announced what, over the first `length` operations."""
    lines = (f"{run.by_number[task].letter} {op.label}\n" for task, op in zip(run.order[:length], run.ops, strict=False))
    return sha256("".join(lines).encode()).hexdigest()[:6]


def write(run: Record, length: int) -> Schedule:
    """Write down the first `length` operations of a run."""
    switches = tuple((at + 1, run.by_number[task].index) for at, task in enumerate(run.order[:length]) if task != run.usual(at))
    return Schedule(switches, length, digest(run, length))


@define(eq=False)
class Replay:
    """The strategy that follows one schedule, once."""

    schedule: Schedule
    is_checked: bool = True  # a schedule being shortened has no digest yet

    claim = "sampled"
    _switches: dict[int, int] = field(init=False)
    _is_done: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._switches = dict(self.schedule.switches)

    def begin(self) -> tuple[int, ...] | None:
        """One run, chosen step by step."""
        return None if self._is_done else ()

    def choose(self, run: Run) -> int:
        """The task of the schedule, else the usual one."""
        depth = len(run.ops)
        index = self._switches.get(depth + 1)
        if index is None:
            return run.usual(depth)
        able = run.enabled_at[depth]
        if index < len(run.tasks) and able >> run.tasks[index].number & 1:
            return run.tasks[index].number
        if not self.is_checked:
            return run.usual(depth)
        names = ", ".join(f"{task.letter} ({task})" for task in run.tasks if able >> task.number & 1)
        raise Drift(
            f"schedule {self.schedule}: operation {depth + 1} is {letter(index)}'s, but only {names} can go on; {_REMEDY}"
        )

    def finish(self, run: Run) -> None:
        """Compare the labels with those of the run that was written down."""
        self._is_done = True
        if not self.is_checked:
            return
        if len(run.order) < self.schedule.length:
            raise Drift(f"schedule {self.schedule}: the run ended after {len(run.order)} operations; {_REMEDY}")
        if (found := digest(run, self.schedule.length)) != self.schedule.digest:
            text = f"its {self.schedule.length} operations are others now (their labels hash to {found})"
            raise Drift(f"schedule {self.schedule}: {text}; {_REMEDY}")


_REMEDY = "the program announces other operations than when the schedule was written: explore it again"
