"""Exploration in pytest: a test marked ``explore`` is a program of tasks, and every order of their operations is tried.

Twin: loom's ``model(|| ...)``. The test sets the tasks up through the fixture `tasks` and is called anew for every run; what it
asserts inside a task, what it demands with `always` and `finally_`, and what the oracles of a watched bench see, holds in each or
fails the test. Loaded by `pytest_plugin` when the first such test runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from shlex import quote
from typing import Any, Final

import pytest
from attrs import Attribute, field, fields, frozen
from attrs.validators import in_

from movsdk.bench.bench import Bench
from movsdk.errors import BadInput
from movsdk.explore.dpor import Dpor
from movsdk.explore.record import Drift
from movsdk.explore.runner import Budget, Result, explore, replay
from movsdk.explore.strategies import Dfs, RandomWalk, Strategy, Twice
from movsdk.explore.tasks import World
from movsdk.testing.tasks import Tasks

PROPERTY: Final = "explored"
"""The user property of a test report that holds the verdict."""

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BUDGET: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|runs?)?")


def _whole(_terms: object, attribute: Attribute[Any], value: object) -> None:
    if value is not None and (not isinstance(value, int) or value < 0):
        raise ValueError(f"{attribute.name}={value!r} is no number of them; it is a whole one, as in {attribute.name}=2")


@frozen
class Terms:
    """What ``@pytest.mark.explore(...)`` may say.

    `preemptions`: None tries every order (DPOR); a number, all orders with at most so many preemptions. `walks`: so many random
    orders instead, from `seed`. `twice`: run each order two times and compare. `budget`: "5s", "2m", "1000 runs". `steps`: the
    most that one run may have. `must`: "proved" fails a test whose budget ends before all is tried, "any" does not.
    """

    preemptions: int | None = field(default=None, validator=_whole)
    walks: int | None = field(default=None, validator=_whole)
    seed: int = 0
    twice: bool = False
    budget: str | None = None
    steps: int = field(default=10_000, validator=_whole)
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
    match = _BUDGET.fullmatch(str(text).strip())
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
        raise _refused("a test marked explore takes the fixture `tasks` and spawns its tasks with it")
    for name, value in arguments.items():
        if isinstance(value, Bench):
            text = f"the fixture `{name}` is one bench for all orders, each of which needs a new one; take `make_bench` and"
            raise _refused(f"{text} call it in the test")

    def program(world: World) -> None:
        tasks = Tasks(world)
        item.obj(**{**arguments, "tasks": tasks})
        if not tasks.count:
            raise _refused("no task was spawned, so that there is nothing to explore; tasks.spawn(name, function, *args)")

    try:
        if schedule := item.config.getoption("--mov-replay"):
            return replay(program, schedule)
        budget = budget_of(item.config.getoption("--mov-budget") or terms.budget, terms.steps)
    except (BadInput, Drift) as error:
        raise _refused(str(error)) from None
    return explore(program, terms.strategy(), budget=budget)


def _refused(text: str) -> BaseException:
    """A test that says something wrong fails with one line."""
    return pytest.fail.Exception(text, pytrace=False)


def _terms(item: pytest.Function) -> Terms:
    marker = item.get_closest_marker("explore")
    assert marker is not None
    try:
        return Terms(*marker.args, **marker.kwargs)
    except (TypeError, ValueError) as error:
        raise _refused(f"@pytest.mark.explore: {_plain(error)}") from None


def _plain(error: Exception) -> str:
    """What attrs says, in the words of a test: which terms there are, or which value is wrong."""
    if isinstance(error, TypeError) and "argument" in str(error):
        return f"{str(error).partition(' ')[2]}; its terms are {', '.join(each.name for each in fields(Terms))}"
    return str(error.args[0])


def summary(reports: Iterable[Any], *, every: bool) -> list[str]:
    """A line for each test that was explored and not proved; for `every` one if asked."""
    lines = []
    for report in reports:
        for name, value in report.user_properties:
            if name == PROPERTY and (every or not str(value).startswith("proved")):
                lines.append(f"{report.nodeid}: {value}")
    return lines
