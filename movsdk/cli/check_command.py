"""``movsdk check REF``: does this driver survive moves of its BARs, and where does it go wrong?"""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from attrs import asdict

from movsdk.bench.alarm import last_resort
from movsdk.bench.file_out import check_writable, write_whole
from movsdk.errors import BadInput, HookSpecError

if TYPE_CHECKING:
    from movsdk.testing.conformance.deep import DeepVerdict
    from movsdk.testing.conformance.kit import Verdict
    from movsdk.testing.conformance.subject import Subject
    from movsdk.testing.conformance.trial import Trial

_REF = (
    "file.py, file.py:Class, a folder with driver.py, package.module:Class, or a reference driver: edu, gpu, legacy, nvme, port"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("driver", metavar="REF", nargs="?", help=_REF)
    parser.add_argument("--model", metavar="REF", help="the device's model, as file.py:Class (default: the one beside it)")
    parser.add_argument("--bars", metavar="BARS", help="no model: what BARs the device has, as 0:mem32:16K,2:pref64:256M")
    parser.add_argument("--json", metavar="FILE", help="write the verdict there as JSON; - for standard output")
    parser.add_argument(
        "--deep", action="store_true", help="also orders of concurrent acts, and random histories (needs hypothesis)"
    )
    parser.add_argument(
        "--scenario", metavar="FILE", help="with --deep: where the shortest failing history goes (default: printed)"
    )
    parser.add_argument("--verbose", "-v", action="store_true", help="say why a rule was not tried")
    parser.add_argument("--rules", action="store_true", help="print the rules as a table, and check nothing")


def run(options: argparse.Namespace) -> int:
    """Examine, tell; 0 conforms, 1 does not. Of a driver that nothing can stop one line is left, and the process ends with 1."""
    with last_resort(_give_up):
        return _check(options)


def _give_up(text: str) -> None:
    print(f"movsdk check: {text}; gave up", file=sys.stderr, flush=True)
    os._exit(1)


def _check(options: argparse.Namespace) -> int:
    from movsdk.testing.conformance.verdict_text import verdict_lines, verdict_values

    if options.rules:
        return _list_rules()
    if options.driver is None:
        raise BadInput(f"name a driver: {_REF}")
    if options.model is not None and options.bars is not None:
        raise BadInput("--model and --bars exclude each other: plain memory stands in where there is no model")
    for path in (options.json, options.scenario):
        if path and path != "-":
            check_writable(path)
    if options.scenario and not options.deep:
        raise BadInput("--scenario belongs to --deep: it is where a failing history goes")
    with redirect_stdout(sys.stderr):  # what the driver prints is not part of the verdict
        verdict, deep = _examined(options)
    values = verdict_values(verdict) | ({"deep": asdict(deep)} if deep is not None else {})
    text = json.dumps(values, indent=1) + "\n"
    if options.json == "-":
        print(text, end="")
    else:
        for line in verdict_lines(verdict, every=options.verbose):
            print(line)
        if options.json:
            write_whole(options.json, text)
        if deep is not None:
            _tell(deep, options.scenario)
    return 0 if verdict.conforms and (deep is None or deep.holds) else 1


def _examined(options: argparse.Namespace) -> tuple[Verdict, DeepVerdict | None]:
    """The verdict, and with ``--deep`` what random histories brought."""
    from movsdk.testing.conformance.find_driver import find_driver, find_model
    from movsdk.testing.conformance.kit import Examination
    from movsdk.testing.conformance.subject import Subject, registered

    driver, model = find_driver(options.driver)
    try:
        registered(driver)
        if options.model is not None:
            model = find_model(options.model, driver)
        subject = Subject.of(driver, None if options.bars is not None else model, options.bars)
    except HookSpecError as error:
        raise BadInput(f"{options.driver}: {error}") from error
    if options.deep and subject.drives_bridges:
        raise BadInput(f"{options.driver}: drives bridges; --deep is for drivers of cards")
    verdict = Examination(subject, _trials(deep=options.deep)).verdict()
    if verdict.unchecked:
        raise BadInput(f"{options.driver}: not checked: {verdict.unchecked}")
    if not options.deep:
        return verdict, None
    return verdict, _histories(subject, driver, None if options.bars is not None else model, options.bars)


def _list_rules() -> int:
    from movsdk.testing.conformance.rule_table import rule_lines

    print(*rule_lines(), sep="\n")
    return 0


def _trials(*, deep: bool) -> tuple[Trial, ...]:
    """The trials of the kit; in deep mode also those that try every order of two acts."""
    from movsdk.testing.conformance.trials import TRIALS

    if not deep:
        return TRIALS
    from movsdk.testing.conformance.trials import schedules

    return (*TRIALS, *schedules.TRIALS)


def _histories(subject: Subject, driver: Any, model: Any, bars: str | None) -> DeepVerdict:
    """Play random histories. Raises `BadInput` where Hypothesis is not installed."""
    try:
        from movsdk.testing.conformance.deep import deep_scenario, histories_of
    except ModuleNotFoundError as error:
        raise BadInput(f"--deep needs the package {error.name}; pip install 'movsdk[deep]'") from error

    declared = bars if bars is not None else getattr(driver, "bars", None)
    return histories_of(subject, deep_scenario(subject, driver, model, declared if model is None else None))


def _tell(deep: DeepVerdict, path: str | None) -> None:
    """What the histories brought, and the scenario of the one that failed."""
    if deep.holds:
        print(f"deep: {deep.histories} random histories went well")
        return
    print(f"deep: this history fails: {', '.join(deep.events)}")
    for line in deep.broken:
        print(f"  {line}")
    if path:
        write_whole(path, deep.scenario)
        print(f"  play it with: movsdk run {path}")
    else:
        print("  as a scenario for movsdk run (--scenario FILE writes it):")
        print(deep.scenario, end="")
