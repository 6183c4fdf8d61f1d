"""``movsdk agree FILE...``: plays golden vectors of real kernels and counts how many agree in full. Shows nothing else."""

from __future__ import annotations

import argparse

from movsdk.bench.differences import differences
from movsdk.bench.player import Player
from movsdk.bench.scenario import NamedScenario
from movsdk.bench.scenario_file import load
from movsdk.cli.failure import describe
from movsdk.errors import BadInput, MovError
from movsdk.report.map_lines import agreement
from movsdk.report.terminal import Terminal
from movsdk.rescan.rules import by_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="vectors with `expect` and `rules`: .jsonl or .jsonl.gz")


def run(options: argparse.Namespace) -> int:
    """Read every file, play every vector, print a line for each that differs, and the table."""
    files = [load(file) for file in options.files]
    for cases in files:
        for case in cases:
            _check(case)
    terminal = Terminal()
    counts: dict[tuple[str, str], list[int]] = {}
    for case in (case for cases in files for case in cases):
        first = _first_difference(case)
        row = counts.setdefault((str(case.extra.get("kernel", "?")), str(case.rules)), [0, 0])
        row[first is not None] += 1
        if first is not None:
            terminal.say(f"{case.name} [{case.rules}] {first}", "red")
    terminal.show(agreement(counts))
    return 1 if any(differ for _, differ in counts.values()) else 0


def _check(case: NamedScenario) -> None:
    if case.expect is None or case.rules is None:
        raise BadInput(f"{case.place}: {case.name} has no `expect` or no `rules`; `movsdk run` plays it")


def _first_difference(case: NamedScenario) -> str | None:
    try:
        ours = [outcome.as_expected() for outcome in Player(case.scenario, by_name(str(case.rules))).play()]
    except MovError as error:
        return describe(error)
    return next(differences(ours, case.expect), None)
