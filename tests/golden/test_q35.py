"""The recorded q35 machine: what its real kernels made of three hot-adds, byte for byte."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from movsdk.bench.differences import differences_from_dump
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import import_story
from movsdk.bench.player import Outcome, Player
from movsdk.rescan.rules import by_name
from tests.bench.importers.dumps import OFF, STORY


@cache
def played(rules: str) -> list[Outcome]:
    """The story of the v9 dumps: boot, then one hot-add a dump. The unpatched machine was recorded for the first one only."""
    folders = STORY[: len(OFF)] if rules == "off" else STORY
    return list(Player(import_story(folders), by_name(rules)).play())


STEPS = [
    *(pytest.param("v9", number, folder, id=f"v9 {folder.name}") for number, folder in enumerate(STORY)),
    *(pytest.param("off", number, folder, id=f"off {folder.name}") for number, folder in enumerate(OFF)),
]


@pytest.mark.parametrize(("rules", "number", "folder"), STEPS)
def test_the_machine_equals_the_dump_after_each_event(rules: str, number: int, folder: Path) -> None:
    """Every BAR, window, window register and bus number is where the recorded kernel put it."""
    outcome = played(rules)[number]

    assert list(differences_from_dump(outcome.state, read_dump(folder))) == []
    assert outcome.rc == 0


def test_a_story_has_one_outcome_a_dump() -> None:
    """Nothing is left out of the comparison."""
    assert (len(played("v9")), len(played("off"))) == (len(STORY), len(OFF)) == (4, 2)


def test_the_newcomer_fits_because_the_nvme_moves() -> None:
    """With v9 the running NVMe is paused, its BAR 0 moves with those of the unbound cards, and the 64 MiB BAR gets a place."""
    hotadd = played("v9")[1]

    assert [(move.device, move.bar) for move in hotadd.report.moves] == [
        ("03:00.0", 0),
        ("05:00.0", 0),
        ("05:00.0", 2),
        ("07:00.0", 0),
    ]
    assert hotadd.hooks == [["prepare", "03:00.0"], ["done", "03:00.0"]]
    assert (hotadd.report.lost, len(hotadd.report.attempts)) == ((), 1)
    newcomer = next(entry for entry in hotadd.state if entry["id"] == "04:00.0")
    assert [(entry["n"], entry["assigned"]) for entry in newcomer["resources"]] == [(0, True), (2, True)]


def test_without_movable_bars_the_big_bar_is_dropped() -> None:
    """The unpatched kernel moves nothing and wipes the 64 MiB BAR."""
    hotadd = played("off")[1]

    newcomer = next(entry for entry in hotadd.state if entry["id"] == "04:00.0")
    assert [entry["n"] for entry in newcomer["resources"]] == [0]
    assert hotadd.report.moves == ()


def test_a_dump_of_another_moment_differs() -> None:
    """The comparison is no formality: the machine before the hot-add is told apart from the one after, line by line."""
    found = list(differences_from_dump(played("v9")[0].state, read_dump(STORY[1])))

    assert "04:00.0: in the dump, unknown to us" in found
    assert any(line.startswith("03:00.0 BAR 0: ours [0x") for line in found)
