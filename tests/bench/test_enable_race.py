"""The enable race: what exploring each variant comes to, and that every story found can be told again."""

from __future__ import annotations

import multiprocessing
import signal
from typing import Any

import pytest

from movsdk.bench.enable_race import RaceProgram, race, replay_race, workers
from movsdk.bench.race_machine import RaceMachine
from movsdk.bench.race_scenario import DISABLES, Act, RaceScenario
from movsdk.bench.race_table import TOLD
from movsdk.explore.record import Drift
from movsdk.explore.runner import Budget, explore
from movsdk.explore.strategies import Dfs, RandomWalk, Twice

PORT: dict[str, Any] = {"drivers": 1, "port_driver": True}
TWO_AND_PORT: dict[str, Any] = {"port_driver": True}


# --- counts: explorer.md §3.1 ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("variant", "shape", "runs"),
    [
        ("v2", {}, 2),
        ("v5", {}, 2),
        ("v5", {"bridges": 3}, 2),
        ("v9", {}, 2),
        ("v9", {"bridges": 2}, 2),
        ("v9", {"bridges": 3}, 2),
        ("v9", {"drivers": 3, "bridges": 2}, 6),
        ("v9", {"drivers": 4, "bridges": 2}, 24),
        ("v9", {"drivers": 4, "bridges": 2, "slots": 2}, 80),
        ("v9+reenable", {}, 2),
        ("all-writers", {"bridges": 3}, 2),
        ("all-writers", PORT, 3),
        ("all-writers", TWO_AND_PORT, 12),
        ("all-writers", {"port_driver": True, "bridges": 3}, 12),
    ],
)
def test_a_fix_is_proved_in_as_many_runs_as_the_mutex_has_orders(variant: str, shape: dict[str, Any], runs: int) -> None:
    """n drives below one bridge can take its mutex in n! orders; nothing else matters, however many bridges there are."""
    result = race(RaceScenario(variant, **shape)).result

    assert (result.verdict, result.runs, result.redundant) == ("proved", runs, 0)


@pytest.mark.parametrize(
    ("variant", "shape", "first", "runs", "failing"),
    [
        ("mutex-2017", {}, 2, 14, 8),
        ("bits-first", {}, 54, 184, 4),
        ("v5", PORT, 65, 140, 2),
        ("v5", TWO_AND_PORT, 144, 738, 68),
        ("v9", PORT, 15, 81, 28),
        ("v9+reenable", PORT, 15, 127, 19),
    ],
)
def test_a_race_is_counted(variant: str, shape: dict[str, Any], first: int, runs: int, failing: int) -> None:
    """All orders that matter, how many of them fail, and when the first was met."""
    result = race(RaceScenario(variant, **shape), stop=False, shorten=False).result

    assert (result.verdict, result.first_bug, result.runs, result.failing, result.redundant) == (
        "failed",
        first,
        runs,
        failing,
        0,
    )


@pytest.mark.parametrize(
    ("variant", "shape", "first", "most", "failing"),
    [
        pytest.param("mainline", {}, 14, 214, 0.40, id="mainline"),
        pytest.param("v9", TWO_AND_PORT, 30, 1268, 0.55, id="v9, port driver"),
    ],
)
def test_a_read_that_nobody_answers_widens_the_search(
    variant: str, shape: dict[str, Any], first: int, most: int, failing: float
) -> None:
    """The failing read's footprint decides the total: 134 and 488 runs where it names those who hold the address.

    Where silicon names every function instead, the sibling's own COMMAND seems to matter, and there are more.
    """
    result = race(RaceScenario(variant, **shape), stop=False, shorten=False).result

    assert (result.verdict, result.first_bug) == ("failed", first)
    assert result.runs <= most
    assert result.failing > failing * result.runs


@pytest.mark.parametrize("bridges", [1, 2, 3])
def test_mainline_loses_at_the_fourteenth_run(bridges: int) -> None:
    """However many bridges there are: CPU1 finds the last one counted, and its bits not set."""
    found = race(RaceScenario("mainline", bridges=bridges))

    failure = found.result.failure
    assert failure is not None
    assert (found.result.first_bug, failure.name, failure.preemptions, failure.is_least) == (14, "master abort", 1, True)
    assert "decode is off in COMMAND of nvme1 BAR 0 + 0x0 behind br" in failure.message


@pytest.mark.parametrize(
    "scenario",
    [
        RaceScenario("v5", **PORT),
        RaceScenario("v9", **PORT),
        RaceScenario("mutex-2017"),
        RaceScenario("v9", disable="sysfs-off"),
    ],
    ids=lambda scenario: f"{scenario.variant}, {scenario}",
)
def test_another_search_counts_the_same_behaviours(scenario: RaceScenario) -> None:
    """Sleep sets alone try many more orders, and come to exactly as many behaviours and failures."""
    reduced = race(scenario, stop=False, shorten=False).result
    asleep = race(scenario, Dfs(is_sleeping=True), stop=False, shorten=False).result

    assert (asleep.complete, asleep.failing) == (reduced.complete, reduced.failing)
    assert asleep.runs > reduced.runs


# --- the disable side ------------------------------------------------------------------------------------------
LOSES = {
    "port-unbinds": set(TOLD),
    "late-port-unbinds": {"v5"},
    "probe-while-port-unbinds": set(TOLD),
    "sibling-unbinds": set(),
    "sysfs-on": set(TOLD) - {"all-writers"},
    "sysfs-off": set(TOLD),
    "nested": {"v5"},
}


@pytest.mark.parametrize("variant", TOLD)
@pytest.mark.parametrize("name", DISABLES)
def test_what_no_mutex_of_enabling_can_save(name: str, variant: str) -> None:
    """A bridge's count does not hold the drives below it: who lets go of the bridge takes bus mastering from all of them."""
    found = race(RaceScenario(variant, disable=name), shorten=False)

    assert found.result.verdict == ("failed" if variant in LOSES[name] else "proved")
    assert found.as_json()["disable"] == name


# --- stories ---------------------------------------------------------------------------------------------------
MASTER = "DMA without bus mastering"
STORIES = [
    ("mainline", {}, "6b18#6d0177", "master abort"),
    ("mutex-2017", {}, "10b19#a6a060", MASTER),
    ("bits-first", {}, "6b23a26b26#18bbfc", MASTER),
    ("v9", PORT, "1b4a18#bb3fd1", "master abort"),
    ("v9+reenable", PORT, "5b8a18#2d37d4", "master abort"),
    ("v5", PORT, "1b4a25b28a28#cc0767", MASTER),
    ("v5", {"disable": "nested"}, "1b3c11#79b934", MASTER),
    ("v5", {"disable": "late-port-unbinds"}, "3c13#4e4aaf", MASTER),
    ("all-writers", {"disable": "sysfs-off"}, "3c12#1d3b64", MASTER),
    ("all-writers", {"disable": "port-unbinds"}, "3c13#4e4aaf", MASTER),
]


@pytest.mark.parametrize(("variant", "shape", "schedule", "name"), STORIES)
def test_a_story_is_told_again(variant: str, shape: dict[str, Any], schedule: str, name: str) -> None:
    """Schedules that were found once fail in the same way for ever, or say that the kernel model has changed."""
    failure = replay_race(RaceScenario(variant, **shape), schedule).result.failure

    assert failure is not None
    assert (failure.name, str(failure.schedule)) == (name, schedule)


def test_a_story_of_another_kernel_is_no_replay() -> None:
    """The labels hash to something else: the order is refused, not followed wrongly."""
    with pytest.raises(Drift, match="its 18 operations are others now"):
        replay_race(RaceScenario("v9"), "6b18#6d0177")


def test_the_stale_write_is_in_the_story() -> None:
    """v5 with the port driver: CPU1 read COMMAND before the mutex was of any use, and writes it back without MASTER."""
    result = race(RaceScenario("v5", **PORT)).result

    assert result.failure is not None
    assert result.failure.preemptions == 3
    lines = result.failure.timeline.splitlines()
    assert lines[0].split() == ["CPU0", "probe", "nvme0", "(a)", "CPU1", "probe", "br0", "(b)"]
    marked = [" ".join(text.split()) for text in lines if text[4:5] == ">"]
    assert marked == ["25> W br0.COMMAND = 2 (MEMORY)", "28>DMA read by nvme0 <-- FAIL"]
    assert "=> DMA without bus mastering: no-bus-master: read of 4 bytes at dma 0x100000 by nvme0; held by br0" in lines


@pytest.mark.parametrize("scenario", [RaceScenario("mainline"), RaceScenario("v9", **PORT)], ids=str)
def test_the_same_order_does_the_same_again(scenario: RaceScenario) -> None:
    """Each order two times: nothing that a run left behind shows in the next."""
    result = race(scenario, Twice(RandomWalk(100, seed=7)), stop=False, shorten=False).result

    assert (result.verdict, result.note) == ("failed", "")


def test_a_reset_machine_is_a_new_one() -> None:
    """Also after a run that was given up in the middle, inside a mutex."""
    scenario = RaceScenario("all-writers", bridges=2, port_driver=True)
    used = RaceMachine(scenario)
    for act in scenario.meanwhile:
        used.act(act)
    used.act(Act("unbind", "nvme0"))
    used.reset()
    new = RaceMachine(scenario)
    new.reset()

    assert _fingerprint(used) == _fingerprint(new)


def _fingerprint(machine: RaceMachine) -> list[object]:
    silicon = [bytes(function.config.data) for function in machine.world.machine]
    belief = [
        (
            device.label,
            device.row.command,
            device.row.enable_cnt,
            device.row.is_bound,
            device.is_busmaster,
            device.is_probed,
            device.driver,
            device.view,
            device.drvdata,
            device.in_hook,
            device.is_paused,
            device.is_gone,
            device.generation,
        )
        for device in machine.world.system.discovered
    ]
    return [silicon, belief, len(machine.world.machine.fabric.faults), len(machine.world.system.trace), machine.oracles.misses]


def test_a_budget_is_said_honestly() -> None:
    """No proof, no failure: bounded, and why."""
    result = race(RaceScenario("mainline"), budget=Budget(runs=5)).result

    assert (result.verdict, result.runs, result.note) == ("bounded", 5, "the budget ended after 5 runs")


def test_one_preemption_shows_mainline_and_none_does_not() -> None:
    """The least preemptions of the story are least indeed."""
    program = RaceProgram(RaceScenario("mainline"))

    assert explore(program, Dfs(preemptions=0)).verdict == "bounded"
    assert explore(program, Dfs(preemptions=1), shorten=False).first_bug is not None


def test_ctrl_c_is_heard_by_one_process_and_ends_all() -> None:
    """A terminal sends it to every process; the workers are deaf to it, and are ended, whatever they are at."""
    heard = signal.getsignal(signal.SIGINT)

    def interrupted() -> None:
        with workers(2) as pool:
            assert pool.submit(signal.getsignal, signal.SIGINT).result(60) == signal.SIG_IGN
            pool.submit(signal.pause)
            assert signal.getsignal(signal.SIGINT) is heard
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not multiprocessing.active_children()
