"""The pytest plugin: fixtures for driver authors. Imports nothing heavy when it loads.

`bench`: a booted machine with free ports. `make_bench`: the same with your own terms. `sysfs`: the machine's /sys as files.
`tasks`, in a test marked ``explore``: tasks of which every interleaving is tried; see `explore_plugin`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from movsdk.bench.bench import Bench
    from movsdk.testing.explore_plugin import Tasks

_EXPLORE = "explore(preemptions=None, walks=None, seed=0, twice=False, budget=None, must='any'): try every order of its tasks"


@pytest.fixture
def make_bench() -> Callable[..., Bench]:
    """Make a bench with your own terms: ``make_bench(rules="v5", ports=8, faults="hardware", strict=False)``."""
    from movsdk.bench.bench import Bench

    return Bench


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """A booted machine with free hot-plug ports: ``dev = bench.plug(Driver, Model)``, ``bench.force_move(dev, bar=0)``."""
    return make_bench()


@pytest.fixture
def sysfs(bench: Bench) -> Iterator[Any]:
    """The bench's machine as files below /sys (pyfakefs), live: reads and writes reach the model, mmap shares its memory."""
    from movsdk.bench.sysfs.fixture import sysfs_session

    with sysfs_session(bench.world) as session:
        yield session


# --- exploration; what it needs is loaded when the first marked test runs -----------------------------------
def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare what a failing exploration asks the user to type."""
    group = parser.getgroup("movsdk", "movsdk: exploration of tests marked explore")
    group.addoption("--mov-replay", metavar="SCHEDULE", help="run this one order, as it was printed with a failure")
    group.addoption("--mov-budget", metavar="BUDGET", help="explore no longer than 5s, 2m or 1000 runs, whatever the marker says")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", _EXPLORE)


@pytest.fixture
def tasks(request: pytest.FixtureRequest) -> Tasks | None:
    """In a test marked ``explore``: ``tasks.spawn("probe", function)``, ``tasks.watch(bench)``, ``tasks.finally_(...)``."""
    if request.node.get_closest_marker("explore") is None:
        raise pytest.UsageError(f"{request.node.nodeid}: the fixture `tasks` is for tests marked @pytest.mark.explore")
    return None  # each run has its own; `explore_plugin` puts it in


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Explore a marked test instead of calling it once."""
    if pyfuncitem.get_closest_marker("explore") is None:
        return None
    from movsdk.testing import explore_plugin

    explore_plugin.call(pyfuncitem)
    return True


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say honestly which explorations did not try every order."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    reports = [report for report in reports if any(name == "explored" for name, _ in report.user_properties)]
    if not reports:
        return
    from movsdk.testing.explore_plugin import summary

    if lines := summary(reports, every=config.getoption("verbose") > 0):
        terminalreporter.section("explored")
        for line in lines:
            terminalreporter.write_line(line)
