"""Exploration as pytest users meet it: marker, options, verdicts and the line that replays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from movsdk.errors import BadInput
from movsdk.explore.dpor import Dpor
from movsdk.explore.strategies import Dfs, RandomWalk, Twice
from movsdk.testing.explore_plugin import Terms, budget_of

HEAD = """\
import pytest
from mockbus import BarKind, BarSpec, DeviceModel
from movsdk import PciId, points

class Model(DeviceModel):
    vendor_id, device_id, class_code = 0x6D76, 2, 0x00FF00
    bars = (BarSpec(0, BarKind.MEM32, 0x1000),)

class Driver:
    name, id_table = "card", [PciId(0x6D76, 2)]
    def probe(self, dev, id):
        dev.enable_device()
        dev.drvdata = dev.iomap(0)
    def remove(self, dev):
        dev.disable_device()

class Counter:
    def __init__(self, name="count"):
        self.cell, self.value = (name,), 0
    def add(self):
        points.checkpoint("read", self.cell)
        seen = self.value
        points.checkpoint("write", (), self.cell)
        self.value = seen + 1
"""

TESTS = """\
@pytest.mark.explore
def test_lost(tasks):
    counter = Counter()
    tasks.spawn("a", counter.add)
    tasks.spawn("b", counter.add)
    tasks.finally_("both count", lambda: counter.value == 2)

@pytest.mark.explore
def test_apart(tasks):
    for name in "xy":
        tasks.spawn(name, Counter(name).add)

@pytest.mark.explore(budget="3 runs")
def test_bounded(tasks):
    counter = Counter()
    for name in "abc":
        tasks.spawn(name, counter.add)

@pytest.mark.explore(budget="3 runs", must="proved")
def test_must(tasks):
    test_bounded(tasks)

@pytest.mark.explore
def test_bench(tasks, make_bench):
    bench = make_bench(faults="hardware")
    dev = bench.plug(Driver, Model())
    tasks.watch(bench)
    tasks.show("COMMAND", lambda: dev.is_enabled)
    tasks.spawn("reader", lambda: dev.drvdata.readl(0))
    tasks.spawn("root", lambda: dev.write_config_word(4, 0))

@pytest.mark.explore
def test_set_up(tasks, tmp_path):
    raise ValueError("in the set-up")

@pytest.mark.explore(depth=3)
def test_unknown_term(tasks):
    pass

@pytest.mark.explore(preemptions="two")
def test_wrong_term(tasks):
    pass

@pytest.mark.explore
def test_nothing(tasks):
    pass

@pytest.mark.explore
def test_one_bench(tasks, bench):
    tasks.spawn("a", bench.rescan)

@pytest.mark.explore
def test_without_tasks():
    pass

def test_without_marker(tasks):
    pass

def test_plain():
    pass
"""


def run(folder: Path, *words: str) -> tuple[int, str]:
    """Run pytest on the tests above, in a process of its own; returns its status and what it printed."""
    (folder / "test_it.py").write_text(HEAD + TESTS)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the plugins of this suite take longer to load than the tests to run
    plugin = ["-p", "movsdk.testing.pytest_plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "test_it.py", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the tests above print when all of them run."""
    status, text = run(tmp_path_factory.mktemp("explored"))
    assert status == 1
    return text


def story(printed: str, test: str) -> str:
    """The part of the report that is about one test."""
    return printed.split(f"_ {test} _")[1].split("\n___", maxsplit=1)[0]


def test_a_failure_is_the_story_of_its_shortest_order(printed: str) -> None:
    """Two columns, what was demanded, and the line that replays it."""
    told = story(printed, "test_lost")

    assert "both count: both count does not hold at the end" in told
    assert "CPU0 a (a)" in told
    assert "pytest test_it.py::test_lost --mov-replay '2b4#ad92b5'" in told


def test_only_what_was_not_proved_is_told_of(printed: str) -> None:
    """A proof is silent, a budget that ended is said, and fails the test that must be proved."""
    assert "test_it.py::test_bounded: bounded in 3 runs" in printed
    assert "test_it.py::test_apart" not in printed
    assert "bounded, not proved: the budget ended after 3 runs" in story(printed, "test_must")
    assert printed.rstrip().splitlines()[-1].startswith("9 failed, 3 passed, 1 error")


def test_a_watched_bench_is_judged_at_every_step(printed: str) -> None:
    """Each run has its own bench; operations have a kernel developer's names and values, and the failing one is marked."""
    told = story(printed, "test_bench")

    assert "master abort: card0 (0000:01:00.0): readl of BAR 0 + 0x0 at test_it.py:" in told
    assert "W card0.COMMAND = 0" in told
    assert "card0 readl BAR 0 + 0x0  <-- FAIL" in told


@pytest.mark.parametrize(
    ("test", "message"),
    [
        pytest.param("test_set_up", "ValueError: in the set-up", id="what the set-up raises is the test's"),
        pytest.param("test_unknown_term", "unexpected keyword argument 'depth'", id="unknown term"),
        pytest.param("test_wrong_term", "preemptions='two' is no number of them", id="wrong term"),
        pytest.param("test_nothing", "no task was spawned", id="nothing to explore"),
        pytest.param("test_one_bench", "the fixture `bench` is one bench for all orders", id="one bench for all"),
        pytest.param("test_without_tasks", "a test marked explore takes the fixture `tasks`", id="no tasks"),
        pytest.param("ERROR at setup of test_without_marker", "`tasks` is for tests marked @pytest.mark.explore", id="no marker"),
    ],
)
def test_misuse_is_told_in_words(test: str, message: str, printed: str) -> None:
    """The user's own mistakes name the remedy."""
    assert message in story(printed, test)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        pytest.param(["--mov-replay", "2b4#ad92b5"], 1, "both count does not hold at the end", id="the schedule of the failure"),
        pytest.param(["--mov-replay", "2b4#aaaaaa"], 1, "its 4 operations are others now", id="labels have changed"),
        pytest.param(["--mov-replay", "lost"], 1, "'lost' is no schedule; one reads like 6b8a31#3f9c21", id="no schedule"),
        pytest.param(["--mov-budget", "1 run"], 0, "test_lost: bounded in 1 run", id="a smaller budget"),
        pytest.param(["--mov-budget", "soon"], 1, "'soon' is no budget; one reads like 5s, 2m", id="no budget"),
        pytest.param(["--mov-budget", "60s", "-v"], 1, "test_lost: failed in 2 runs", id="seconds"),
    ],
)
def test_the_options(words: list[str], status: int, message: str, tmp_path: Path) -> None:
    """--mov-replay runs one order, --mov-budget overrules the marker."""
    found, printed = run(tmp_path, "-k", "test_lost", *words)

    assert (found, message in printed) == (status, True), printed


@pytest.mark.parametrize(
    ("terms", "kind"),
    [
        (Terms(), Dpor),
        (Terms(preemptions=2), Dfs),
        (Terms(walks=10, seed=3), RandomWalk),
        (Terms(twice=True), Twice),
    ],
)
def test_terms_choose_the_strategy(terms: Terms, kind: type) -> None:
    """Every order unless something less is asked for."""
    assert isinstance(terms.strategy(), kind)


@pytest.mark.parametrize("text", ["", "5 minutes", "1.5 runs", "-3s", "s"])
def test_a_budget_that_is_none(text: str) -> None:
    """The message says how one reads."""
    with pytest.raises(BadInput, match="is no budget"):
        budget_of(text)


def test_must_is_checked() -> None:
    """A misspelt verdict would otherwise never be wanted."""
    with pytest.raises(ValueError, match="must"):
        Terms(must="prove")
