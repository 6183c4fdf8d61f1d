"""Ways of choosing schedules, behind one interface of three methods; partial order reduction has its own module, `dpor`.

Twin: none. A strategy says how a run begins, who goes on, and learns from the run. It executes nothing and judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Final, Protocol

from attrs import define, field

from movsdk.explore.footprint import Op
from movsdk.explore.record import Drift, difference
from movsdk.explore.run import Run
from movsdk.explore.sleeping import Sleep

_ADDRESS: Final = re.compile(r" at 0x[0-9a-f]+")  # in the default text of an object


class Strategy(Protocol):
    """What `explore` asks. `claim` is the verdict when `begin` has said None and nothing failed: proved, bounded or sampled."""

    @property
    def claim(self) -> str:
        """What is known when the strategy has ended."""

    def begin(self) -> Sequence[int] | None:
        """Return the task numbers that the next run begins with, or None when there is no next run."""

    def choose(self, run: Run) -> int:
        """Return a task enabled now (a bit of ``run.enabled_at[-1]``), or -1 to give the run up. Asked after those of `begin`."""

    def finish(self, run: Run) -> None:
        """Learn from the run. It may have ended, been given up, or been cut at the step limit."""


@define(eq=False)
class Dfs:
    """Every schedule with at most `preemptions` preemptions (None: every schedule), depth first.

    A preemption takes a task off that could have gone on; the first choice of a run is none. `is_sleeping` leaves out what sleep
    sets show to be redundant (not together with a bound: the two do not mix). `depth`: runs are given up there.
    """

    preemptions: int | None = None
    is_sleeping: bool = False
    depth: int | None = None

    leaves: list[tuple[list[int], dict[int, Op]]] = field(factory=list, init=False)  # where `depth` was reached: path, sleepers
    _is_cut: bool = field(default=False, init=False)  # the bound left something out
    _forced: list[int] | None = field(factory=list, init=False)
    _options: list[list[int]] = field(factory=list, init=False)  # at each depth, what is still to be tried
    _spent: list[int] = field(factory=lambda: [0], init=False)  # preemptions before each depth
    _sleep: Sleep = field(factory=Sleep, init=False)

    @property
    def claim(self) -> str:
        """Proved unless the bound left something out."""
        return "bounded" if self._is_cut else "proved"

    def begin(self) -> Sequence[int] | None:
        """Return the path to the next untried choice."""
        return self._forced

    def choose(self, run: Run) -> int:
        """Try the running task first, then the others from the lowest."""
        depth = len(run.ops)
        if depth == self.depth:
            return -1
        able = run.enabled_at[depth]
        running = run.order[-1] if depth else -1
        could_go_on = running >= 0 and bool(able >> running & 1)
        if self.is_sleeping:
            able = self._sleep.awake(run.ops, depth, able)
        options = [task for task in range(able.bit_length()) if able >> task & 1]
        self._count(run, depth)
        if could_go_on:
            options.sort(key=lambda task: task != running)
            if self.preemptions is not None and self._spent[depth] >= self.preemptions and len(options) > 1:
                self._is_cut = True
                options = [running]
        if not options:
            return -1
        self._options.append(options)
        return options[0]

    def finish(self, run: Run) -> None:
        """Go back to the deepest place where something is left to try."""
        count = len(run.order)
        if self.is_sleeping:
            self._sleep.pass_on(run.ops, count)
            if run.is_given_up and count == self.depth:
                self.leaves.append((run.order, self._sleep.rows[count]))
            elif run.is_complete:
                self.leaves.append((run.order, {}))
        self._count(run, count)
        at = len(self._options) - 1
        while at >= 0 and len(self._options[at]) == 1:
            at -= 1
        if at < 0:
            self._forced = None
            return
        done = self._options[at].pop(0)
        if self.is_sleeping:
            self._sleep.put(at, done, run.ops[at])
        del self._options[at + 1 :], self._spent[at + 1 :]
        self._forced = [*run.order[:at], self._options[at][0]]

    def _count(self, run: Run, depth: int) -> None:
        """Count the preemptions up to `depth`."""
        for at in range(len(self._spent) - 1, depth):
            was_taken_off = at > 0 and run.order[at] != run.order[at - 1] and run.enabled_at[at] >> run.order[at - 1] & 1
            self._spent.append(self._spent[at] + bool(was_taken_off))


@define(eq=False)
class RandomWalk:
    """`runs` schedules, each choice equally likely; the same ones for the same `seed`."""

    runs: int = 1000
    seed: int = 0

    claim = "sampled"
    _left: int = field(init=False)
    _random: Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._left, self._random = self.runs, Random(self.seed)

    def begin(self) -> Sequence[int] | None:
        """Start from nothing, as often as asked."""
        self._left -= 1
        return () if self._left >= 0 else None

    def choose(self, run: Run) -> int:
        """Draw one of the enabled tasks."""
        able = run.enabled_at[-1]
        tasks = [task for task in range(able.bit_length()) if able >> task & 1]
        return tasks[int(self._random.random() * len(tasks))]

    def finish(self, run: Run) -> None:
        """Learn nothing."""


@define(eq=False)
class Twice:
    """Each run of another strategy two times; a program that does not do the same again raises `Drift`.

    The same: operations, findings, and values that are told (of counters and `Shared` fields, of COMMAND).
    """

    inner: Strategy

    hears_values = True
    _first: Run | None = field(default=None, init=False)

    @property
    def claim(self) -> str:
        """What the other strategy claims."""
        return self.inner.claim

    def begin(self) -> Sequence[int] | None:
        """A run of the other strategy, or the same once more."""
        return self.inner.begin() if self._first is None else self._first.order

    def choose(self, run: Run) -> int:
        """As the other strategy says; the second time, only what the first run did."""
        return self.inner.choose(run) if self._first is None else -1

    def finish(self, run: Run) -> None:
        """Compare the second run with the first; tell the other strategy of one of the two."""
        if self._first is None:
            self._first = run
            return
        first, self._first = self._first, None
        compare(first, run)
        self.inner.finish(first)


def compare(first: Run, again: Run) -> None:
    """Raise `Drift` unless both runs, with the same schedule, did the same and found the same."""
    text = difference(again, first.order, first.ops)
    if not text and len(again.order) > len(first.order):
        text = f"the run went on after {len(first.order)} operations, where it had ended before"
    if not text and first.hears_values and again.hears_values:
        text = _other_value(first, again)
    if not text and again.findings != first.findings:
        found = [" and ".join(finding.message for finding in run.findings) or "nothing" for run in (first, again)]
        text = f"the run failed differently: first with {found[0]}, then with {found[1]}"
    if text:
        raise Drift(text)


def _other_value(first: Run, again: Run) -> str:
    """Say where two runs told other values; empty if nowhere. Where an object lies in memory is no value."""
    for at in sorted({*first.notes, *again.notes}):
        one, two = (_ADDRESS.sub("", " ".join(run.notes.get(at, ["nothing"]))) for run in (first, again))
        if one != two:
            return f"operation {at + 1}: {first.ops[at]} {one}, and then, with the same schedule, {two}"
    return ""
