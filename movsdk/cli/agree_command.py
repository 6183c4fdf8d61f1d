"""``movsdk agree FILE...``: plays golden vectors of real kernels and counts how many agree in full."""

from __future__ import annotations

import argparse
import json

from movsdk.bench.differences import differences
from movsdk.bench.player import Player
from movsdk.bench.scenario_file import load
from movsdk.errors import BadInput
from movsdk.report import text
from movsdk.rescan.rules import by_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="vectors with `expect`: .jsonl or .jsonl.gz")


def run(options: argparse.Namespace) -> int:
    """Play every vector, print a line for each that differs, and the table."""
    console = text.console()
    counts: dict[tuple[str, str], list[int]] = {}
    for file in options.files:
        for case in load(file):
            if case.expect is None or case.rules is None:
                raise BadInput(f"{case.place}: {case.name} has no `expect` or no `rules`; `movsdk run` plays it")
            ours = [outcome.as_expected() for outcome in Player(case.scenario, by_name(case.rules)).play()]
            first = next(differences(json.loads(json.dumps(ours)), case.expect), None)
            row = counts.setdefault((str(case.extra.get("kernel", "?")), case.rules), [0, 0])
            row[first is not None] += 1
            if first is not None:
                console.print(f"{case.name} [{case.rules}] {first}", markup=False, soft_wrap=True)
    console.print(text.agreement(counts))
    return 1 if any(differ for _, differ in counts.values()) else 0
