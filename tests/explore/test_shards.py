"""Campaigns: the same totals however the parts are done."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from movsdk.errors import BadInput
from movsdk.explore import Atomic, Result, World, campaign, explore, replay
from movsdk.explore.shards import explore_shard, split
from tests.explore.enable_race import EnableRace
from tests.explore.life_cycle import LifeCycle

RACE = EnableRace(variant="v9", port=True)


def numbers(result: Result) -> tuple[object, ...]:
    """What must be the same."""
    return (result.verdict, result.runs, result.complete, result.failing, result.first_bug, result.schedule)


def test_parts_have_the_totals_of_the_whole() -> None:
    """Every behaviour is run in one part; what fails, fails in one part."""
    whole = explore(RACE, stop=False)
    parts = campaign(RACE, shards=40)
    assert (parts.complete, parts.failing, parts.verdict) == (whole.complete, whole.failing, "failed")
    assert parts.schedule is not None
    assert replay(RACE, parts.schedule).verdict == "failed"

    before = 0
    for shard in split(RACE, 40):
        part = explore_shard(RACE, shard)
        if part.first_bug is not None:
            break
        before += part.runs
    assert (before > 0, part.first_bug) == (True, (parts.first_bug or 0) - before)


def test_clean_parts_are_a_proof() -> None:
    """With locks, waiting and an interrupt."""
    program = LifeCycle(("rescan", "io", "irq"))
    assert (campaign(program, shards=6).verdict, campaign(program, shards=6).complete) == ("proved", 24)


def test_totals_do_not_depend_on_the_workers() -> None:
    """In this process, on one worker process, on two: the same numbers and the same schedule."""
    context = get_context("spawn")
    found = [numbers(campaign(RACE, shards=8))]
    for workers in (1, 2):
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            found.append(numbers(campaign(RACE, shards=8, executor=pool)))
    assert found[0] == found[1] == found[2]


def test_any_executor_will_do() -> None:
    """Threads gain nothing, but they are executors; they take turns, because there is one listener in a process."""
    with ThreadPoolExecutor(3) as pool:
        assert numbers(campaign(RACE, executor=pool, shards=8)) == numbers(campaign(RACE, shards=8))


class Interrupted(Exception):
    """Somebody pulled the plug."""


def test_a_campaign_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    """Parts that are done are read from the file, also when its last line was cut off."""
    results, done = tmp_path / "race.jsonl", []

    def pull(count: int, total: int) -> None:
        done.append((count, total))
        if count == 5:
            raise Interrupted

    with pytest.raises(Interrupted):
        campaign(RACE, shards=12, results=results, progress=pull)
    cut = results.read_text()
    results.write_text(cut[:-20])
    before = len(results.read_text().splitlines())

    continued = campaign(RACE, shards=12, results=results, progress=lambda count, total: done.append((count, total)))

    assert numbers(continued) == numbers(campaign(RACE, shards=12))
    assert done[5][0] == before - 1  # the header and the broken line are no parts
    assert done[-1][0] == done[-1][1]

    done.clear()
    assert numbers(campaign(RACE, shards=12, results=results, progress=pull)) == numbers(continued)
    assert not done  # every part has a whole line now


def test_a_file_of_another_campaign_is_refused(tmp_path: Path) -> None:
    """Parts of another program would be added up to nonsense."""
    results = tmp_path / "race.jsonl"
    campaign(EnableRace(), shards=4, results=results)
    with pytest.raises(BadInput, match="of another program, or another number of shards"):
        campaign(RACE, shards=4, results=results)


def test_parts_are_plain_values() -> None:
    """They can be pickled, and written down as JSON when they are done."""
    import pickle

    shards = split(RACE, 8)
    assert len(shards) >= 8
    assert pickle.loads(pickle.dumps(shards)) == shards
    part = explore_shard(RACE, shards[0])
    assert json.loads(json.dumps({"runs": part.runs}))["runs"] == part.runs


def test_a_program_with_one_behaviour_is_one_part() -> None:
    """There is nothing to split."""

    def program(world: object) -> None:
        """No tasks."""

    assert [len(shard.path) for shard in split(program, 8)] == [0]
    assert campaign(program).runs == 1


def test_a_run_without_end_is_no_proof() -> None:
    """A run that had too many operations was not tried to its end; the rest of it may fail."""

    def program(world: World) -> None:
        flag = Atomic("flag")

        def look_for_ever() -> None:
            while flag.read() >= 0:
                pass

        world.spawn("looks", look_for_ever)
        world.spawn("sets", flag.set, 1)

    result = campaign(program, shards=2)

    assert result.verdict == "bounded"
    assert "cut: too many operations" in result.note


def test_a_program_that_does_something_else_each_time_is_found_out() -> None:
    """Its parts belong to nothing."""
    calls: list[None] = []

    def program(world: World) -> None:
        calls.append(None)
        world.spawn("first", Atomic(f"count {len(calls)}").set, 1)

    assert campaign(program).verdict == "nondeterministic"


def test_a_budget_is_dealt_out_and_may_be_raised_later(tmp_path: Path) -> None:
    """What it leaves is no proof; with a larger one, or none, only the parts that it stopped are done again."""
    results, program = tmp_path / "cycle.jsonl", LifeCycle(("rescan", "io", "irq"))
    whole = campaign(program, shards=4)
    parts = len(split(program, 4))

    little = campaign(program, shards=4, results=results, runs=parts)
    assert (little.verdict, little.runs) == ("bounded", parts)
    assert little.note.endswith(f"of {parts} parts")

    assert numbers(campaign(program, shards=4, results=results)) == numbers(whole)
    done: list[tuple[int, int]] = []
    again = campaign(program, shards=4, results=results, runs=parts, progress=lambda count, total: done.append((count, total)))
    assert (numbers(again), done) == (numbers(whole), [])


def test_lines_that_say_nothing_are_passed_over(tmp_path: Path) -> None:
    """Somebody wrote into the file; the parts that are whole count."""
    results = tmp_path / "race.jsonl"
    campaign(EnableRace(), shards=4, results=results)
    results.write_text(results.read_text() + '{"shard": 0}\n[1]\n{"is": "something else"}\n')

    assert campaign(EnableRace(), shards=4, results=results).failing == 56
