"""The enable race as one fixed story: two drives are probed at once, and the order of their steps is written down beforehand.

Twin: the diagram in a changelog. No search: CPU0 stops right before it sets MEMORY on the bridge, CPU1 runs as far as it can,
CPU0 goes on. The same script under another variant shows what a mutex changes: CPU1 has to wait where it would have gone wrong.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field, frozen

from movsdk.bench.enable_race import RaceProgram
from movsdk.bench.race_scenario import RaceScenario
from movsdk.explore.record import Finding
from movsdk.explore.run import Run
from movsdk.explore.session import Session

GAP: Final = "W br0.COMMAND"
"""Where CPU0 stops: the count of the bridge is raised, its bits are not set."""

_WIDTH: Final = 42


@frozen
class Stage:
    """Task `task` runs until it is about to do `until` (None: to its end), or until it has to wait."""

    task: int
    until: str | None = None


SCRIPT: Final = (Stage(0, GAP), Stage(1), Stage(0))


@define(eq=False)
class Script:
    """The strategy that follows `stages`, once. Who waits lets the other one go on; `waits` notes where, and for what."""

    stages: tuple[Stage, ...]
    claim = "sampled"
    waits: dict[int, tuple[int, str]] = field(factory=dict, init=False)
    _at: int = field(default=0, init=False)

    def begin(self) -> tuple[int, ...]:
        """Nothing is forced; every step is chosen."""
        self._at = 0
        self.waits.clear()
        return ()

    def choose(self, run: Run) -> int:
        """The task of the stage, as long as it can."""
        able = run.enabled_at[-1]
        while self._at < len(self.stages):
            stage = self.stages[self._at]
            task = run.tasks[stage.task]
            if task.is_done or (task.op is not None and task.op.label == stage.until):
                self._at += 1
            elif able >> task.number & 1:
                return task.number
            else:
                if task.op is not None and (stage.task, task.op.label) not in self.waits.values():
                    self.waits[len(run.order)] = (stage.task, task.op.label)
                break
        return run.usual(len(run.order))

    def finish(self, run: Run) -> None:
        """Learn nothing."""


@frozen
class Story:
    """What happened: `lines` in two columns, and the `findings` (none: all went well)."""

    variant: str
    lines: tuple[str, ...]
    findings: tuple[Finding, ...]

    def __str__(self) -> str:
        end = [f"=> {finding.name}: {finding.message}" for finding in self.findings[:1]] or ["=> both drives work"]
        return "\n".join([*self.lines, *end])


def tell(variant: str, stages: tuple[Stage, ...] = SCRIPT) -> Story:
    """Play the script under a variant: two drives below one bridge.

    >>> print(*tell("mainline").lines[2:7], sep="\\n")
         nvme0.enable_cnt += 1 = 1
         R br0.enable_cnt = 0
         br0.enable_cnt += 1 = 1
         R br0.COMMAND = 0
                                               nvme1 probe
    """
    script = Script(stages)
    run = Session(RaceProgram(RaceScenario(variant))).follow(script, is_drawn=True)
    return Story(variant, tuple(_lines(run, script)), tuple(sorted(run.findings, key=lambda finding: finding.step)))


def _lines(run: Run, script: Script) -> list[str]:
    """One line a step, each task in its column; a failing step, and the wait for a mutex, are marked."""
    lines = ["     " + "".join(f"{f'CPU{task.index} {task}':<{_WIDTH}}" for task in run.tasks).rstrip()]
    failing = {finding.step for finding in run.findings}
    for at, number in enumerate(run.order):
        if at in script.waits:
            task, label = script.waits[at]
            lines.append(_cell(task, f"({label}: waits)"))
        text = " ".join([run.ops[at].label, *run.notes.get(at, [])])
        lines.append(_cell(run.by_number[number].index, text + "  <-- FAIL" * (at in failing)))
    return lines


def _cell(column: int, text: str) -> str:
    return "     " + " " * (_WIDTH * column) + text
