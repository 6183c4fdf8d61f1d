"""``movsdk race``: verdicts as text and as JSON, replay, the table, and options that make no sense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from movsdk.bench import lifecycle_table
from movsdk.bench.race_scenario import DISABLES
from movsdk.bench.race_table import DISABLE_SIDE, ENABLE_SIDE, TOLD
from tests.cli.calls import call

KEYS = ["variant", "drivers", "bridges", "port_driver", "verdict", "runs", "first_bug", "schedule"]
Capsys = pytest.CaptureFixture[str]


def objects(capsys: Capsys, *words: str) -> list[dict[str, Any]]:
    """The JSON lines of ``movsdk race --json WORDS``."""
    done = call(capsys, "race", "--json", *words)
    assert (done.status, done.err) == (0, "")
    return [json.loads(text) for text in done.out.splitlines()]


def test_a_found_race_is_an_answer(capsys: Capsys) -> None:
    """Exit status 0; the story names the access that is lost, and the line that replays it."""
    done = call(capsys, "race")

    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("mainline, 2 drivers, 1 bridge: failed at run 14 of 14 runs\n")
    assert "CPU0 probe nvme0 (a)" in done.out
    assert "=> master abort: nvme1 (0000:01:02.0): readl of BAR 0 + 0x0" in done.out
    assert "nvme1 readl BAR 0 + 0x0  <-- FAIL" in done.out
    assert done.out.endswith("replay: movsdk race --variant mainline --drivers 2 --bridges 1 --replay 6b18#6d0177\n")


def test_a_proof_is_said_in_words(capsys: Capsys) -> None:
    """What was tried, and in how many runs."""
    done = call(capsys, "race", "--variant", "v9", "--bridges", "3")

    words = "proved in 2 runs: every order of their operations was tried, and none fails"
    assert (done.status, done.out) == (0, f"v9, 2 drivers, 3 bridges: {words}\n")


def test_a_budget_that_ends_is_said_too(capsys: Capsys) -> None:
    """Not every order was tried, and nothing was found: neither proof nor failure."""
    done = call(capsys, "race", "--runs", "5")

    assert done.out == (
        "mainline, 2 drivers, 1 bridge: bounded in 5 runs: no failure so far; not all orders were tried "
        "(the budget ended after 5 runs)\n"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["mainline", 2, 1, False, "failed", 14, 14, "6b18#6d0177"]),
        (["--variant", "v9", "--drivers", "3", "--bridges", "2"], ["v9", 3, 2, False, "proved", 6, None, None]),
        (["--variant", "v5", "--drivers", "1", "--port-driver"], ["v5", 1, 1, True, "failed", 65, 65, "1b4a25b28a28#cc0767"]),
        (["--variant", "v5", "--drivers", "1", "--port-driver", "--runs", "9"], ["v5", 1, 1, True, "bounded", 9, None, None]),
    ],
)
def test_json(words: list[str], expected: list[object], capsys: Capsys) -> None:
    """One object, with these keys in this order."""
    (found,) = objects(capsys, *words)

    assert list(found) == KEYS
    assert list(found.values()) == expected


def test_the_count_goes_on_after_the_first_failure(capsys: Capsys) -> None:
    """How many orders there are, and how many of them fail."""
    done = call(capsys, "race", "--variant", "mutex-2017", "--count")

    assert done.out.startswith("mutex-2017, 2 drivers, 1 bridge: failed at run 2 of 14 runs; 8 fail\n")


def test_the_disable_side_of_one_variant(capsys: Capsys) -> None:
    """All of its races, each with its name; a story where one is asked for."""
    found = objects(capsys, "--variant", "v5", "--disable")

    assert [one["disable"] for one in found] == list(DISABLES)
    verdicts = {one["disable"]: one["verdict"] for one in found}
    assert [name for name, verdict in verdicts.items() if verdict == "proved"] == ["sibling-unbinds"]
    told = call(capsys, "race", "--variant", "v5", "--disable", "nested").out
    assert "=> DMA without bus mastering: no-bus-master: read of 4 bytes at dma 0x100000 by nvme0; held by nvme0" in told


@pytest.mark.parametrize(
    "words",
    [
        ["--variant", "mainline", "--drivers", "2", "--bridges", "1"],
        ["--variant", "v5", "--drivers", "1", "--bridges", "1", "--port-driver"],
        ["--variant", "v9", "--drivers", "2", "--bridges", "1", "--disable", "sysfs-off"],
    ],
    ids=" ".join,
)
def test_the_line_that_is_printed_replays(words: list[str], capsys: Capsys) -> None:
    """Copied from the output, it tells the same story."""
    first = call(capsys, "race", *words).out
    line = first.splitlines()[-1].removeprefix("replay: ")

    again = call(capsys, *line.split()[1:])

    assert again.status == 0
    assert again.out.splitlines()[0].endswith("failed at run 1 of 1 run")
    named = next(text for text in first.splitlines() if text.startswith("=> "))
    assert named in again.out
    assert again.out.splitlines()[-1] == first.splitlines()[-1]


def test_the_script(capsys: Capsys) -> None:
    """The same order without and with the mutex: a lost read, and a wait."""
    done = call(capsys, "race", "--script")

    mainline, v5, v9 = done.out.split("\n\n")
    assert "nvme1 readl BAR 0 + 0x0  <-- FAIL" in mainline
    assert "=> master abort: nvme1" in mainline
    for told in (v5, v9):
        assert "(lock br0.enable_mutex: waits)" in told
        assert told.rstrip().endswith("=> both drives work")


def test_the_script_of_one_variant(capsys: Capsys) -> None:
    """Bits before count: the script is harmless there; its race is another."""
    done = call(capsys, "race", "--script", "--variant", "all-writers")

    assert done.out.startswith("all-writers: CPU0 stops before it sets the bits of br0")
    assert len(done.out.split("\n\n")) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--variant", "v3"], "variant 'v3' is not known; there are mainline, v2, v5, v9, v9+reenable, mutex-2017"),
        (["--drivers", "0"], "0 drivers: the race is told for 1 to 8"),
        (["--drivers", "two"], "argument --drivers: invalid int value: 'two'"),
        (["--bridges", "-1"], "-1 bridges: the race is told for 1 to 8"),
        (["--runs", "0"], "--runs 0: there must be 1 or more"),
        (["--disable", "everything"], "disable 'everything' is not known; there are port-unbinds"),
        (["--disable", "nested", "--port-driver"], "leave out the port driver"),
        (["--disable", "--replay", "3c13#4e4aaf"], "--replay takes one race of the disable side"),
        (["--replay", "soon"], "'soon' is no schedule; one reads like 6b8a31#3f9c21"),
        (["--replay", "6b18#aaaaaa"], "is it of another race? this is mainline, 2 drivers, 1 bridge"),
        (["--all", "--variant", "v9"], "--all goes without --variant"),
        (["--script", "--json"], "--script goes without --json"),
        (["--results", "file"], "--results goes with --jobs"),
        (["--jobs", "0"], "--jobs 0: there must be 1 to 64"),
        (["--jobs", "2", "--all"], "--jobs goes without --all"),
        (["--lifecycle", "--results", "file"], "--lifecycle goes without --results"),
        (["--lifecycle", "--jobs", "0"], "--lifecycle goes without --jobs"),
        (["--script", "--runs", "3"], "--script goes without --runs"),
        (["--replay", "6b18#6d0177", "--count"], "--replay goes without --count"),
        (["--jobs", "2", "--results", "no/such/folder"], "--results no/such/folder: No such file or directory"),
        (["--jobs", "2", "--disable", "--results", "file"], "--results takes one race of the disable side"),
        (["--some"], "unrecognized arguments: --some"),
    ],
)
def test_bad_options(words: list[str], message: str, capsys: Capsys) -> None:
    """One line on stderr, nothing on stdout, exit status 2."""
    done = call(capsys, "race", *words)

    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("movsdk race: ")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_parts_come_to_the_same_on_any_number_of_processes(capsys: Capsys, tmp_path: Path) -> None:
    """And a file of parts, cut short, is completed to the same again."""
    results = tmp_path / "parts.jsonl"
    words = ("--variant", "v5", "--drivers", "1", "--port-driver", "--results", str(results), "--jobs")

    two = objects(capsys, *words, "2")
    whole = sorted(results.read_text().splitlines())
    results.write_text("\n".join(results.read_text().splitlines()[:5]))
    one = objects(capsys, *words, "1")

    assert one == two
    assert (one[0]["verdict"], one[0]["first_bug"] is not None) == ("failed", True)
    assert sorted(results.read_text().splitlines()) == whole


def test_the_table_as_json(capsys: Capsys) -> None:
    """A line for each scenario and variant, both sides (here with a small budget; docs/ has the whole table)."""
    found = objects(capsys, "--all", "--runs", "2")

    assert len(found) == (len(ENABLE_SIDE) + len(DISABLE_SIDE)) * len(TOLD)
    assert [one["variant"] for one in found[: len(TOLD)]] == list(TOLD)
    assert sum("disable" in one for one in found) == len(DISABLES) * len(TOLD)


def test_life_cycles_are_a_table_or_json(capsys: Capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row for each act, a cell for each driver; what belongs to the enable race is refused."""
    monkeypatch.setattr(lifecycle_table, "ACTS", ("second rescan",))
    done = call(capsys, "race", "--lifecycle", "--runs", "5")
    assert done.status == 0
    assert "second rescan         proved 2            proved 2" in done.out
    assert [found["driver"] for found in objects(capsys, "--lifecycle", "--runs", "5")] == ["nvme", "gpu"]
    assert call(capsys, "race", "--lifecycle", "--drivers", "2").status == 2
