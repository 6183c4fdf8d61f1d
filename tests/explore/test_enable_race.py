"""The enable race as a model: the counts of explorer.md §3.1, to the run."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.explore import Dfs, Dpor, explore, replay
from movsdk.explore.oracles import ALL, LOCK_ORDER
from tests.explore.enable_race import EnableRace

PORT = {"port": True}


@pytest.mark.parametrize(
    ("scenario", "runs", "failing", "first_bug"),
    [
        pytest.param({"dma": False}, 102, 32, 12, id="mainline, no DMA"),
        pytest.param({}, 134, 56, 14, id="mainline"),
        pytest.param({"variant": "bits-first"}, 184, 4, 54, id="bits before the count"),
        pytest.param({"variant": "v5"}, 2, 0, None, id="v5"),
        pytest.param({"variant": "v5", "bridges": 3}, 2, 0, None, id="v5, 3 bridges"),
        pytest.param({"variant": "v9"}, 2, 0, None, id="v9"),
        pytest.param({"variant": "v9", "bridges": 2}, 2, 0, None, id="v9, 2 bridges"),
        pytest.param({"variant": "v9", "bridges": 3}, 2, 0, None, id="v9, 3 bridges"),
        pytest.param({"variant": "v9", "drivers": 3, "bridges": 2}, 6, 0, None, id="v9, 3 drivers: 3!"),
        pytest.param({"variant": "v9", "drivers": 4, "bridges": 2}, 24, 0, None, id="v9, 4 drivers: 4!"),
        pytest.param({"variant": "v9", **PORT}, 488, 272, 30, id="v9, port driver"),
        pytest.param({"variant": "v9", "drivers": 1, **PORT}, 81, 28, 15, id="v9, port driver, 1 driver"),
        pytest.param({"variant": "v5", **PORT}, 738, 68, 144, id="v5, port driver"),
        pytest.param({"variant": "v5", "drivers": 1, **PORT}, 140, 2, 65, id="v5, port driver, 1 driver"),
        pytest.param({"variant": "v9+reenable", **PORT}, 1334, 486, 36, id="v9 and re-enable, port driver"),
    ],
)
def test_the_whole_space_has_the_known_size(scenario: dict[str, Any], runs: int, failing: int, first_bug: int | None) -> None:
    """Runs, failing traces and the first bug are those of the prototype, measured independently; no run is redundant."""
    result = explore(EnableRace(**scenario), stop=False, shorten=False)
    assert (result.runs, result.redundant, result.failing, result.first_bug) == (runs, 0, failing, first_bug)
    assert result.verdict == ("failed" if failing else "proved")


@pytest.mark.parametrize(
    "scenario", [{}, {"variant": "v9", **PORT}, {"variant": "v5", "drivers": 1, **PORT}, {"variant": "bits-first"}]
)
def test_a_bug_is_replayed_from_its_schedule(scenario: dict[str, Any]) -> None:
    """The printed line is enough, and says the same."""
    found = explore(EnableRace(**scenario))
    assert found.schedule is not None
    again = replay(EnableRace(**scenario), found.schedule)
    assert again.verdict == "failed"
    assert again.failure is not None
    assert found.failure is not None
    assert (again.failure.message, again.schedule) == (found.failure.message, found.schedule)


@pytest.mark.parametrize(
    ("scenario", "preemptions"),
    [({}, 1), ({"variant": "v9", **PORT}, 1), ({"variant": "v5", "drivers": 1, **PORT}, 3), ({"variant": "bits-first"}, 3)],
)
def test_a_report_needs_the_fewest_preemptions(scenario: dict[str, Any], preemptions: int) -> None:
    """The numbers of explorer.md §3.1, and the report says whether they are proved least."""
    failure = explore(EnableRace(**scenario)).failure
    assert failure is not None
    assert (failure.preemptions, failure.is_least) == (preemptions, True)


def test_more_patience_finds_a_shorter_story() -> None:
    """Two preemptions are enough for v5 with two drivers, but it takes thousands of runs to see."""
    failure = explore(EnableRace(variant="v5", port=True), shorten=7000).failure
    assert failure is not None
    assert (failure.preemptions, failure.is_least) == (2, True)


def test_a_bound_of_two_misses_what_needs_three() -> None:
    """Bounded is said where the bound left schedules out."""
    program = EnableRace(variant="v5", drivers=1, port=True)
    result = explore(program, Dfs(preemptions=2))
    assert (result.verdict, result.failure) == ("bounded", None)


@pytest.mark.parametrize(("bridges", "runs"), [(1, 30), (2, 48), (3, 70)])
def test_bounded_search_tries_as_many_as_it_should(bridges: int, runs: int) -> None:
    """One preemption on the unfixed code: the counts of explorer.md; the first choice is none."""
    result = explore(EnableRace(bridges=bridges), Dfs(preemptions=1), stop=False, shorten=False)
    assert (result.runs, result.first_bug) == (runs, 12)


def test_locks_from_leaf_to_root_and_from_root_to_leaf_are_a_circle() -> None:
    """Lock order is judged by class and nesting level: the bridges' mutexes are one class, their depth is the level."""
    result = explore(EnableRace(variant="v9", bridges=3), Dpor(), oracles=ALL)
    assert result.verdict == "proved"
    without_levels = explore(EnableRace(variant="v9", bridges=3, has_levels=False), oracles=frozenset({LOCK_ORDER}))
    assert without_levels.failure is not None
    assert "enable_mutex -> enable_mutex" in without_levels.failure.message
