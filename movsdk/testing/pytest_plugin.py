"""The pytest plugin: fixtures for driver authors. Imports nothing heavy when it loads.

`bench`: a booted machine with free ports. `make_bench`: the same with your own terms. `sysfs`: the machine's /sys as files.
Driver files become tests, one a rule of the conformance kit: see `conformance_plugin`.
`tasks`, in a test marked ``explore``: tasks of which every interleaving is tried; see `explore_plugin`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from movsdk.bench.bench import Bench
    from movsdk.testing.tasks import Tasks

_MARKERS = (
    "conformance: a rule of the conformance kit for drivers",
    "mov_rule(id): the rule that the test is about, such as C01",
)
_DRIVERS = ("driver.py", "drivers/*.py")
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
    parser.addini("mov_drivers", "globs of files whose drivers are tested by the conformance kit", "args", list(_DRIVERS))
    group.addoption("--mov-budget", metavar="BUDGET", help="explore no longer than 5s, 2m or 1000 runs, whatever the marker says")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    for line in (_EXPLORE, *_MARKERS):
        config.addinivalue_line("markers", line)


# --- the conformance kit; what it needs is loaded when the first driver file is met --------------------------
@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Generator[None, Any, Any]:
    """Make tests of a driver file."""
    found = yield
    if file_path.suffix != ".py" or not _may_be_driver(file_path, parent.config):
        return found
    from movsdk.testing import conformance_plugin

    return conformance_plugin.collected(file_path, parent, found)


def _may_be_driver(path: Path, config: pytest.Config) -> bool:
    """Whether `path` is named as the ini option ``mov_drivers`` says, is no test file, and speaks of us or has an id table."""
    if path.name.startswith("_") or path.name == "conftest.py" or _is_named(path, config, "python_files"):
        return False
    if not _is_named(path, config, "mov_drivers"):
        return False
    try:
        text = path.read_bytes()
    except OSError:
        return False
    return b"id_table" in text or b"movsdk" in text


def _is_named(path: Path, config: pytest.Config, option: str) -> bool:
    """Globs as of `Path.match`, from the right; one with ``**`` is meant from the root folder."""
    root = config.rootpath
    inside = path.relative_to(root).as_posix() if path.is_relative_to(root) else ""
    globs = config.getini(option)
    return any(fnmatch(inside, glob.replace("**/", "*")) if "**" in glob else path.match(glob) for glob in globs)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A driver that nothing can stop ends the run, with one line."""
    if item.get_closest_marker("conformance") is None:
        return (yield)
    from movsdk.testing.conformance_plugin import ending

    with ending(item.config):
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Let the report of a rule's test carry what the kit says: it survives xdist and goes into junit's XML."""
    if call.when == "call":
        item.user_properties.extend(getattr(getattr(item, "instance", None), "mov_told", ()))


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
    """Say of each driver whether it conforms, and honestly which explorations did not try every order."""
    if config.getoption("verbose") >= -1 and (reports := _reports_with(terminalreporter, "mov_verdict")):
        from movsdk.testing.conformance_plugin import summary as verdicts

        terminalreporter.section("movable BARs conformance")
        for line in verdicts(reports, with_times=config.getoption("durations") is not None):
            terminalreporter.write_line(line)
    if not (reports := _reports_with(terminalreporter, "explored")):
        return
    from movsdk.testing.explore_plugin import summary

    if lines := summary(reports, every=config.getoption("verbose") > 0):
        terminalreporter.section("explored")
        for line in lines:
            terminalreporter.write_line(line)


def _reports_with(terminalreporter: Any, name: str) -> list[Any]:
    kinds = ("passed", "failed", "skipped", "xfailed", "xpassed")
    reports = [report for kind in kinds for report in terminalreporter.stats.get(kind, [])]
    # A module that was skipped as a whole is a CollectReport, which has no properties.
    return [report for report in reports if any(key == name for key, _ in getattr(report, "user_properties", ()))]
