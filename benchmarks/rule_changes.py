"""What the recorded scenarios would have come to with one rule changed: the "N -> M" of docs/findings. Three minutes.

``python benchmarks/rule_changes.py [NAME ...]``: changes of movsdk.bench.cures or of `ENGINE` below; all by default.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from movsdk.bench.cures import CURES
from movsdk.bench.meanwhile import Meanwhile
from movsdk.bench.player import Player
from movsdk.bench.scenario_schema import parse
from movsdk.kernel.setup import replay
from movsdk.layout.table import WindowWrite
from movsdk.pci_regs import COMMAND, COMMAND_IO, COMMAND_MEMORY
from movsdk.rescan import mainline
from movsdk.rescan.engine import Engine
from movsdk.rescan.rules import by_name
from movsdk.rescan.rules.record import Rules, bridges_last_first
from tests.golden.promises import MOVING, Step, count, steps_of
from tests.golden.recordings import lines, vector

_DECODES = COMMAND_IO | COMMAND_MEMORY
SHOWN = (
    "losing",
    "losing fixed",
    "lost fixed BARs",
    "losing movable",
    "lost movable BARs",
    "live decoders",
    "cut off",
    "no such window",
    "window stuck",
    "giving up",
    "giving up two",
    "moving again after hotadd",
    "moving again after rescan",
    "losing outside",
    "half done",
    "decoders meanwhile",
    "unaware meanwhile",
    "newcomers served",
)


def steps_played(rules: Rules, base: str, passing: Counter[str]) -> Iterator[Step]:
    for name in lines(base):
        scenario = vector(base, name)["scenario"]
        player = Player(parse(scenario), rules)
        watch, outcomes = Meanwhile(player.world), []
        for event in player.scenario.events:
            outcome, pairs = player.step(event), watch.take()
            if outcome is None:
                continue
            outcomes.append(outcome.as_expected())
            if event.op in MOVING:
                passing["decoders meanwhile"] += bool(pairs)
                passing["unaware meanwhile"] += any(pair.unaware for pair in pairs)
        yield from steps_of(scenario, base, outcomes)


def served(step: Step) -> int:
    """Newcomers that came by this event and have a place for each of their BARs (an unpatched kernel forgets one without)."""
    known = {device["id"] for device in step.before["state"]}
    wanted = {device["id"]: {bar["n"] for bar in device.get("bars", ())} for device in step.scenario["devices"]}
    return sum(
        device["id"] not in known and wanted[device["id"]] <= {entry["n"] for entry in device["resources"] if entry["assigned"]}
        for device in step.event["state"]
        if wanted[device["id"]]
    )


def measured(rules: Rules, base: str) -> Counter[str]:
    passing: Counter[str] = Counter()
    played = list(steps_played(rules, base, passing))
    return (
        count(played)
        + passing
        + Counter({"newcomers served": sum(served(step) for step in played if step.event["op"] == "hotadd")})
    )


# --- what is no function of a record, such as all of the unpatched kernel: replaced while inside ---------------------------
@contextmanager
def releasing(choose: Callable[[Any, Any], Any]) -> Iterator[None]:
    """`choose` says what is released for the second try of a hot-add: it gets the bus, and the bus behind the bridge."""
    module: Any = mainline
    release, assign = module.release_type, module.assign_hot_added
    behind: list[Any] = []

    def assign_hot_added(bridge: Any) -> Any:
        behind[:] = [bridge.row.child]
        return assign(bridge)

    def release_type(segment: Any, *rest: Any, **words: Any) -> None:
        chosen = choose(segment, behind[0]) if behind else segment
        if chosen is not None:
            release(chosen, *rest, **words)

    module.release_type, module.assign_hot_added = release_type, assign_hot_added
    try:
        yield
    finally:
        module.release_type, module.assign_hot_added = release, assign


@contextmanager
def writing_windows() -> Iterator[None]:
    """Every bridge's windows are written after each assignment, as the series does at the end of a rescan."""
    module: Any = mainline
    assign_on_rescan, assign_hot_added = module.assign_on_rescan, module.assign_hot_added

    def and_write(system: Any, placing: Any) -> Any:
        replay([WindowWrite.all_of(row) for row in bridges_last_first(system.root.segment, lambda _row: True)])
        return placing

    module.assign_on_rescan = lambda system: and_write(system, assign_on_rescan(system))
    module.assign_hot_added = lambda bridge: and_write(bridge.system, assign_hot_added(bridge))
    try:
        yield
    finally:
        module.assign_on_rescan, module.assign_hot_added = assign_on_rescan, assign_hot_added


@contextmanager
def decoding_off() -> Iterator[None]:
    """Who may move answers nothing from before the first attempt until the windows are written."""
    engine: Any = Engine
    attempt, program = engine._attempt_until_accepted, engine._program_bridges
    silenced: list[tuple[Any, int]] = []

    def attempt_in_silence(self: Any, moves: Any, turn: Any) -> None:
        stays = {label for label, _, _ in self._fixed}
        for device in self.system.devices():
            command = device.config_read(COMMAND, 2)
            if device.row.is_added and not device.row.is_bridge and device.label not in stays and command & _DECODES:
                silenced.append((device, command & _DECODES))
                device.config_write(COMMAND, 2, command & ~_DECODES)
        attempt(self, moves, turn)

    def program_and_answer(self: Any, moves: Any, turn: Any) -> None:
        program(self, moves, turn)
        while silenced:
            device, decodes = silenced.pop()
            device.config_write(COMMAND, 2, device.config_read(COMMAND, 2) | decodes)

    engine._attempt_until_accepted, engine._program_bridges = attempt_in_silence, program_and_answer
    try:
        yield
    finally:
        engine._attempt_until_accepted, engine._program_bridges = attempt, program


def below_the_bridge(segment: Any, behind: Any) -> Any:
    inside = {id(behind), *(id(row.child) for row in behind.walk() if row.child is not None)}
    return segment if id(segment) in inside else behind


ENGINE: dict[str, tuple[str, Callable[[], AbstractContextManager[None]]]] = {
    "off below the bridge": (
        "for its second try a hot-add releases windows below its bridge only",
        lambda: releasing(below_the_bridge),
    ),
    "off one try": ("a hot-add releases nothing for its second try", lambda: releasing(lambda _segment, _behind: None)),
    "v9 decoding off": ("who may move answers nothing from the first attempt to the last window", decoding_off),
    "off writes windows": ("the windows of every bridge are written when all is assigned", writing_windows),
}


def report(name: str, change: str, before: Counter[str], after: Counter[str]) -> None:
    print(f"\n{name}: {change}")
    for key in SHOWN:
        if before[key] or after[key]:
            print(f"  {key:26} {before[key]:>5} -> {after[key]}")


def main(names: list[str]) -> None:
    bases: dict[str, Counter[str]] = {}
    for name in [*CURES, *ENGINE]:
        if names and name not in names:
            continue
        base = name.split()[0]
        bases[base] = bases.get(base) or measured(by_name(base), base)
        if name in CURES:
            cure = CURES[name]
            report(name, f"{cure.change} ({cure.function})", bases[base], measured(cure.rules, base))
        else:
            change, inside = ENGINE[name]
            with inside():
                report(name, change, bases[base], measured(by_name(base), base))


if __name__ == "__main__":
    main(sys.argv[1:])
