"""``movsdk run FILE``: plays scenarios and says what happened."""

from __future__ import annotations

import argparse
import json
from typing import Any

from attrs import define, field

from movsdk.bench.differences import differences, differences_from_dump
from movsdk.bench.file_out import write_whole
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import NamedScenario
from movsdk.bench.scenario_file import load
from movsdk.cli.expectation import Expectation, read_expectation
from movsdk.report import text
from movsdk.rescan.rules import by_name

DEFAULT_RULES = "v9"
_MANY = 3  # more scenarios than this get a line each


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file", metavar="FILE", help="a scenario (YAML, JSON), or many (.jsonl, .jsonl.gz); see docs/reference/scenario.md"
    )
    parser.add_argument("--rules", help="kernel version: v9, v5 or off (default: what the file says, else v9)")
    parser.add_argument(
        "--expect", metavar="DUMP_OR_VECTOR", help="compare with a dump folder, or with recorded vectors of the same names"
    )
    parser.add_argument(
        "--json", metavar="OUT", help="write the outcome of every scenario, a line each, in the form of the vectors"
    )
    parser.add_argument("--log", action="store_true", help="print the kernel log of every event")
    parser.add_argument(
        "--faults", choices=("raise", "hardware"), default="raise", help="bad accesses raise in the driver, or go on"
    )


@define(eq=False)
class _Totals:
    """What a file's scenarios came to."""

    played: int = 0
    differing: int = 0
    findings: int = 0
    broken: int = 0
    lines: list[str] = field(factory=list)


def run(options: argparse.Namespace) -> int:
    """Play, print, compare, write."""
    cases = load(options.file)
    if options.rules is not None:
        by_name(options.rules)
    for case in cases:
        by_name(case.rules or DEFAULT_RULES)
    expected = read_expectation(options.expect) if options.expect else None
    console = text.console()
    totals = _Totals()
    for case in cases:
        _play(case, options, expected, totals, console, in_full=len(cases) <= _MANY)
    if options.json:
        write_whole(options.json, "".join(totals.lines))
    if len(cases) > _MANY:
        parts = f"{totals.played} scenarios played, {totals.findings} with findings, {totals.broken} with a broken contract"
        compared = f", {totals.differing} differ from what is expected" if expected else ""
        console.print(parts + compared)
    return 1 if totals.broken or totals.differing else 0


def _play(
    case: NamedScenario,
    options: argparse.Namespace,
    expected: Expectation | None,
    totals: _Totals,
    console: Any,
    *,
    in_full: bool,
) -> None:
    rules = options.rules or case.rules or DEFAULT_RULES
    player = Player(case.scenario, by_name(rules), options.faults)
    if in_full:
        _head(case, rules, console)
    outcomes = []
    for outcome in player.play():
        outcomes.append(outcome)
        if in_full:
            _print_event(outcome, options.log, console)
    found = sum(len(outcome.findings) for outcome in outcomes)
    broken = [str(failure) for failure in player.world.system.failures] + player.problems
    wrong = _compare(case, expected, outcomes)
    totals.played += 1
    totals.findings += bool(found)
    totals.broken += bool(broken)
    totals.differing += bool(wrong)
    if options.json:
        totals.lines.append(json.dumps({"name": case.name, "rules": rules, "events": [o.as_json() for o in outcomes]}) + "\n")
    if in_full:
        _print_end(outcomes, console)
    elif broken or wrong or found:
        console.print(
            text.summary_line(case.name, rules, {"findings": found, "broken contracts": len(broken), "differences": len(wrong)})
        )
    for line in broken:
        console.print(f"contract broken: {line}", style="red", markup=False, soft_wrap=True)
    for line in wrong[:20]:
        console.print(f"differs: {line}", style="red", markup=False, soft_wrap=True)
    if len(wrong) > 20:
        console.print(f"differs: and {len(wrong) - 20} more places", style="red")
    if expected is not None and in_full and not wrong:
        console.print(f"equals {expected.name}", style="green")


def _compare(case: NamedScenario, expected: Expectation | None, outcomes: list[Outcome]) -> list[str]:
    if expected is None:
        return []
    if expected.folder is not None:
        return list(differences_from_dump(outcomes[-1].state, expected.folder)) if outcomes else ["no event was played"]
    recorded = expected.of(case.name)
    ours = [outcome.as_expected() for outcome in outcomes]
    return list(differences(json.loads(json.dumps(ours)), recorded))


def _head(case: NamedScenario, rules: str, console: Any) -> None:
    console.rule(f"{case.name}, rules {rules}: {by_name(rules).about}", align="left")
    if case.scenario.about:
        console.print(case.scenario.about)
    for warning in case.scenario.warnings:
        console.print(f"warning: {warning}", style="yellow")


def _print_event(outcome: Outcome, with_log: bool, console: Any) -> None:
    console.print(f"\n{outcome.op} {outcome.id or ''}".rstrip(), style="bold")
    if with_log:
        for line in text.log_lines(outcome.report):
            console.print(line, style="dim", soft_wrap=True, markup=False)
    for line in [*text.event_lines(outcome.report, outcome.hooks, outcome.findings), *outcome.io]:
        console.print(f"  {line}", soft_wrap=True, markup=False)


def _print_end(outcomes: list[Outcome], console: Any) -> None:
    if not outcomes:
        return
    console.print("\ntopology", style="bold")
    console.print(text.topology(outcomes[-1].state))
    console.print("\naddress map", style="bold")
    titles = (f"after {outcomes[0].op}", f"after {outcomes[-1].op} {outcomes[-1].id or ''}".rstrip())
    console.print(text.address_table(outcomes[0].state, outcomes[-1].state, titles=titles))
    console.print()
