"""``movsdk import PATH...``: a scenario out of the dump of a real machine, and the events that lead from dump to dump."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from movsdk.bench.file_out import check_writable, write_whole
from movsdk.bench.importers.folder import Dump, dump_of, read_dump
from movsdk.bench.importers.gather import live
from movsdk.bench.importers.story import import_dumps
from movsdk.bench.scenario_text import dump_scenario
from movsdk.errors import BadInput
from movsdk.report.line import named

HERE = Path("/")
_MOST_NOTES = 40


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="one moment of the machine: files, folders, archives, packed or not; any of lspci -vv or -xxxx, sysfs, iomem, "
        "ioports, dmesg",
    )
    parser.add_argument("--then", metavar="PATH", action="append", default=[], help="a later moment; may be given again")
    parser.add_argument("--live", action="store_true", help="read this machine's /sys and /proc, and change nothing")
    parser.add_argument("--root", metavar="DOMAIN:BUS", help="the root bus to take, as 0000:40, where there are several")
    parser.add_argument("-o", "--output", metavar="FILE", help="where the scenario goes (default: standard output)")


def run(options: argparse.Namespace) -> int:
    """Read, join, write."""
    if options.output:
        check_writable(options.output)
    imported = import_dumps([_first(options), *(read_dump(path, options.root) for path in options.then)])
    document = dump_scenario(imported.scenario)
    for note in imported.notes[:_MOST_NOTES]:
        print(f"movsdk import: note: {note}", file=sys.stderr)
    if len(imported.notes) > _MOST_NOTES:
        print(f"movsdk import: note: and {len(imported.notes) - _MOST_NOTES} more of this sort", file=sys.stderr)
    for warning in imported.scenario.warnings:
        print(f"movsdk import: warning: {warning}", file=sys.stderr)
    if options.output:
        write_whole(options.output, document)
        scenario = imported.scenario
        print(f"{options.output}: {len(scenario.devices)} devices, events: {named(list(map(str, scenario.events)))}")
    else:
        sys.stdout.write(document)
    return 0


def _first(options: argparse.Namespace) -> Dump:
    if options.live and options.paths:
        raise BadInput(f"--live reads this machine, and {options.paths[0]} is a dump; give one of them")
    if options.live:
        return dump_of(live(HERE), options.root)
    if not options.paths:
        raise BadInput("nothing to import; name the files or the folder of a dump, or --live")
    if "" in options.paths:
        raise BadInput("a path is empty; name the files or the folder of a dump")
    return read_dump(options.paths, options.root)
