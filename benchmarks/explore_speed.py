"""How fast the explorer is: schedules per CPU second on the enable race, beside `frontrun`; the six-actor life cycle, exhausted.

``python benchmarks/explore_speed.py [--frontrun DIR]``: DIR is the ``bin`` of an environment that has frontrun (``python -m venv
v; v/bin/pip install frontrun``). Both are measured in turns in one run of this script: take the ratio, not the numbers. Without
frontrun it says so.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from movsdk.explore import Result, World, explore
from tests.explore.enable_race import EnableRace
from tests.explore.life_cycle import LifeCycle

HERE = Path(__file__).resolve().parent
TURNS, THEIRS = 3, 300


def best(program: EnableRace | LifeCycle, times: int) -> Result:
    """The whole space, `times` over; the run that took least."""
    return min((explore(program, stop=False, shorten=False) for _ in range(times)), key=lambda result: result.seconds)


def speed(result: Result) -> float:
    return result.runs / result.seconds


def frontrun(folder: str) -> float:
    """Schedules a CPU second of frontrun."""
    command = [f"{folder}/frontrun", f"{folder}/python", str(HERE / "explore_frontrun.py"), str(THEIRS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    count, seconds = done.stdout.split("\n")[-2].split()
    return int(count) / float(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frontrun", metavar="DIR")
    given = parser.parse_args()
    found = shutil.which("frontrun")
    folder = given.frontrun or (str(Path(found).parent) if found else None)
    race = EnableRace(dma=False)
    ours, theirs = [], []
    for _ in range(TURNS):
        ours.append(speed(best(race, 20)))
        if folder:
            theirs.append(frontrun(folder))
    print(f"enable race, 2 drivers, 1 bridge: {max(ours):.0f} schedules a CPU second")
    if theirs:
        print(f"  frontrun: {max(theirs):.0f}; ratio {max(ours) / max(theirs):.0f}, worst turn {min(ours) / max(theirs):.0f}")
    else:
        print("  frontrun is not here: no ratio")
    for program, text in ((EnableRace(bridges=2), "enable race, 2 bridges"), (LifeCycle(), "life cycle, six actors")):
        result = best(program, 2)
        print(
            f"{text}: {result.verdict}, {result.runs} runs ({result.redundant} redundant), "
            f"{result.seconds:.2f} CPU seconds, {speed(result):.0f} runs a CPU second"
        )
    print(f"nothing to explore: {best_of_nothing():.1f} us a run")


def best_of_nothing() -> float:
    """Microseconds for a run of one task that announces nothing: what a world costs."""

    def program(world: World) -> None:
        world.spawn("task", lambda: None)

    return min(explore(program).seconds for _ in range(200)) * 1e6 / 2


if __name__ == "__main__":
    main()
