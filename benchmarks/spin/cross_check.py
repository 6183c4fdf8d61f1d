"""Does SPIN agree? The verdict of `movsdk race` beside that of a Promela model, for the whole table and a few larger scenarios.

Run ``python benchmarks/spin/cross_check.py``. Needs spin and gcc (Debian packages of these names); without them it says so and
ends with status 0. Status 1: a verdict differs. A failure that SPIN finds where our search ended early is no difference: "open".
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import frozen
from promela import Promela

from movsdk.bench.enable_race import RaceResult, race
from movsdk.bench.race_scenario import RaceScenario
from movsdk.bench.race_table import DISABLE_SIDE, ENABLE_SIDE, TOLD
from movsdk.explore.runner import Budget

RUNS = 10_000
LARGER = (
    RaceScenario("v9", drivers=4, bridges=2),
    RaceScenario("v9", drivers=4, bridges=2, slots=2),
    RaceScenario("v9+reenable", bridges=3, port_driver=True),
    RaceScenario("all-writers", bridges=3, port_driver=True),
)


@frozen
class Spun:
    """What pan said: states stored, and errors found."""

    errors: int
    states: int

    @property
    def verdict(self) -> str:
        """In our words."""
        return "failed" if self.errors else "proved"


def spin(scenario: RaceScenario) -> Spun:
    """Verify the Promela model of a scenario, past its first error."""
    with TemporaryDirectory(prefix="movsdk-spin-") as folder:
        (Path(folder) / "race.pml").write_text(Promela(scenario).text())
        _call(folder, "spin", "-a", "race.pml")
        _call(folder, "gcc", "-O1", "-w", "-DSAFETY", "-o", "pan", "pan.c")
        printed = _call(folder, "./pan", "-m1000000", "-e", "-c0")
    errors, states = re.search(r"errors: (\d+)", printed), re.search(r"(\d+) states, stored", printed)
    if errors is None or states is None or "max search depth too small" in printed:
        raise SystemExit(f"{scenario}: pan did not finish:\n{printed}")
    return Spun(int(errors[1]), int(states[1]))


def _call(folder: str, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def scenarios() -> Iterator[RaceScenario]:
    """All that are compared."""
    for scenario in (*ENABLE_SIDE, *DISABLE_SIDE):
        for variant in TOLD:
            yield scenario.under(variant)
    yield from LARGER


def compare(ours: RaceResult, theirs: Spun) -> str:
    """Empty if they agree; what to say otherwise."""
    if ours.result.verdict == theirs.verdict:
        return ""
    return "open" if ours.result.verdict == "bounded" else "DIFFERS"


def main() -> int:
    """Compare and print a line each."""
    missing = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]
    if missing:
        print(f"skipped: {' and '.join(missing)} not found; apt-get install spin gcc")
        return 0
    counts = {"": 0, "open": 0, "DIFFERS": 0}
    print(f"{'variant':<13}{'scenario':<36}{'movsdk race':<18}{'spin':<10}{'states':>8}")
    for scenario in scenarios():
        ours, theirs = race(scenario, budget=Budget(runs=RUNS), shorten=False), spin(scenario)
        said = compare(ours, theirs)
        counts[said] += 1
        found = f"{ours.result.verdict} {ours.result.runs}"
        print(
            f"{scenario.variant:<13}{scenario!s:<36}{found:<18}{theirs.verdict:<10}{theirs.states:>8} {said}".rstrip(), flush=True
        )
    print(f"{counts['']} agree, {counts['open']} open (bounded here), {counts['DIFFERS']} differ")
    return 1 if counts["DIFFERS"] else 0


if __name__ == "__main__":
    sys.exit(main())
