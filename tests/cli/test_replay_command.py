"""``movsdk run --record`` and ``movsdk replay``: the same again, or the first difference."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from movsdk.bench.recording import Race, Recording
from movsdk.bench.recording_file import read, write_text
from tests.cli.calls import call, moving, plain, vector

Capsys = pytest.CaptureFixture[str]


def recorded(capsys: Capsys, scenario: Path, *words: str) -> Path:
    """Record a run beside the scenario."""
    place = scenario.with_suffix(".rec")
    call(capsys, "run", scenario, "--record", place, *words)
    return place


def rewritten(place: Path, change: Callable[[Recording], Recording]) -> None:
    """Change a recording, with a checksum that is right: as if another kernel model had written it."""
    place.write_text(write_text(change(read(place)), place))


def with_events(recording: Recording, change: Callable[[list[dict[str, Any]]], object]) -> Recording:
    """Change the events of the only run in place."""
    change(recording.runs[0].events)
    return recording


def test_a_run_is_the_same_again(tmp_path: Path, capsys: Capsys) -> None:
    """What run prints is not changed by recording; replay ends with 0."""
    scenario = moving(tmp_path, more="    load: true\n")
    plainly = call(capsys, "run", scenario, "--rules", "v5")

    recording = call(capsys, "run", scenario, "--rules", "v5", "--record", tmp_path / "x.rec")
    replayed = call(capsys, "replay", tmp_path / "x.rec")

    assert recording == plainly
    assert (replayed.status, replayed.out) == (0, "moving, rules v5: identical: 2 events\n")


def test_options_are_part_of_the_recording(tmp_path: Path, capsys: Capsys) -> None:
    """Patches left out, the command line and what happens to bad accesses are played as they were."""
    place = recorded(capsys, moving(tmp_path, "mine.py:Stale"), "--rules", "v2", "--without", "4", "--faults", "hardware")

    (run,) = read(place).runs
    assert (run.rules, run.faults) == ("v2 without 4", "hardware")
    assert call(capsys, "replay", place).out == "moving, rules v2 without 4: identical: 2 events\n"
    place = recorded(capsys, moving(tmp_path), "--cmdline", "pci=hpmemsize=4M")
    assert read(place).runs[0].scenario.cmdline == "pci=hpmemsize=4M"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda events: events[1]["state"][1]["resources"][0].update(start=0xE100_0000),
            "[1] rescan: state card resources 0 start: ours 0xe0000000, recorded 0xe1000000",
        ),
        (lambda events: events[0].update(silicon="0" * 16), '[0] boot: silicon: ours "'),
        (lambda events: events[1]["log"].pop(), "[1] rescan: log: ours has "),
        (lambda events: events.pop(), "events: ours has 2 entries, recorded 1"),
        (lambda events: events[1].update(clock=1), "[1] rescan: clock: ours "),
    ],
    ids=["a BAR", "config space", "the log", "an event", "the clock"],
)
def test_the_first_difference_is_told_by_event_and_field(
    change: Callable[[list[dict[str, Any]]], None], told: str, tmp_path: Path, capsys: Capsys
) -> None:
    """Status 1; only the first, unless all are wanted."""
    place = recorded(capsys, moving(tmp_path))
    rewritten(place, lambda recording: with_events(recording, change))

    called = call(capsys, "replay", place)

    assert called.status == 1
    assert called.out.startswith(f"moving, rules v9: differs: {told}")
    assert called.out.count("differs") == 1


def test_all_differences_on_request(tmp_path: Path, capsys: Capsys) -> None:
    """The first is announced with the number of the others."""
    place = recorded(capsys, moving(tmp_path))
    rewritten(place, lambda recording: with_events(recording, lambda events: [event.update(rc=-5) for event in events]))

    first = call(capsys, "replay", place).out.splitlines()
    every = call(capsys, "replay", place, "--all").out.splitlines()

    assert first[1] == "1 difference more; --all shows them"
    assert [line.partition("differs: ")[2] for line in every] == [
        f"[{n}] {op}: rc: ours 0x0, recorded -0x5" for n, op in enumerate(["boot", "rescan"])
    ]


def test_a_run_that_stopped_stops_at_the_same_place(tmp_path: Path, capsys: Capsys) -> None:
    """With the same words; a run that goes on now is a difference."""
    place = recorded(capsys, moving(tmp_path, "mine.py:Exits"))
    assert "SystemExit" in read(place).runs[0].stopped
    assert call(capsys, "replay", place).status == 0

    rewritten(place, lambda recording: evolve(recording, runs=(evolve(recording.runs[0], stopped=""),)))
    called = call(capsys, "replay", place)

    assert called.status == 1
    assert "differs: end: ours SystemExit" in called.out


def test_a_driver_that_has_changed_is_said(tmp_path: Path, capsys: Capsys) -> None:
    """Whether or not it makes a difference. A comment makes none."""
    place = recorded(capsys, moving(tmp_path, "mine.py:Good"))
    with (tmp_path / "mine.py").open("a") as file:
        file.write("# better now\n")

    called = call(capsys, "replay", place)

    assert called.status == 0
    assert called.out.splitlines() == ["moving: mine.py has changed since the recording", "moving, rules v9: identical: 2 events"]


def test_another_version_is_said(tmp_path: Path, capsys: Capsys) -> None:
    """A difference may be an improvement of ours."""
    place = recorded(capsys, moving(tmp_path))
    rewritten(place, lambda recording: evolve(recording, movsdk="0.0.9"))

    assert call(capsys, "replay", place).out.startswith("recorded with movsdk 0.0.9, played with ")


def test_a_file_of_many_is_one_recording(tmp_path: Path, capsys: Capsys) -> None:
    """A line each; one that differs is enough for status 1."""
    place = recorded(capsys, vector(tmp_path, plain(name="a"), plain(name="b")))

    assert call(capsys, "replay", place).out.splitlines() == [f"{name}, rules v9: identical: 1 event" for name in "ab"]
    rewritten(place, lambda recording: evolve(recording, runs=(evolve(recording.runs[0], events=[]), recording.runs[1])))
    assert call(capsys, "replay", place).status == 1


def test_the_scenario_comes_out_again(tmp_path: Path, capsys: Capsys) -> None:
    """To try other rules with it: what run says of it is what it said of the first."""
    scenario = moving(tmp_path)
    place = recorded(capsys, scenario)

    printed = call(capsys, "replay", place, "--scenario").out
    (tmp_path / "again.yaml").write_text(printed)

    assert printed.startswith("# recorded with --rules v9 --faults raise\n")
    assert call(capsys, "run", tmp_path / "again.yaml").out == call(capsys, "run", scenario).out


# --- files -------------------------------------------------------------------------------------------------
def test_nothing_is_written_where_nothing_was_played(tmp_path: Path, capsys: Capsys) -> None:
    """Bad input leaves the old recording as it was, byte for byte, and no other file."""
    place = recorded(capsys, moving(tmp_path))
    before, files = place.read_bytes(), sorted(os.listdir(tmp_path))

    called = call(capsys, "run", moving(tmp_path, "mine.py:Unmade"), "--record", place)

    assert called.status == 2
    assert place.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == files


def test_a_bad_place_is_refused_before_playing(tmp_path: Path, capsys: Capsys) -> None:
    """A folder, the scenario itself, the file that --json names."""
    path = moving(tmp_path)
    tries: dict[str, list[str | Path]] = {
        "is a folder": ["--record", tmp_path],
        "is the scenario itself; choose another place for --record": ["--record", path],
        "is named by --json too": ["--record", tmp_path / "x", "--json", tmp_path / "x"],
    }
    for message, words in tries.items():
        called = call(capsys, "run", path, *words)
        assert (called.status, called.out) == (2, "")
        assert message in called.err
    assert not (tmp_path / "x").exists()


def test_run_and_replay_know_each_others_files(tmp_path: Path, capsys: Capsys) -> None:
    """The one that takes it is named."""
    place = recorded(capsys, moving(tmp_path))

    wrong = call(capsys, "run", place)
    other = call(capsys, "replay", tmp_path / "moving.yaml")

    assert (wrong.status, other.status) == (2, 2)
    assert "this is a recording; play it again with `movsdk replay`" in wrong.err
    assert "is no recording" in other.err
    assert call(capsys, "replay", tmp_path / "none.rec").err.endswith("none.rec: cannot be read: No such file or directory\n")


def test_two_processes_write_the_same_file(tmp_path: Path) -> None:
    """Nothing depends on the order of a set, on the time, or on where we stand."""
    moving(tmp_path, "mine.py:Raises")
    for number in "12":
        words = [
            sys.executable,
            "-m",
            "movsdk",
            "run",
            str(tmp_path / "moving.yaml"),
            "--record",
            str(tmp_path / f"{number}.rec"),
        ]
        folder = tmp_path if number == "1" else tmp_path.parent
        subprocess.run(words, cwd=folder, env=os.environ | {"PYTHONHASHSEED": number}, capture_output=True, check=False)

    assert (tmp_path / "1.rec").read_text() == (tmp_path / "2.rec").read_text()


# --- the race ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("variant", "told"),
    [("mainline", "identical: schedule 6b18#6d0177"), ("v9", "identical: proved in 2 runs")],
)
def test_a_race_is_the_same_again(variant: str, told: str, tmp_path: Path, capsys: Capsys) -> None:
    """The order that failed is played; where none fails, all are tried again."""
    assert call(capsys, "race", "--variant", variant, "--record", tmp_path / "r.rec").status == 0

    called = call(capsys, "replay", tmp_path / "r.rec")

    assert (called.status, called.out) == (0, f"race, {variant}, 2 drivers, 1 bridge: {told}\n")


def test_a_race_that_went_otherwise_is_a_difference(tmp_path: Path, capsys: Capsys) -> None:
    """Another kernel model: the recorded order is none of its orders, or leads elsewhere."""
    place = tmp_path / "r.rec"
    call(capsys, "race", "--record", place)

    for changed in ({"scenario": {"variant": "v9"}}, {"outcome": None}):
        call(capsys, "race", "--record", place)
        race = read(place).race
        assert race is not None
        outcome = {**race.outcome, "failure": "no abort"} if "outcome" in changed else race.outcome
        new = evolve(race, scenario={**race.scenario, **(changed.get("scenario") or {})}, outcome=outcome)
        place.write_text(write_text(evolve(read(place), race=new), place))
        called = call(capsys, "replay", place)
        assert called.status == 1
        assert "differs: " in called.out


def test_one_race_is_recorded(tmp_path: Path, capsys: Capsys) -> None:
    """Neither the table nor all of the disable side; and a scenario that is none is refused."""
    for words in (["--all"], ["--script"], ["--disable"]):
        called = call(capsys, "race", *words, "--record", tmp_path / "r.rec")
        assert called.status == 2
        assert "--record" in called.err
    call(capsys, "race", "--variant", "v9", "--record", tmp_path / "r.rec")
    (tmp_path / "r.rec").write_text(write_text(Recording(race=Race({"variant": []}, 1, True, {})), tmp_path / "r.rec"))
    assert "race: scenario {'variant': []} is none that this version knows" in call(capsys, "replay", tmp_path / "r.rec").err
