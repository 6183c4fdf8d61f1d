"""Exploration in pytest: a test marked ``explore`` is a program of tasks, and every order of their operations is tried.

Twin: loom's ``model(|| ...)``. The test sets the tasks up through the fixture `tasks` and is called anew for every run; what it
asserts inside a task, what it demands with `always` and `finally_`, and what the oracles of a watched bench see, holds in each or
fails the test. Loaded by `pytest_plugin` when the first such test runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from shlex import quote
from typing import Any, Final

import pytest
from attrs import define, field, frozen
from attrs.validators import in_

from movsdk import points
from movsdk.bench.announce import Announcer, kernel_values
from movsdk.bench.bench import Bench
from movsdk.bench.oracles import Oracles
from movsdk.bench.world import World as Machine
from movsdk.errors import BadInput
from movsdk.explore.dpor import Dpor
from movsdk.explore.record import Drift
from movsdk.explore.runner import Budget, Result, explore, replay
from movsdk.explore.strategies import Dfs, RandomWalk, Strategy, Twice
from movsdk.explore.tasks import Predicate, Task, World
from movsdk.explore.time_task import TimeTask
from movsdk.kernel.pcidev import PciDev, device_of

PROPERTY: Final = "explored"
"""The user property of a test report that holds the verdict."""

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BUDGET: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|runs?)?")


@define(eq=False)
class Tasks:
    """What the fixture `tasks` is: the hand through which a test sets its world up."""

    _world: World
    _announcer: Announcer | None = field(default=None, init=False)
    _covers: bool = field(default=False, init=False)  # undeclared state of drivers

    def spawn(self, name: str, function: Callable[..., object], *args: Any, **terms: Any) -> Task:
        """Start ``function(*args)`` as a task; `terms` are those of `movsdk.explore.World.spawn`.

        A task that is handed a `PciDev` of a watched bench is its driver's code; see `watch`.
        """
        if self._covers:
            own = tuple(("hook", device_of(arg).label) for arg in args if isinstance(arg, PciDev))
            terms["implicit"] = (*terms.get("implicit", ()), *own)

        def body() -> None:
            function(*args)
            if self._announcer is not None:
                self._announcer.tell()

        return self._world.spawn(name, body, **terms)

    def always(self, name: str, predicate: Predicate, reads: Iterable[Hashable] | None = None) -> None:
        """Demand `predicate` after every step that writes one of the cells `reads` (None: after every step)."""
        self._world.always(name, predicate, reads)

    def finally_(self, name: str, predicate: Predicate) -> None:
        """Demand `predicate` when all tasks have ended."""
        self._world.finally_(name, predicate)

    def show(self, name: str, value: Callable[[], object]) -> None:
        """Print `value` in the state at a failing step."""
        self._world.show(name, value)

    def watch(self, bench: Bench | Machine, *, ignored: Iterable[str] = (), is_declared: bool = False) -> Oracles:
        """Let the PCI oracles judge every step on `bench`, name its operations as a kernel developer would, and let tasks wait.

        Call it before `spawn`, once the bench is as the tasks are to find it. `ignored`: names of oracles that are not to speak.

        State of a driver that tasks share and nobody declared as `Shared` counts as one cell a device: each step of its hooks,
        its interrupt handlers and its work, and of tasks that are handed the device, reads and writes it. That costs runs.
        `is_declared`: there is no such state, and it is left out. Said wrongly, a proof is worth nothing.
        """
        if not is_declared:
            self._covers = True
            points.install_scope(self._world.implicit_cell)
        machine = bench.world if isinstance(bench, Bench) else bench
        oracles = Oracles.on(machine, ignored=ignored)
        self._announcer = Announcer(machine.machine, kernel_values(machine), [oracles.check])
        self._announcer.listen()
        TimeTask(self._world, machine.system.ops.clock)
        self._world.finally_("enable counts are balanced", oracles.counts_are_balanced)
        return oracles


@frozen
class Terms:
    """What ``@pytest.mark.explore(...)`` may say.

    `preemptions`: None tries every order (DPOR); a number, all orders with at most so many preemptions. `walks`: so many random
    orders instead, from `seed`. `twice`: run each order two times and compare. `budget`: "5s", "2m", "1000 runs". `steps`: the
    most that one run may have. `must`: "proved" fails a test whose budget ends before all is tried, "any" does not.
    """

    preemptions: int | None = None
    walks: int | None = None
    seed: int = 0
    twice: bool = False
    budget: str | None = None
    steps: int = 10_000
    must: str = field(default="any", validator=in_(("any", "proved")))

    def strategy(self) -> Strategy:
        """The strategy that these terms mean."""
        if self.walks is not None:
            chosen: Strategy = RandomWalk(self.walks, self.seed)
        else:
            chosen = Dpor() if self.preemptions is None else Dfs(self.preemptions)
        return Twice(chosen) if self.twice else chosen


def budget_of(text: str | None, steps: int = 10_000) -> Budget:
    """Read a budget. Raises `BadInput`.

    >>> budget_of("5s").seconds, budget_of("200 runs").runs, budget_of("3m").seconds
    (5.0, 200, 180.0)
    """
    if text is None:
        return Budget(steps=steps)
    match = _BUDGET.fullmatch(text.strip())
    if match is None:
        raise BadInput(f"{text!r} is no budget; one reads like 5s, 2m, 500ms or 1000 runs")
    number, unit = match[1], match[2] or "s"
    if unit.startswith("run"):
        if "." in number:
            raise BadInput(f"{text!r} is no budget; runs are whole")
        return Budget(runs=int(number), steps=steps)
    return Budget(seconds=float(number) * _SECONDS[unit], steps=steps)


def call(item: pytest.Function) -> None:
    """Explore a marked test instead of calling it once."""
    result = _explored(item)
    item.user_properties.append((PROPERTY, f"{result.verdict} in {result.runs} run{'s' * (result.runs != 1)}"))
    terms = _terms(item)
    if result.verdict in ("failed", "nondeterministic"):
        replays = f"\n\npytest {quote(item.nodeid)} --mov-replay {quote(result.schedule)}" if result.schedule else ""
        pytest.fail(f"{result}{replays}", pytrace=False)
    if terms.must == "proved" and result.verdict != "proved" and not item.config.getoption("--mov-replay"):
        pytest.fail(f"{result.verdict}, not proved: {result.note or 'the strategy does not try every order'}", pytrace=False)


def _explored(item: pytest.Function) -> Result:
    terms = _terms(item)
    arguments = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
    if "tasks" not in arguments:
        raise pytest.UsageError(f"{item.nodeid}: a test marked explore takes the fixture `tasks` and spawns its tasks with it")

    def program(world: World) -> None:
        item.obj(**{**arguments, "tasks": Tasks(world)})

    try:
        if schedule := item.config.getoption("--mov-replay"):
            return replay(program, schedule)
        budget = budget_of(item.config.getoption("--mov-budget") or terms.budget, terms.steps)
    except (BadInput, Drift) as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    return explore(program, terms.strategy(), budget=budget)


def _terms(item: pytest.Function) -> Terms:
    marker = item.get_closest_marker("explore")
    assert marker is not None
    try:
        return Terms(*marker.args, **marker.kwargs)
    except (TypeError, ValueError) as error:
        raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.explore: {error}") from error


def summary(reports: Iterable[Any], *, every: bool) -> list[str]:
    """A line for each test that was explored and not proved; for `every` one if asked."""
    lines = []
    for report in reports:
        for name, value in report.user_properties:
            if name == PROPERTY and (every or not str(value).startswith("proved")):
                lines.append(f"{report.nodeid}: {value}")
    return lines
