"""Explore a program: the loop over runs, the verdict, and the report of the first failure.

Twin: none. ``explore(program)`` is the front door of this room; `replay` the one for a printed schedule.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Final

from attrs import define, field, frozen

from movsdk.explore import minimise
from movsdk.explore.dpor import Dpor
from movsdk.explore.footprint import Restart
from movsdk.explore.oracles import ALL
from movsdk.explore.record import Drift
from movsdk.explore.run import Program, Run
from movsdk.explore.schedule import Replay, Schedule, parse, write
from movsdk.explore.session import Session, first, has
from movsdk.explore.strategies import Strategy, compare
from movsdk.explore.timeline import Failure, draw

REPLAYS: Final = 2000
REMEDY: Final = "look for clocks, id(), unseeded random, the order of sets, and what one run leaves behind for the next"


@frozen
class Budget:
    """When to stop: after so many `runs`, so many `seconds` on the wall, and, inside a run, so many `steps`. None: no limit."""

    runs: int | None = None
    seconds: float | None = None
    steps: int = 10_000


@frozen
class Result:
    """What an exploration found.

    `verdict`: proved (every interleaving of the announced operations), failed, bounded (all up to a bound, or as far as the
    budget went), sampled (some at random), nondeterministic (the program does not do the same again: `note` says where). `runs`
    executed, of which `complete` ran to their ends and `redundant` were given up; `failing` of the complete ones fail;
    `first_bug` is the number (from 1) of the first run that failed.
    """

    verdict: str
    runs: int
    complete: int = 0
    redundant: int = 0
    failing: int = 0
    first_bug: int | None = None
    failure: Failure | None = None
    note: str = ""
    seconds: float = 0.0

    @property
    def schedule(self) -> str | None:
        """The schedule that replays the failure."""
        return str(self.failure.schedule) if self.failure else None

    def __str__(self) -> str:
        text = f"{self.verdict} after {self.runs} run{'s' * (self.runs != 1)}"
        if self.redundant:
            text += f" ({self.redundant} redundant)"
        if self.first_bug is not None:
            text += f", first failure at run {self.first_bug}"
        if self.failing > 1:
            text += f", {self.failing} fail"
        return "\n".join([text, *([self.note] * bool(self.note)), *([str(self.failure)] if self.failure else [])])


@define
class _Count:
    """Numbers that grow while an exploration goes on."""

    runs: int = 0
    complete: int = 0
    failing: int = 0
    cut: int = 0
    first_bug: int | None = None
    failed: Run | None = field(default=None)


def explore(
    program: Program,
    strategy: Strategy | None = None,
    *,
    budget: Budget | None = None,
    oracles: frozenset[str] = ALL,
    stop: bool = True,
    shorten: bool | int = True,
    progress: Callable[[int], None] | None = None,
) -> Result:
    """Try schedules of `program` until one fails, all are tried, or the budget is spent.

    Args:
        program: sets a `World` up; called anew for every run, and must do the same every time.
        strategy: which schedules; default `Dpor`, all of them.
        stop: at the first failure. False: go on and count all that fail.
        shorten: look for the shortest story of a failure, with at most so many more runs (True: 2000).
        progress: called with the number of runs after every hundredth.
    """
    limits = budget or Budget()
    session = Session(program, oracles, limits.steps)
    began = time.process_time()
    pristine = strategy if strategy is not None else Dpor()
    while True:
        try:
            count, verdict, note = _loop(session, copy.deepcopy(pristine), limits, stop=stop, progress=progress)
            failure = None
            if count.failed is not None and verdict != "nondeterministic":
                failure = report(session, count.failed, shorten=shorten)
            break
        except Restart:
            continue
        except Drift as drift:
            count, verdict, note, failure = _Count(), "nondeterministic", f"{drift}; {REMEDY}", None
            break
    spent = time.process_time() - began
    redundant = count.runs - count.complete - count.cut
    return Result(verdict, count.runs, count.complete, redundant, count.failing, count.first_bug, failure, note, spent)


def _loop(
    session: Session, strategy: Strategy, limits: Budget, *, stop: bool, progress: Callable[[int], None] | None
) -> tuple[_Count, str, str]:
    """Execute what the strategy asks for; return the numbers, the verdict, and a note on it."""
    count, hears_values = _Count(), bool(getattr(strategy, "hears_values", False))
    deadline = None if limits.seconds is None else time.monotonic() + limits.seconds
    try:
        while (forced := strategy.begin()) is not None:
            if count.runs == limits.runs or (deadline is not None and time.monotonic() > deadline):
                verdict = "sampled" if strategy.claim == "sampled" else "bounded"
                runs = f"{count.runs} run{'s' * (count.runs != 1)}"
                return count, "failed" if count.failed else verdict, f"the budget ended after {runs}"
            run = session.run(forced, strategy.choose, hears_values=not count.runs or hears_values)
            if not count.runs:
                compare(run, session.run(run.order, lambda _run: -1, hears_values=True))
            count.runs += 1
            count.complete += run.is_complete
            count.cut += run.is_cut
            if run.findings:
                count.failing += run.is_complete
                if count.failed is None:
                    count.failed, count.first_bug = run, count.runs
                if stop:
                    break
            strategy.finish(run)
            if progress is not None and count.runs % 100 == 0:
                progress(count.runs)
    except Drift as drift:
        return count, "nondeterministic", f"run {count.runs + 1}: {drift}; {REMEDY}"
    if count.failed is not None:
        return count, "failed", ""
    if count.cut and strategy.claim == "proved":
        runs = "1 run was" if count.cut == 1 else f"{count.cut} runs were"
        return count, "bounded", f"{runs} cut after {session.step_limit} operations"
    return count, strategy.claim, ""


def report(session: Session, run: Run, *, shorten: bool | int = True, is_folded: bool = True) -> Failure:
    """Tell the story of a failing run, the shortest one if asked, without its long stretches if asked."""
    finding = first(run)
    is_least, taken = False, minimise.preemptions(run, finding.step + 1)
    if shorten:
        shortest = minimise.shorten(session, run, finding.name, REPLAYS if shorten is True else shorten)
        run, is_least, taken = shortest.run, shortest.is_least, shortest.preemptions
    pair = minimise.deciding_pair(session, run, finding.name) if shorten else None
    drawn = session.again(run.order, is_drawn=True)
    if not has(drawn, finding.name):
        raise Drift(f"{finding.name}: the run that failed does not fail again with the same schedule")
    finding = min((one for one in drawn.findings if one.name == finding.name), key=lambda one: one.step)
    schedule = write(drawn, finding.step + 1)
    pair_text = None if pair is None else (pair[0] + 1, pair[1] + 1)
    state = drawn.states[finding.step] if 0 <= finding.step < len(drawn.states) else ()
    return Failure(
        finding.name,
        finding.message,
        schedule,
        finding.step + 1,
        finding.task,
        draw(drawn, finding, pair, is_folded=is_folded),
        pair_text,
        state,
        taken,
        is_least,
    )


def replay(program: Program, schedule: str | Schedule, *, oracles: frozenset[str] = ALL) -> Result:
    """Run one schedule, as it was printed with a failure.

    Raises:
        Drift: the program announces other operations than when the schedule was written.
        BadInput: `schedule` is none.
    """
    parsed = parse(schedule) if isinstance(schedule, str) else schedule
    session = Session(program, oracles)
    run = session.follow(Replay(parsed))
    failure = report(session, run, shorten=False, is_folded=False) if run.findings else None
    return Result(
        "failed" if failure else "sampled",
        1,
        int(run.is_complete),
        failing=int(bool(failure)),
        first_bug=1 if failure else None,
        failure=failure,
    )
