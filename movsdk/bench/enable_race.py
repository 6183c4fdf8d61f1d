"""The enable race, explored: every order of the tasks of a `RaceScenario`, on the one kernel model and the one silicon there are.

Twin: the changelogs of 40f11adc7cd9 and RFC patch 15, which tell one order each. What is explored is `kernel.enable` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from multiprocessing import active_children, get_context
from pathlib import Path
from signal import SIG_IGN, SIGINT, signal
from threading import current_thread, main_thread
from typing import Any

from attrs import frozen

from movsdk.bench.race_machine import RaceMachine
from movsdk.bench.race_scenario import RaceScenario
from movsdk.errors import InvariantBroken
from movsdk.explore.runner import Budget, Result, explore, replay
from movsdk.explore.shards import campaign
from movsdk.explore.strategies import Strategy
from movsdk.explore.tasks import World


@frozen
class RaceResult:
    """What exploring one scenario came to."""

    scenario: RaceScenario
    result: Result

    def as_json(self) -> dict[str, Any]:
        """The keys of ``movsdk race --json``; `disable` only where a race of the disable side was asked for."""
        scenario, result = self.scenario, self.result
        found: dict[str, Any] = {
            "variant": scenario.variant,
            "drivers": scenario.drivers,
            "bridges": scenario.bridges,
            "port_driver": scenario.port_driver,
            "verdict": result.verdict,
            "runs": result.runs,
            "first_bug": result.first_bug,
            "schedule": result.schedule,
        }
        return found if scenario.disable is None else {**found, "disable": scenario.disable}


@frozen
class RaceProgram:
    """What the explorer runs: the machine as it was before, and a task for each act. Can be sent to another process."""

    scenario: RaceScenario

    def __call__(self, world: World) -> None:
        """Set the tasks up."""
        scenario, machine = self.scenario, _machine(self.scenario)
        machine.reset()
        for act in scenario.before:
            machine.act(act)
        if machine.oracles.misses:
            raise InvariantBroken(f"{scenario}: went wrong before the tasks began: {machine.oracles.misses[0]}")
        machine.announcer.listen()
        for label in machine.world.machine.labels:
            world.show(f"{label}.COMMAND", partial(machine.announcer.value, ("config", label)))
            world.show(f"{label}.enable_cnt", partial(machine.announcer.value, ("enable_cnt", label)))
        for act in scenario.meanwhile:
            world.spawn(str(act), machine.do, act)


@lru_cache(maxsize=4)  # booted once a process, and then for each of thousands of runs only reset
def _machine(scenario: RaceScenario) -> RaceMachine:
    return RaceMachine(scenario)


def race(
    scenario: RaceScenario,
    strategy: Strategy | None = None,
    *,
    budget: Budget | None = None,
    stop: bool = True,
    shorten: bool = True,
) -> RaceResult:
    """Explore a scenario; all orders that matter unless `strategy` or `budget` say less.

    Args:
        stop: at the first failure; False counts all that fail.
        shorten: look for the shortest story of a failure.
    """
    return RaceResult(scenario, explore(RaceProgram(scenario), strategy, budget=budget, stop=stop, shorten=shorten))


def race_in_parts(
    scenario: RaceScenario,
    jobs: int,
    results: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    runs: int | None = None,
) -> RaceResult:
    """Explore the whole of a scenario in parts, on `jobs` processes. The totals are the same for any number of them.

    Args:
        results: a file that gets a line a part; parts found there are not done again.
        progress: called with (parts done, parts) after each.
        runs: a budget, dealt out to the parts.
    """
    with workers(jobs) as pool:
        found = campaign(RaceProgram(scenario), executor=pool, results=results, progress=progress, runs=runs)
    return RaceResult(scenario, found)


@contextmanager
def workers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that are deaf to Ctrl-C, which a terminal sends to all: each would print a traceback. They end with this one."""
    others = set(active_children())
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    is_main = current_thread() is main_thread()
    before = signal(SIGINT, SIG_IGN) if is_main else None
    try:
        for _ in range(jobs):
            pool.submit(int)  # starts a process, which inherits that
    finally:
        if is_main:
            signal(SIGINT, before)
    try:
        yield pool
    except BaseException:
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def replay_race(scenario: RaceScenario, schedule: str) -> RaceResult:
    """Run one schedule again. Raises `BadInput` (no schedule), `Drift` (another scenario's, or the kernel model has changed)."""
    return RaceResult(scenario, replay(RaceProgram(scenario), schedule))
