"""``movsdk run FILE``, or the name of a scenario of the gallery: plays scenarios and says what happened.

Twin: a boot of the machine and a reader of its log. Compares and writes; knows no rule and no register.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from attrs import define, evolve, field

from movsdk.bench import gallery
from movsdk.bench.file_out import check_writable, write_whole
from movsdk.bench.player import Outcome
from movsdk.bench.recording import Recording
from movsdk.bench.recording_file import write_text
from movsdk.bench.scenario import NamedScenario
from movsdk.bench.scenario_file import load
from movsdk.cli.expectation import Expectation, read_expectation
from movsdk.cli.notes import Notes
from movsdk.cli.played import Played, play
from movsdk.errors import BadInput
from movsdk.report import text
from movsdk.report.line import Line, cut
from movsdk.report.map_lines import address_map, one_map
from movsdk.report.terminal import Terminal
from movsdk.rescan.rules import by_name
from movsdk.rescan.series import patch

DEFAULT_RULES = "v9"
_MANY = 3  # more scenarios than this get a line each
_MOST_DIFFERENCES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a scenario (YAML, JSON), or many (.jsonl), perhaps gzipped; or the name of one that `movsdk gallery` lists",
    )
    parser.add_argument("--rules", help="kernel version: v9, v5, v2 or off (default: what the file says, else v9)")
    parser.add_argument(
        "--without",
        metavar="N",
        type=int,
        action="append",
        help="take patch N of the series out (see `movsdk series`); again for more",
    )
    parser.add_argument(
        "--cmdline", metavar="LINE", help="kernel command line, such as 'pci=hpmemsize=64M'; instead of the file's"
    )
    parser.add_argument(
        "--expect",
        metavar="DUMP_OR_VECTOR",
        help="compare with a dump (folder, archive or file), or with recorded vectors of the same names",
    )
    parser.add_argument("--root", metavar="DOMAIN:BUS", help="with --expect: the root bus of the dump, where there are several")
    parser.add_argument(
        "--json", metavar="OUT", help="write what happened to every scenario, a line each, in the form of the golden vectors"
    )
    parser.add_argument(
        "--record", metavar="OUT", help="write all that `movsdk replay OUT` needs to play this run again; for a bug report"
    )
    parser.add_argument("--log", action="store_true", help="print the kernel log of every event")
    parser.add_argument(
        "--faults",
        choices=("raise", "hardware"),
        default="raise",
        help="a bad register access raises in the driver (default), or goes on as on hardware",
    )
    parser.add_argument("--only", metavar="NAME", action="append", help="of many scenarios this one; may be given again")


def _expectation(options: argparse.Namespace) -> Expectation | None:
    if options.root is not None and not options.expect:
        raise BadInput(f"--root {options.root} chooses a root bus of the dump that --expect names; give both")
    return read_expectation(options.expect, options.root) if options.expect else None


def run(options: argparse.Namespace) -> int:
    """Check everything that can be checked, then play, print, compare, write."""
    options.file = gallery.file_of(options.file)
    cases = _chosen(load(options.file), options)
    rules = [_rules(case, options) for case in cases]
    expected = _expectation(options)
    for case, name in zip(cases, rules, strict=True):
        if expected is not None:
            expected.check(case.name, name)
    for option in ("json", "record"):
        _check_output(getattr(options, option), option, options)
    terminal = _Patient() if options.record or options.json else Terminal()
    session = _Session(terminal, expected, with_log=options.log, is_full=len(cases) <= _MANY)
    runs = []
    for case, name in zip(cases, rules, strict=True):
        notes = Notes(case, name, options.faults) if options.record else None
        session.play(case, name, options.faults, notes)
        runs += [notes.run] if notes is not None else []
    if options.record:
        write_whole(options.record, write_text(Recording(tuple(runs)), options.record))
    if options.json:
        write_whole(options.json, "".join(session.lines))
    if not session.is_full:
        session.sum_up()
    if isinstance(terminal, _Patient) and terminal.is_alone:
        raise BrokenPipeError
    return 1 if session.broken or session.differing else 0


def _check_output(place: str | None, option: str, options: argparse.Namespace) -> None:
    """Refuse before playing what could not be written afterwards."""
    if not place:
        return
    check_writable(place)
    if Path(place).exists() and Path(place).samefile(options.file):
        raise BadInput(f"{place}: is the scenario itself; choose another place for --{option}")
    if option == "record" and options.json and Path(place).resolve() == Path(options.json).resolve():
        raise BadInput(f"{place}: is named by --json too; choose another place for --record")


def _chosen(cases: list[NamedScenario], options: argparse.Namespace) -> list[NamedScenario]:
    names = {case.name for case in cases}
    for name in options.only or ():
        if name not in names:
            near = get_close_matches(name, names, n=1)
            advice = f"did you mean {near[0]!r}?" if near else f"it has {len(names)} others"
            raise BadInput(f"{options.file}: holds no scenario named {name!r}; {advice}")
    return [_with_command_line(case, options) for case in cases if not options.only or case.name in options.only]


def _with_command_line(case: NamedScenario, options: argparse.Namespace) -> NamedScenario:
    """The option beats the file."""
    return case if options.cmdline is None else evolve(case, scenario=evolve(case.scenario, cmdline=options.cmdline))


def _rules(case: NamedScenario, options: argparse.Namespace) -> str:
    """The option beats the file, the file beats the default."""
    name = case.rules or DEFAULT_RULES if options.rules is None else options.rules
    if options.without:
        name += f" without {', '.join(map(str, options.without))}"
    return by_name(name).name


class _Patient(Terminal):
    """Prints no more once nobody reads (``| head``), but lets the run go on to the end: its file is wanted whole."""

    is_alone = False

    def show(self, lines: Iterable[Line]) -> None:
        """Print lines, as long as somebody reads them."""
        if self.is_alone:
            return
        try:
            super().show(lines)
        except BrokenPipeError:
            self.is_alone = True


@define(eq=False)
class _Session:
    """What is printed, and what a file's scenarios came to. `lines` are those of ``--json``."""

    terminal: Terminal
    expected: Expectation | None
    with_log: bool
    is_full: bool
    played: int = field(default=0, init=False)
    differing: int = field(default=0, init=False)
    broken: int = field(default=0, init=False)
    with_findings: int = field(default=0, init=False)
    findings: list[str] = field(factory=list, init=False)
    lines: list[str] = field(factory=list, init=False)

    def play(self, case: NamedScenario, rules: str, faults: str, notes: Notes | None = None) -> None:
        """Play one scenario and tell what happened; `notes` are what is written down for a replay."""
        if self.is_full or self.with_log:
            self._head(case, rules)
        played = play(case, rules, faults, self._warn, self._event, notes.add if notes is not None else None)
        if notes is not None:
            notes.stopped = played.stopped
        outcomes = played.outcomes
        wrong: list[str] = []
        if self.expected is not None and not played.stopped:
            wrong = self.expected.differences(case.name, rules, outcomes)
        self.played += 1
        self.differing += bool(wrong)
        self.broken += bool(played.broken)
        self.with_findings += bool(played.findings)
        self.findings += played.findings
        self.lines.append(json.dumps(played.as_json()) + "\n")
        if self.is_full:
            self._end(outcomes)
            self._verdict(played, wrong)
        elif played.broken or wrong or played.findings:
            told = {"broken contract": played.broken, "difference": wrong, "finding": played.findings}
            self.terminal.show([text.summary_line(case.name, rules, told)])

    def sum_up(self) -> None:
        """The last lines of many scenarios."""
        parts = [
            f"{text.count(self.played, 'scenario')} played",
            f"{self.with_findings} with {text.count(len(self.findings), 'finding')}",
            f"{self.broken} with a broken contract",
        ]
        if self.expected is not None:
            parts.append(f"{self.differing} differ from {self.expected.name}")
        self.terminal.say(", ".join(parts), "bold")
        if self.findings:
            self.terminal.say(f"findings: {text.promises(self.findings)}")

    def _head(self, case: NamedScenario, rules: str) -> None:
        kernel = by_name(rules)
        self.terminal.title(f"{case.name}, rules {rules}: {kernel.about}")
        parts = map(patch, kernel.without)
        self.terminal.show(
            Line(f"without {each.number}: {each.breaks}{each.alone.removeprefix('yes')}", "yellow") for each in parts
        )
        self.terminal.show(Line(f"inferred: {fact}", "dim") for fact in kernel.inferred)
        for line in case.scenario.about.splitlines():
            self.terminal.say(line)

    def _warn(self, warnings: Sequence[str]) -> None:
        if self.is_full or self.with_log:
            self.terminal.show(Line(f"warning: {warning}", "yellow") for warning in warnings)

    def _event(self, outcome: Outcome) -> None:
        if not (self.is_full or self.with_log):
            return
        self.terminal.say()
        self.terminal.say(_title(outcome), "bold")
        if self.with_log:
            self.terminal.show(text.log_lines(outcome.report))
        if self.is_full:
            self.terminal.show(event_lines(outcome))

    def _end(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        first, last = outcomes[0], outcomes[-1]
        titles = (f"after {_title(first)}", f"after {_title(last)}")
        self.terminal.say("\ntopology", "bold")
        self.terminal.show(text.topology(last.state))
        self.terminal.say("\naddress map", "bold")
        if first is last:
            self.terminal.show(one_map(last.state, titles[1]))
        else:
            self.terminal.show(address_map(first.state, last.state, titles, self.terminal.width))

    def _verdict(self, played: Played, wrong: list[str]) -> None:
        self.terminal.say()
        if played.stopped:
            self.terminal.say(f"contract broken, played no further: {played.stopped}", "red")
        elif played.broken:
            self.terminal.say(f"contract broken, see above: {len(played.broken)} in all", "red")
        self.terminal.show(cut([Line(f"differs: {line}", "red") for line in wrong], _MOST_DIFFERENCES, "differences"))
        if self.expected is not None and not wrong and not played.stopped:
            self.terminal.say(f"equals {self.expected.name}", "green")


def event_lines(outcome: Outcome) -> list[Line]:
    """What one event did."""
    return text.event_lines(
        outcome.report,
        outcome.state,
        outcome.hooks,
        outcome.findings,
        io=outcome.io,
        faults=outcome.faults,
        reported=outcome.breaches.reported,
        broken=outcome.breaches.broken,
    )


def _title(outcome: Outcome) -> str:
    return f"{outcome.op} {outcome.id or ''}".rstrip()
