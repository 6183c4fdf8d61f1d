"""``movsdk demo``: the main job, on the dump of a real machine.

A 64 MiB device is hot-added into a QEMU q35 whose NVMe drive is busy: once as unpatched Linux does it, once with movable BARs.
Decides nothing; the numbers are compared with what the recorded kernels did.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from attrs import evolve

from movsdk.bench.demo_machine import MOMENTS, dumps
from movsdk.bench.differences import differences_from_dump
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import import_story
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import EndpointSpec, Load, Scenario
from movsdk.cli.run_command import event_lines
from movsdk.errors import BadInput, InvariantBroken
from movsdk.report import text
from movsdk.report.line import Line
from movsdk.report.map_lines import address_map
from movsdk.report.terminal import Terminal
from movsdk.rescan.rules import by_name

NVME, NEWCOMER, BIG_BAR = "03:00.0", "04:00.0", 2
_TITLES = {"off": "without movable BARs", "v9": "with movable BARs (v9 of the series)"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--log", action="store_true", help="print the kernel log of the hot-add")
    parser.add_argument("--dumps", metavar="DIR", help="only copy the machine's dumps to the new folder DIR")


def run(options: argparse.Namespace) -> int:
    """Play the story twice and compare with what the real kernels did."""
    terminal = Terminal()
    if options.dumps is not None:
        return _copy(Path(options.dumps), terminal)
    with dumps("q35-v9") as folder:
        story = _under_load(import_story([folder / moment for moment in MOMENTS[:2]]))
    terminal.say(
        "The dump of a real machine (QEMU q35). Its NVMe drive is busy; a card with a 64 MiB BAR is hot-added.", indent=0
    )
    results = [_play(story, rules, options.log, terminal) for rules in _TITLES]
    return 0 if all(results) else 1


def _copy(to: Path, terminal: Terminal) -> int:
    """The same dumps for experiments of one's own."""
    try:
        to.mkdir(parents=True)
        for rules in _TITLES:
            with dumps(f"q35-{rules}") as folder:
                shutil.copytree(folder, to / rules)
    except OSError as error:
        raise BadInput(f"{to}: cannot be made: {error.strerror}; name a folder that is not there yet") from error
    for moment in sorted(to.glob("*/*")):
        terminal.say(str(moment))
    return 0


def _under_load(story: Scenario) -> Scenario:
    busy = [
        evolve(spec, load=Load(reads=16, writes=16)) if isinstance(spec, EndpointSpec) and spec.id == NVME else spec
        for spec in story.devices
    ]
    return evolve(story, devices=tuple(busy))


def _play(story: Scenario, rules: str, with_log: bool, terminal: Terminal) -> bool:
    terminal.say()
    terminal.title(_TITLES[rules])
    boot, hotadd = list(Player(story, by_name(rules)).play())
    broken = boot.breaches.broken or hotadd.breaches.broken
    with dumps(f"q35-{rules}") as folder:
        wrong = list(differences_from_dump(hotadd.state, read_dump(folder / MOMENTS[1])))
    if with_log:
        terminal.show(text.log_lines(hotadd.report))
    terminal.show(event_lines(hotadd))
    if rules == "v9":
        terminal.say()
        terminal.show(address_map(boot.state, hotadd.state, ("before the hot-add", "after"), terminal.width))
    terminal.say()
    terminal.say(_verdict(hotadd), "bold", indent=0)
    if wrong:
        terminal.say(f"DIFFERS from the recorded kernel ({rules}) in {text.count(len(wrong), 'place')}:", "red")
        terminal.show(Line(f"  {line}", "red") for line in wrong)
    else:
        terminal.say(f"Every BAR, window and bus number equals what the recorded kernel ({rules}) did.", "green", indent=0)
    return not (wrong or broken)


def _verdict(hotadd: Outcome) -> str:
    newcomer = next((entry for entry in hotadd.state if entry["id"] == NEWCOMER), None)
    if newcomer is None:
        raise InvariantBroken(f"the demo's newcomer {NEWCOMER} was not found by the scan")
    big = next((bar for bar in newcomer["resources"] if bar["n"] == BIG_BAR and bar["assigned"]), None)
    moved = next((move for move in hotadd.report.moves if move.device == NVME), None)
    place = "got no space" if big is None else f"is at {big['start']:#x}"
    parts = [f"{NEWCOMER}: its 64 MiB BAR {place}."]
    if moved is not None and moved.new is not None:
        parts.append(f"The NVMe BAR moved {moved.old.start:#x} -> {moved.new.start:#x} under load.")
    else:
        parts.append("The NVMe stayed at its place.")
    if not hotadd.breaches.broken:
        parts.append("No request was lost.")
    return " ".join(parts)
