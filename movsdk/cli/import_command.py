"""``movsdk import DIR``: a scenario out of the dump of a real machine, and the events that lead from dump to dump."""

from __future__ import annotations

import argparse
import sys

from movsdk.bench.file_out import check_writable, write_whole
from movsdk.bench.importers.story import import_story
from movsdk.bench.scenario_text import dump_scenario
from movsdk.report.line import named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "folder",
        metavar="DIR",
        help="one moment of the machine: lspci-xxxx.txt, resource.txt, iomem.txt, ioports.txt, drivers.txt",
    )
    parser.add_argument("--then", metavar="DIR", action="append", default=[], help="a later moment; may be given again")
    parser.add_argument("-o", "--output", metavar="FILE", help="where the scenario goes (default: standard output)")


def run(options: argparse.Namespace) -> int:
    """Read, join, write."""
    if options.output:
        check_writable(options.output)
    scenario = import_story([options.folder, *options.then])
    document = dump_scenario(scenario)
    for warning in scenario.warnings:
        print(f"movsdk import: warning: {warning}", file=sys.stderr)
    if options.output:
        write_whole(options.output, document)
        print(f"{options.output}: {len(scenario.devices)} devices, events: {named(list(map(str, scenario.events)))}")
    else:
        sys.stdout.write(document)
    return 0
