"""A failing run as a page to read: one column a task, the two operations whose order matters, the state where it fails.

Twin: the ``CPU0 | CPU1`` diagrams of kernel commit messages. Long stretches of one task that nothing in the other columns has to
do with are folded. Text only; runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from movsdk.explore.causes import Causes
from movsdk.explore.record import Finding
from movsdk.explore.run import Run
from movsdk.explore.schedule import Schedule

_WIDTH: Final = 130
_LONG: Final = 10  # a stretch of so many lines is folded
_ENDS: Final = 2  # to so many at its beginning and its end


@frozen
class Failure:
    """What failed, and the shortest story of it that was found.

    `schedule` replays it. `pair` are the two operations (numbers from 1) whose order matters, `state` what `World.show` was told
    to show after the failing operation, `is_least`: no run with fewer `preemptions` fails in this way.
    """

    name: str
    message: str
    schedule: Schedule
    operation: int
    task: str
    timeline: str
    pair: tuple[int, int] | None
    state: tuple[tuple[str, str], ...]
    preemptions: int
    is_least: bool

    def __str__(self) -> str:
        return "\n".join([f"{self.name}: {self.message}", "", self.timeline, "", f"replay: {self.schedule}"])


def draw(run: Run, finding: Finding, pair: tuple[int, int] | None = None, *, is_folded: bool = True) -> str:
    """Draw a run up to the operation at which `finding` was made, all of it or with long stretches folded."""
    count = finding.step + 1
    tasks = [task for task in run.tasks if task.number in run.order[:count] or (finding.task == task.name and not count)]
    texts = [_text(run, at) for at in range(count)]
    folds = dict(_folds(run, count, {finding.step, *(pair or ())})) if is_folded else {}
    heads = [f"CPU{n} {task} ({task.letter})" for n, task in enumerate(tasks)]
    width = _column(texts, heads)
    lines = ["     " + "".join(f"{head:<{width}}" for head in heads).rstrip()]
    columns = {task.number: n for n, task in enumerate(tasks)}
    hidden = range(0)
    for at in range(count):
        if at in folds:
            hidden = range(at, folds[at])
            lines.append("     " + " " * (width * columns[run.order[at]]) + f"... {len(hidden)} more (a replay shows all)")
        if at in hidden:
            continue
        sign = ">" if pair is not None and at in pair else " "
        end = "  <-- FAIL" if at == finding.step else ""
        lines.append(f"{at + 1:4}{sign}" + " " * (width * columns[run.order[at]]) + texts[at] + end)
    lines += [f"=> {finding.name}: {finding.message}"]
    if pair is not None:
        first, second = (f"{at + 1} ({texts[at]})" for at in pair)
        lines += [f"The order that matters: operation {first} before operation {second}; the other way round it does not fail."]
    lines += _state(run, finding.step)
    return "\n".join(lines)


def _folds(run: Run, count: int, told: set[int]) -> Iterator[tuple[int, int]]:
    """Where stretches to be folded begin and end: operations of one task, with no neighbour in the happens-before of others."""
    causes = Causes()
    causes.learn(run.order[:count], run.ops[:count], run.births, run.book.cell_count)
    kept = set(told)
    for at, rivals in enumerate(causes.rivals):
        nearest = [one for one in rivals if not any(causes.past[other] >> one & 1 for other in rivals if other != one)]
        kept.update([at, *nearest] if nearest else ())
    start = 0
    for at in range(1, count + 1):
        if at == count or at in kept or at - 1 in kept or run.order[at] != run.order[start]:
            if at - start >= _LONG:
                yield start + _ENDS, at - _ENDS
            start = at


def _text(run: Run, at: int) -> str:
    return " ".join([run.ops[at].label, *run.notes.get(at, [])])


def _column(texts: list[str], heads: list[str]) -> int:
    """A width that holds the heads, most texts too, and lets the page stay a page."""
    longest, least = (max(map(len, lines), default=0) + 2 for lines in (texts, heads))
    return max(least, min(longest, _WIDTH // max(1, len(heads))))


def _state(run: Run, step: int) -> list[str]:
    if not 0 <= step < len(run.states) or not run.states[step]:
        return []
    before = dict(run.states[step - 1]) if step else {}
    shown = [
        f"  {name} = {value}" + (f"   (was {before[name]})" if before.get(name, value) != value else "")
        for name, value in run.states[step]
    ]
    return ["State after it:", *shown]
