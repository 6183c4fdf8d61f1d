"""``movsdk export FORM SCENARIO``: the machine of a scenario in other people's formats."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Final

from movsdk.bench.exporters.kernel_log import KernelLog
from movsdk.bench.exporters.lspci_dump import lspci_dump
from movsdk.bench.exporters.qemu import export_qemu
from movsdk.bench.exporters.topology import dot, mermaid
from movsdk.bench.file_out import check_writable, write_whole
from movsdk.bench.sysfs.export_tree import export_tree
from movsdk.bench.sysfs.proc_files import address_lines
from movsdk.bench.sysfs.stage import Stage, Watch, chosen, nobody, staged
from movsdk.cli.failure import describe
from movsdk.errors import BadInput, ContractError
from movsdk.report.text import count

_TEXTS: Final[dict[str, Callable[[Stage], str]]] = {
    "lspci": lambda stage: lspci_dump(stage.world),
    "iomem": lambda stage: address_lines(stage.world, io=False, around=stage.around),
    "ioports": lambda stage: address_lines(stage.world, io=True, around=stage.around),
    "dot": lambda stage: dot(stage.world),
    "mermaid": lambda stage: mermaid(stage.world),
}
FORMS: Final = {
    "sysfs": "a folder that stands for /sys/bus/pci and for /: lspci -A linux-sysfs -O sysfs.path=PLACE",
    "lspci": "config space as lspci -xxxx prints it: lspci -F PLACE",
    "iomem": "/proc/iomem",
    "ioports": "/proc/ioports",
    "dmesg": "the PCI lines of the kernel log, in today's wording",
    "qemu": "a folder with a QEMU command line and a hot-plug script: the same bridges with the nearest stock devices",
    "dot": "the topology for Graphviz",
    "mermaid": "the topology for Markdown",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    forms = "; ".join(f"{name}: {text}" for name, text in FORMS.items())
    parser.add_argument("form", metavar="FORM", choices=FORMS, help=forms)
    add_stage_arguments(parser)
    parser.add_argument(
        "place", metavar="PLACE", nargs="?", help="sysfs, qemu: a new folder; else a file (default: standard output)"
    )


def add_stage_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what export and mount have in common: which machine, at which moment."""
    parser.add_argument("scenario", metavar="SCENARIO", help="a scenario file, or the name of a scenario of the gallery")
    parser.add_argument("--rules", help="kernel version: v9, v5, v2 or off (default: what the file says, else v9)")
    parser.add_argument(
        "--upto",
        metavar="EVENT",
        help="stop after this event, as `movsdk run` titles it ('hotadd port'), or after so many (default: after the last)",
    )
    parser.add_argument("--only", metavar="NAME", help="of many scenarios this one (default: the first)")


def run(options: argparse.Namespace) -> int:
    """Play, translate, write."""
    form, place = options.form, options.place
    if form in ("sysfs", "qemu"):
        if place is None:
            raise BadInput(f"{form} is more than one file; name a new folder: movsdk export {form} {options.scenario} FOLDER")
    elif place is not None:
        check_writable(place)
    if form == "qemu":
        case = chosen(options.scenario, options.only)
        deviations = export_qemu(case.scenario, place)
        print(f"{place}: qemu.sh and hotplug.py, {count(deviations, 'deviation')} from {case.name}")
        return 0
    if form == "sysfs":
        stage = play(options)
        print(f"{place}: {count(export_tree(stage.world, place, around=stage.around), 'device')}")
        return 0
    _write(_text(form, options), place)
    return 0


def _text(form: str, options: argparse.Namespace) -> str:
    if form != "dmesg":
        return _TEXTS[form](play(options))
    log = KernelLog()
    play(options, watch=log.watch)
    return log.text()


def play(options: argparse.Namespace, watch: Watch = nobody) -> Stage:
    """The machine that the options of `add_stage_arguments` name, at its moment. A driver may not end us by exiting."""
    try:
        return staged(options.scenario, options.rules, options.upto, options.only, watch=watch)
    except SystemExit as error:
        raise ContractError(describe(error)) from error


def _write(text: str, place: str | None) -> None:
    if place is None:
        sys.stdout.write(text)
    else:
        write_whole(place, text)
