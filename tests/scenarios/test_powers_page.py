"""The page of powers: every cell of it can be done, and does what its row says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from drivers.gpu.driver import Gpu
from drivers.gpu.model import GpuModel
from movsdk import Bench
from movsdk.bench.player import Player
from movsdk.bench.scenario_schema import parse
from movsdk.rescan.report import RescanReport
from movsdk.rescan.rules import by_name
from movsdk.testing.conformance.trials import TRIALS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "powers.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text().splitlines()
    if line.startswith("| ") and "`bench" in line
]
Reports = list[RescanReport]


def _bars(reports: Reports, label: str) -> list[list[int]]:
    return [sorted(move.bar for move in report.moves if move.device == label) for report in reports if report.moves]


def _halved(reports: Reports, label: str) -> bool:
    (move,) = [move for move in reports[-1].moves if (move.device, move.bar) == (label, 2)]
    return move.new is not None and move.old.size == 2 * move.new.size


def _is_second(reports: Reports, label: str) -> bool:
    return reports[-1].paused.index(label) == 1


def _pauses(reports: Reports, label: str) -> int:
    return sum(report.paused.count(label) for report in reports)


CHECKS: dict[str, Callable[[Reports, str], bool]] = {
    "one BAR moves": lambda reports, label: _bars(reports, label) == [[2]],
    "these BARs move together": lambda reports, label: _bars(reports, label) == [[0, 2]],
    "all that may move does": lambda reports, label: _bars(reports, label) == [[0, 2]],
    "every subset of its BARs, one after the other": lambda reports, label: len({*map(tuple, _bars(reports, label))}) >= 3,
    "paused and resumed at the same place": lambda reports, label: not _bars(reports, label) and _pauses(reports, label) == 1,
    "a BAR comes back with half its size": _halved,
    "a BAR finds no place": lambda reports, label: [move.bar for move in reports[-1].lost] == [2],
    "two cards of one driver, in another order": _is_second,
    "two functions of one card, in another order": _is_second,
    "a second rescan, at once": lambda reports, label: _pauses(reports, label) == 2,
    "a second rescan, asked for during the first": lambda reports, label: _pauses(reports, label) == 2,
}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_it_can_be_done_in_a_test(row: list[str]) -> None:
    """The cell is Python for a `bench` with two cards, `dev` and `other`."""
    bench = Bench(strict=False)
    if "functions" in row[0]:
        dev, other = bench.plug_functions((Gpu, GpuModel()), (Gpu, GpuModel()))
    else:
        dev, other = bench.plug(Gpu, GpuModel()), bench.plug(Gpu, GpuModel())
    since = len(bench.reports)

    exec(row[1].strip("`"), {"bench": bench, "dev": dev, "other": other})

    _judge(row[0], bench.reports[since:], "gpu0")


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_it_can_be_done_in_a_scenario(row: list[str]) -> None:
    """The cell is one event, or several, of a scenario with two cards, `card` and `card2`."""
    told = [yaml.safe_load(cell) for cell in re.findall(r"`(\{.*?\})`", row[2])]
    if "as above" in row[2]:
        told = [{"op": "force", "id": "card", "bars": bars} for bars in ([0], [2], [0, 2])]
    outcomes = list(Player(parse(_machine(told, "functions" in row[0]), "powers"), by_name("v9")).play())

    assert [outcome.report.rc for outcome in outcomes] == [0] * (len(told) + 1)
    _judge(row[0], [outcome.report for outcome in outcomes[1:]], "card")


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_kit_does_it(row: list[str]) -> None:
    """The cell is the name of a story."""
    assert row[3] in {trial.name for trial in TRIALS}


def _judge(what: str, reports: Reports, label: str) -> None:
    if what in CHECKS:
        assert CHECKS[what](reports, label), [str(move) for report in reports for move in report.moves]


def _machine(events: list[dict[str, Any]], is_one_card: bool) -> dict[str, Any]:
    def gpu(name: str, number: int) -> dict[str, Any]:
        place = {"on": "port1", "slot": f"00.{number - 1}"} if is_one_card else {"on": f"port{number}", "slot": "00.0"}
        return {"id": name, **place, "model": "gpu", "driver": "gpu"}

    return {
        "format": 1,
        "windows": [
            {"type": "mem", "start": 0x8000_0000, "last": 0xBFFF_FFFF},
            {"type": "pref64", "start": 0x40_0000_0000, "last": 0x41_FFFF_FFFF},
        ],
        "devices": [
            {"id": "port1", "slot": "01.0", "kind": "bridge", "hotplug": True},
            {"id": "port2", "slot": "02.0", "kind": "bridge", "hotplug": True},
            gpu("card", 1),
            gpu("card2", 2),
        ],
        "events": [{"op": "boot"}, *events],
    }
