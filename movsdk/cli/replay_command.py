"""``movsdk replay FILE``: plays a recorded run again, with this kernel model and these drivers, and compares everything.

Twin: `git bisect run` wants such a command: 0 the same, 1 something differs, 2 no such recording. Writes nothing.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from typing import Final

from movsdk import __version__
from movsdk.bench.differences import differences
from movsdk.bench.recording import Race, Recording, Run
from movsdk.bench.recording_file import read
from movsdk.bench.recording_race import race_differences, race_scenario
from movsdk.bench.recording_sources import changes
from movsdk.bench.scenario import NamedScenario
from movsdk.bench.scenario_text import dump_scenario
from movsdk.cli.notes import Notes
from movsdk.cli.played import play
from movsdk.errors import BadInput
from movsdk.report import text
from movsdk.report.line import Line, cut
from movsdk.report.terminal import Terminal
from movsdk.rescan.rules import by_name

_MOST: Final = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", metavar="FILE", help="what `movsdk run SCENARIO --record FILE` wrote")
    parser.add_argument("--drivers", metavar="DIR", help="where its own drivers lie, if not where they lay beside the recording")
    parser.add_argument("--all", action="store_true", help=f"up to {_MOST} differences, not only the first")
    parser.add_argument("--scenario", action="store_true", help="print the recorded scenario, for `movsdk run`, and play nothing")


def run(options: argparse.Namespace) -> int:
    """Read, play, compare; 0 if everything is as it was."""
    recording = read(options.file, options.drivers)
    if options.scenario:
        return _print_scenario(recording, options.file)
    terminal = Terminal()
    if recording.movsdk != __version__:
        terminal.say(f"recorded with movsdk {recording.movsdk}, played with {__version__}", "yellow")
    differing = 0
    for one in recording.runs:
        now = _play_again(one, options.file)
        terminal.show(Line(f"{one.name}: {change}", "yellow") for change in changes(one.sources, now.sources))
        found = list(_compare(now, one))
        differing += bool(found)
        lines = [Line(f"{one.name}, rules {one.rules}: differs: {line}", "red") for line in found]
        terminal.show(cut(lines, _MOST, "differences") if options.all else lines[:1])
        if len(found) > 1 and not options.all:
            terminal.say(f"{text.count(len(found) - 1, 'difference')} more; --all shows them")
        if not found:
            terminal.say(f"{one.name}, rules {one.rules}: identical: {text.count(len(one.events), 'event')}", "green", indent=0)
    if recording.race is not None:
        differing += _replay_race(recording.race, options.file, terminal)
    return 1 if differing else 0


def _replay_race(recorded: Race, file: str, terminal: Terminal) -> int:
    try:
        scenario = race_scenario(recorded)
        found = next(race_differences(recorded), None)
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from error
    if found is not None:
        terminal.say(f"race, {scenario.variant}, {scenario}: differs: {found}", "red")
        return 1
    outcome = recorded.outcome
    schedule = outcome.get("schedule")
    told = f"schedule {schedule}" if schedule else f"{outcome.get('verdict')} in {outcome.get('runs')} runs"
    terminal.say(f"race, {scenario.variant}, {scenario}: identical: {told}", "green", indent=0)
    return 0


def _print_scenario(recording: Recording, file: str) -> int:
    if len(recording.runs) != 1:
        raise BadInput(f"{file}: --scenario prints one scenario; this recording holds {len(recording.runs)}")
    (one,) = recording.runs
    print(f"# recorded with --rules {shlex.quote(one.rules)} --faults {one.faults}")
    print(dump_scenario(one.scenario), end="")
    return 0


def _play_again(recorded: Run, file: str) -> Run:
    rules = by_name(recorded.rules).name
    case = NamedScenario(recorded.name, rules, recorded.scenario, None, file)
    notes = Notes(case, rules, recorded.faults)
    played = play(case, rules, recorded.faults, lambda _: None, lambda _: None, notes.add)
    notes.stopped = played.stopped
    return notes.run


def _compare(now: Run, before: Run) -> Iterator[str]:
    """By event and field, in the order of the events."""
    yield from differences(now.events, before.events)
    if now.stopped != before.stopped:
        yield f"end: ours {now.stopped or 'played to its end'}, recorded {before.stopped or 'played to its end'}"
