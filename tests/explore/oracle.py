"""The oracle: a random program is explored in every way there is, and each must find what brute force finds.

Twin: none. `differences` is what the tests, the nightly command and the mutants call. The explorer is handed over as a namespace,
so that a broken copy of it can be judged as well.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from attrs import define, frozen

from movsdk.points import checkpoint
from tests.explore.programs import Machine, Source
from tests.explore.reference import Truth, source_always, truth

RUN_LIMIT = 5_000


@frozen
class Explorer:
    """The parts of an explorer that are judged."""

    session: Any
    dpor: Any
    dfs: Any
    shards: Any
    restart: type[Exception]
    claim: Any
    mark: Any
    touch: Any


def explorer() -> Explorer:
    """The explorer as it is loaded now."""
    parts = {
        name: importlib.import_module(f"movsdk.explore.{name}")
        for name in ("session", "dpor", "strategies", "shards", "footprint", "current")
    }
    book = parts["footprint"]
    return Explorer(
        parts["session"].Session,
        parts["dpor"].Dpor,
        parts["strategies"].Dfs,
        parts["shards"],
        book.Restart,
        book.Claim,
        book.Mark,
        parts["current"].touch,
    )


@define(eq=False)
class Found:
    """What one way of exploring came to."""

    finals: set[Hashable]
    runs: int
    complete: int


@define(eq=False)
class Cells:
    """Cells that are looked up when they are wanted: the seam's way to announce an access through a mutable address."""

    machine: Machine
    task: int
    which: int

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self.machine.cells(self.task)[self.which])


@frozen
class Programmed:
    """A source as a program of the explorer; `machines` gets the machine of each run."""

    source: Source
    explorer: Explorer
    machines: list[Machine]

    def __call__(self, world: Any) -> None:
        machine = Machine(self.source)
        self.machines[:] = [machine]
        if self.source.always is not None:
            world.always("always", lambda: not machine.breaks_always(), reads=source_always(self.source))
        shared = {step[1] for code in self.source.tasks for step in code if step[0] == "read lock"}

        def spawn(task: int) -> None:
            implicit = [("hidden",)] if task in self.source.implicit else []
            world.spawn(f"task {task}", body, task, implicit=implicit, idle=task in self.source.idle)

        def body(task: int) -> None:
            while (step := machine.pending(task)) is not None:
                if step[0] != "begin":  # the explorer announces that one
                    self._announce(machine, task, step, is_exclusive=step[1:2] != () and step[1] not in shared)
                machine.step(task)
                if step[0] == "try lock" and step[1] not in shared:
                    action = "acquire" if machine.reg[task] else "busy"
                    self.explorer.touch(mark=self.explorer.mark(action, ("m", step[1]), is_exclusive=True))
                elif step[0] == "spawn":
                    spawn(step[1])

        for task in range(self.source.started):
            spawn(task)

    def _announce(self, machine: Machine, task: int, step: tuple[Any, ...], *, is_exclusive: bool) -> None:
        label = f"{task}.{machine.pc[task]} {step[0]}"
        guard: Callable[[], bool] | None = None
        if machine.is_guarded(task):
            guard = lambda: machine.is_ready(task)  # noqa: E731  one of two
            if step[0] == "lock" and is_exclusive:
                guard = self.explorer.claim(self.explorer.mark("acquire", ("m", step[1]), is_exclusive=True), guard)
        if step[0].startswith("touch"):
            checkpoint(label)
            self.explorer.touch(*machine.cells(task))
        elif "through" in step[0]:
            checkpoint(label, Cells(machine, task, 0), Cells(machine, task, 1))
        else:
            checkpoint(label, *machine.cells(task), guard)


def explored(source: Source, parts: Explorer, strategy: Callable[[], Any]) -> Found:
    """Explore a source with a strategy, and collect the states at the ends of complete runs."""
    machines: list[Machine] = []
    session = parts.session(Programmed(source, parts, machines), frozenset())
    while True:
        chosen, found = strategy(), Found(set(), 0, 0)
        try:
            while (forced := chosen.begin()) is not None:
                run = session.run(forced, chosen.choose)
                found.runs += 1
                if run.is_complete:
                    found.complete += 1
                    found.finals.add(_state(machines[0], run))
                if found.runs > RUN_LIMIT:
                    raise AssertionError(f"more than {RUN_LIMIT} runs")
                chosen.finish(run)
        except parts.restart:
            continue
        return found


def _state(machine: Machine, run: Any) -> Hashable:
    for finding in run.findings:
        assert finding.name == "always", finding
        machine.failures.add("always")
    return machine.state()


def differences(source: Source, parts: Explorer, limit: int, *, naive: bool = True) -> list[str] | None:
    """Say where the ways of exploring `source` differ; None: it has more than `limit` schedules and was not judged."""
    real = truth(source, limit)
    if not real.is_whole:
        return None
    ways: dict[str, Callable[[], Any]] = {"dpor": parts.dpor}
    if naive:
        ways |= {"sleep sets": lambda: parts.dfs(is_sleeping=True), "every schedule": parts.dfs}
    texts = []
    for name, strategy in ways.items():
        try:
            found = explored(source, parts, strategy)
        except Exception as error:  # a broken explorer may break in any way
            texts.append(f"{name}: {type(error).__name__}: {error}")
            continue
        expected = real.schedules if name == "every schedule" else len(real.traces)
        if found.complete != expected:
            texts.append(f"{name}: {found.complete} complete runs, not {expected}")
        if found.finals != real.finals:
            texts.append(f"{name}: {len(found.finals)} final states, not {len(real.finals)}")
    return texts


def shard_differences(source: Source, parts: Explorer, real: Truth, shards: int) -> list[str]:
    """The same for an exploration in parts."""
    program = Programmed(source, parts, [])
    split = parts.shards.split(program, shards, frozenset())
    complete = sum(parts.shards.explore_shard(program, shard, frozenset()).complete for shard in split)
    return [] if complete == len(real.traces) else [f"{len(split)} shards: {complete} complete runs, not {len(real.traces)}"]
