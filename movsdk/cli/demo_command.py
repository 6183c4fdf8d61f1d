"""``movsdk demo``: the main job, on the dump of a real machine.

A 64 MiB device is hot-added into a QEMU q35 whose NVMe drive is busy: once as unpatched Linux does it, once with movable BARs.
"""

from __future__ import annotations

import argparse
from typing import Any

from attrs import evolve

from movsdk.bench.demo_machine import MOMENTS, dumps
from movsdk.bench.differences import differences_from_dump
from movsdk.bench.importers.story import import_story
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import EndpointSpec, Load, Scenario
from movsdk.errors import InvariantBroken
from movsdk.report import text
from movsdk.rescan.rules import by_name

NVME, NEWCOMER = "03:00.0", "04:00.0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--log", action="store_true", help="print the kernel log of the hot-add")


def run(options: argparse.Namespace) -> int:
    """Play the story twice and compare with what the real kernels did."""
    console = text.console()
    with dumps("q35-v9") as folder:
        story = _under_load(import_story([folder / moment for moment in MOMENTS[:2]]))
    console.print(
        "A real machine (QEMU q35, dumped), an NVMe drive doing I/O, and a device with a 64 MiB BAR that is hot-added.\n"
    )
    is_good = True
    for rules, title in (("off", "without movable BARs"), ("v9", "with movable BARs (v9 of the series)")):
        console.rule(title, align="left")
        is_good &= _play(story, rules, options.log, console)
    return 0 if is_good else 1


def _under_load(story: Scenario) -> Scenario:
    busy = [
        evolve(spec, load=Load(reads=16, writes=16)) if isinstance(spec, EndpointSpec) and spec.id == NVME else spec
        for spec in story.devices
    ]
    return evolve(story, devices=tuple(busy))


def _play(story: Scenario, rules: str, with_log: bool, console: Any) -> bool:
    player = Player(story, by_name(rules))
    boot, hotadd = list(player.play())
    with dumps(f"q35-{rules}") as folder:
        wrong = list(differences_from_dump(hotadd.state, str(folder / MOMENTS[1])))
    if with_log:
        for line in text.log_lines(hotadd.report):
            console.print(line, style="dim", markup=False, soft_wrap=True)
    for line in [*text.event_lines(hotadd.report, hotadd.hooks, hotadd.findings), *hotadd.io]:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    if rules == "v9":
        console.print()
        console.print(text.address_table(boot.state, hotadd.state, titles=("before the hot-add", "after")))
    requests = "No request was lost." if not player.problems else f"{len(player.problems)} requests went wrong."
    console.print(f"\n{_verdict(hotadd)} {requests}", style="bold", soft_wrap=True)
    if wrong:
        console.print(f"DIFFERS from the recorded kernel ({rules}) in {len(wrong)} places:", style="red")
        for line in wrong:
            console.print(f"  {line}", markup=False)
    else:
        console.print(f"Every BAR, window and bus number equals what the recorded kernel ({rules}) did.\n", style="green")
    return not (wrong or player.problems or player.world.system.failures)


def _verdict(hotadd: Outcome) -> str:
    newcomer = next((entry for entry in hotadd.state if entry["id"] == NEWCOMER), None)
    if newcomer is None:
        raise InvariantBroken(f"the demo's newcomer {NEWCOMER} was not found by the scan")
    big = next((bar for bar in newcomer["resources"] if bar["n"] == 2 and bar["assigned"]), None)
    moved = next((move for move in hotadd.report.moves if move.device == NVME), None)
    if big is None:
        return f"{NEWCOMER}: its 64 MiB BAR got no space; the NVMe stayed at its place."
    return f"{NEWCOMER}: its 64 MiB BAR is at {big['start']:#x}." + (
        f" The NVMe BAR moved {moved.old.start:#x} -> {moved.new.start:#x} under load." if moved and moved.new else ""
    )
