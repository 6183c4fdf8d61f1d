"""``movsdk check REF``: does this driver survive moves of its BARs, and where does it go wrong?"""

from __future__ import annotations

import argparse
import json

from movsdk.bench.file_out import check_writable, write_whole
from movsdk.errors import BadInput, HookSpecError

_REF = "file.py, file.py:Class, package.module:Class, or a reference driver: edu, gpu, legacy, nvme, port"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("driver", metavar="REF", help=_REF)
    parser.add_argument("--model", metavar="REF", help="the device's model, as file.py:Class (default: the one beside it)")
    parser.add_argument("--bars", metavar="BARS", help="no model: what BARs the device has, as 0:mem32:16K,2:pref64:256M")
    parser.add_argument("--json", metavar="FILE", help="write the verdict there as JSON; - for standard output")
    parser.add_argument("--verbose", "-v", action="store_true", help="say why a rule was not tried")


def run(options: argparse.Namespace) -> int:
    """Examine, tell; 0 conforms, 1 does not."""
    from movsdk.testing.conformance.find_driver import find_driver, find_model
    from movsdk.testing.conformance.kit import Examination
    from movsdk.testing.conformance.subject import Subject, registered
    from movsdk.testing.conformance.verdict_text import verdict_lines, verdict_values

    if options.model is not None and options.bars is not None:
        raise BadInput("--model and --bars exclude each other: plain memory stands in where there is no model")
    if options.json and options.json != "-":
        check_writable(options.json)
    driver, model = find_driver(options.driver)
    try:
        registered(driver)
        if options.model is not None:
            model = find_model(options.model, driver)
        subject = Subject.of(driver, None if options.bars is not None else model, options.bars)
    except HookSpecError as error:
        raise BadInput(f"{options.driver}: {error}") from error
    verdict = Examination(subject).verdict()
    if verdict.unchecked:
        raise BadInput(f"{options.driver}: not checked: {verdict.unchecked}")
    text = json.dumps(verdict_values(verdict), indent=1) + "\n"
    if options.json == "-":
        print(text, end="")
    else:
        for line in verdict_lines(verdict, every=options.verbose):
            print(line)
        if options.json:
            write_whole(options.json, text)
    return 0 if verdict.conforms else 1
