"""``movsdk mount SCENARIO DIR``: the machine of a scenario as a live file system, until Ctrl-C."""

from __future__ import annotations

import argparse
import sys

from movsdk.bench.sysfs import fuse_mount
from movsdk.cli.export_command import add_stage_arguments, play
from movsdk.cli.failure import describe
from movsdk.report import text
from movsdk.rescan.report import RescanReport


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_stage_arguments(parser)
    parser.add_argument("folder", metavar="DIR", help="an empty folder; DIR stands for / and for /sys/bus/pci")
    parser.add_argument("--log", action="store_true", help="print the kernel log of every rescan and removal")


def run(options: argparse.Namespace) -> int:
    """Check, play, serve; say at the end what went through stale maps."""
    fuse_mount.check(options.folder)
    stage = play(options)

    def ready() -> None:
        print(f"{options.folder}: {text.count(sum(1 for _ in stage.world.system.devices()), 'device')}, mounted")
        print(f"to unmount: Ctrl-C here, or fusermount3 -u {options.folder}", flush=True)

    def told(report: RescanReport) -> None:
        for line in text.log_lines(report) if options.log else ():
            print(line.text, flush=True)

    def failed(error: BaseException) -> None:
        print(f"movsdk mount: {describe(error)}", file=sys.stderr, flush=True)

    stale = fuse_mount.mount(stage.world, options.folder, around=stage.around, on_ready=ready, on_report=told, on_failure=failed)
    for write in stale:
        print(f"stale write: {write}", file=sys.stderr)
    return 0
