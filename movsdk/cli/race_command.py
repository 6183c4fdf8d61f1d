"""``movsdk race``: the enable race, explored. A race that is found is an answer, so the exit status is 0 all the same."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

from movsdk.bench import lifecycle_table, race_table
from movsdk.bench.enable_race import RaceResult, race, race_in_parts, replay_race
from movsdk.bench.file_out import check_writable, write_whole
from movsdk.bench.race_scenario import DISABLES, RaceScenario
from movsdk.bench.race_script import tell
from movsdk.bench.recording import Recording
from movsdk.bench.recording_file import write_text
from movsdk.bench.recording_race import record_race
from movsdk.errors import BadInput
from movsdk.explore.record import Drift
from movsdk.explore.runner import Budget
from movsdk.kernel.enable import VARIANTS
from movsdk.report.progress import progress_bar

RUNS: Final = 20_000
TABLE_RUNS: Final = 999
_SHAPES: Final = ("variant", "drivers", "bridges", "port_driver", "disable")
_ENABLE_ONLY: Final = (*_SHAPES, "all", "script", "replay", "record", "count", "jobs", "results")
EVERY: Final = "every"
MOST_JOBS: Final = 64
_ABOUT: Final = {
    "proved": "every order of their operations was tried, and none fails",
    "bounded": "no failure so far; not all orders were tried",
    "sampled": "this one order does not fail",
    "nondeterministic": "the same order did not do the same again; please report this",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--variant", metavar="V", help=f"the kernel: {', '.join(VARIANTS)} (default mainline)")
    parser.add_argument("--drivers", metavar="N", type=int, help="drives that are probed at once (default 2)")
    parser.add_argument("--bridges", metavar="N", type=int, help="nested bridges above them (default 1)")
    parser.add_argument("--port-driver", action="store_true", help="the driver of the last bridge is probed at the same time")
    parser.add_argument(
        "--disable",
        metavar="RACE",
        nargs="?",
        const=EVERY,
        help=f"the disable side: all of its races, or one of {', '.join(DISABLES)}",
    )
    parser.add_argument("--all", action="store_true", help="the table: every variant, both sides")
    parser.add_argument("--lifecycle", action="store_true", help="the table of life cycles: what may meet a rescan, nvme and gpu")
    parser.add_argument("--script", action="store_true", help="one order, written down beforehand: with and without the mutex")
    parser.add_argument("--replay", metavar="SCHEDULE", help="one order, as it was printed with a failure")
    parser.add_argument("--record", metavar="OUT", help="write what `movsdk replay OUT` needs to do this again")
    parser.add_argument("--count", action="store_true", help="go on after the first failure, and count all that fail")
    parser.add_argument(
        "--jobs", metavar="N", type=int, help="explore the whole in parts, on N processes; counts as --count does"
    )
    parser.add_argument("--results", metavar="FILE", help="with --jobs: a line a part; what is there already is not done again")
    parser.add_argument(
        "--runs", metavar="N", type=int, help=f"stop after so many runs (default {RUNS}; --all: {TABLE_RUNS}; --jobs: none)"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON object a line")


def run(options: argparse.Namespace) -> int:
    """Explore and print; returns 0 whenever there is an answer."""
    if options.runs is not None and options.runs < 1:
        raise BadInput(f"--runs {options.runs}: there must be 1 or more")
    if options.lifecycle:
        _refuse(options, "--lifecycle", *_ENABLE_ONLY)
        _print_life_cycles(options.runs or lifecycle_table.RUNS, as_json=options.json)
        return 0
    if options.record:
        check_writable(options.record)
    if options.results and options.jobs is None:
        raise BadInput("--results goes with --jobs")
    if options.jobs is not None:
        _refuse(options, "--jobs", "all", "script", "replay", "record")
        _print_parts(_scenarios(options), options)
    elif options.all:
        _refuse(options, "--all", "variant", "drivers", "bridges", "port_driver", "disable", "replay", "script", "record")
        _print_table(Budget(runs=options.runs or TABLE_RUNS), as_json=options.json)
    elif options.script:
        _refuse(options, "--script", *_SHAPES[1:], "replay", "json", "record", "count", "runs")
        _print_scripts([options.variant] if options.variant else ["mainline", "v5", "v9"])
    elif options.replay is not None:
        _refuse(options, "--replay", "count", "runs")
        _print_replay(_scenarios(options), options)
    else:
        scenarios = _scenarios(options)
        if options.record and len(scenarios) != 1:
            raise BadInput(f"--record takes one race of the disable side: --disable {' or '.join(DISABLES)}")
        for scenario in scenarios:
            found = race(scenario, budget=Budget(runs=options.runs or RUNS), stop=not options.count, shorten=len(scenarios) == 1)
            print(json.dumps(found.as_json()) if options.json else _told(found, in_full=len(scenarios) == 1))
            _record(found, options)
    return 0


def _record(found: RaceResult, options: argparse.Namespace) -> None:
    if options.record:
        recorded = record_race(found, options.runs or RUNS, stop=not options.count)
        write_whole(options.record, write_text(Recording(race=recorded), options.record))


def _refuse(options: argparse.Namespace, option: str, *others: str) -> None:
    for name in others:
        given = getattr(options, name)
        if given is not None and given is not False:
            raise BadInput(f"{option} goes without --{name.replace('_', '-')}")


def _scenarios(options: argparse.Namespace) -> list[RaceScenario]:
    shape = {name: getattr(options, name) for name in ("drivers", "bridges") if getattr(options, name) is not None}
    races = list(DISABLES) if options.disable == EVERY else [options.disable]
    variant = options.variant or "mainline"
    return [RaceScenario(variant, port_driver=options.port_driver, disable=name, **shape) for name in races]


def _told(found: RaceResult, *, in_full: bool) -> str:
    """The verdict in words, and the story of the failure with the line that replays it."""
    scenario, result = found.scenario, found.result
    runs = f"{result.runs} run{'s' * (result.runs > 1)}"
    if result.failure is None:
        text = f"{scenario.variant}, {scenario}: {result.verdict} in {runs}: {_ABOUT[result.verdict]}"
        return f"{text} ({result.note})" if result.note else text
    text = f"{scenario.variant}, {scenario}: failed at run {result.first_bug} of {runs}"
    if result.failing > 1:
        text += f"; {result.failing} fail"
    if not in_full:
        return f"{text}: {result.failure.name}; {_replay_line(scenario, str(result.schedule))}"
    return f"{text}\n\n{result.failure.timeline}\n\nreplay: {_replay_line(scenario, str(result.schedule))}"


def _replay_line(scenario: RaceScenario, schedule: str) -> str:
    port = " --port-driver" if scenario.port_driver else ""
    disable = f" --disable {scenario.disable}" if scenario.disable else ""
    shape = f"--drivers {scenario.drivers} --bridges {scenario.bridges}{port}{disable}"
    return f"movsdk race --variant {scenario.variant} {shape} --replay {schedule}"


def _print_replay(scenarios: list[RaceScenario], options: argparse.Namespace) -> None:
    if len(scenarios) != 1:
        raise BadInput(f"--replay takes one race of the disable side: --disable {' or '.join(DISABLES)}")
    try:
        found = replay_race(scenarios[0], options.replay)
    except Drift as drift:
        raise BadInput(f"{drift}; is it of another race? this is {scenarios[0].variant}, {scenarios[0]}") from drift
    print(json.dumps(found.as_json()) if options.json else _told(found, in_full=True))
    _record(found, options)


def _print_parts(scenarios: list[RaceScenario], options: argparse.Namespace) -> None:
    if not 1 <= options.jobs <= MOST_JOBS:
        raise BadInput(f"--jobs {options.jobs}: there must be 1 to {MOST_JOBS}")
    if options.results and len(scenarios) != 1:
        raise BadInput(f"--results takes one race of the disable side: --disable {' or '.join(DISABLES)}")
    results = Path(options.results) if options.results else None
    for scenario in scenarios:
        with progress_bar("parts") as progress:
            try:
                found = race_in_parts(scenario, options.jobs, results, progress, runs=options.runs)
            except OSError as error:
                raise BadInput(f"--results {options.results}: {error.strerror}") from error
        print(json.dumps(found.as_json()) if options.json else _told(found, in_full=len(scenarios) == 1))


def _print_scripts(variants: list[str]) -> None:
    for number, variant in enumerate(variants):
        story = tell(variant)
        print(f"{chr(10) * bool(number)}{variant}: CPU0 stops before it sets the bits of br0, CPU1 goes on as far as it can")
        print(story)


def _print_life_cycles(runs: int, *, as_json: bool) -> None:
    if not as_json:
        print(lifecycle_table.heading())
    for row in lifecycle_table.rows(runs):
        objects = (json.dumps(lifecycle_table.as_json(cycle, result)) for cycle, result in row)
        print("\n".join(objects) if as_json else lifecycle_table.line(row), flush=True)
    if not as_json:
        print(
            "\nbounded N: every schedule with one preemption at most, in N runs (N+: the runs ended first); proved N: every order"
        )


def _print_table(limit: Budget, *, as_json: bool) -> None:
    sides = {"probed at once": race_table.ENABLE_SIDE, "2 drivers, 1 bridge; disable side": race_table.DISABLE_SIDE}
    for number, (title, scenarios) in enumerate(sides.items()):
        if not as_json:
            print("\n" * bool(number) + race_table.heading(title))
        for row in race_table.rows(scenarios, limit):
            print("\n".join(json.dumps(found.as_json()) for found in row) if as_json else race_table.line(row), flush=True)
    if not as_json:
        print("\nproved N: every order that matters, in N runs; bug F/N: first bug at run F, N runs tried (+: more are left)")
