"""What the recorded scenarios would have come to with one rule changed: the "N -> M" of docs/findings. Three minutes.

``python benchmarks/rule_changes.py [NAME ...]``: changes of movsdk.bench.cures or of `UNPATCHED` below; all by default.
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
from movsdk.bench.player import Player
from movsdk.bench.scenario_schema import parse
from movsdk.kernel.setup import replay
from movsdk.layout.table import WindowWrite
from movsdk.rescan import mainline
from movsdk.rescan.rules import by_name
from movsdk.rescan.rules.record import Rules, bridges_last_first
from tests.golden.promises import Step, count, steps_of
from tests.golden.recordings import lines, vector

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
    "newcomers served",
)


def steps_played(rules: Rules, base: str) -> Iterator[Step]:
    for name in lines(base):
        scenario = vector(base, name)["scenario"]
        outcomes = [outcome.as_expected() for outcome in Player(parse(scenario), rules).play()]
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
    played = list(steps_played(rules, base))
    return count(played) + Counter({"newcomers served": sum(served(step) for step in played if step.event["op"] == "hotadd")})


# --- the unpatched kernel is no record of functions: one of them is replaced while inside -----------------------------
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


def below_the_bridge(segment: Any, behind: Any) -> Any:
    inside = {id(behind), *(id(row.child) for row in behind.walk() if row.child is not None)}
    return segment if id(segment) in inside else behind


UNPATCHED: dict[str, tuple[str, Callable[[], AbstractContextManager[None]]]] = {
    "off below the bridge": (
        "for its second try a hot-add releases windows below its bridge only",
        lambda: releasing(below_the_bridge),
    ),
    "off one try": ("a hot-add releases nothing for its second try", lambda: releasing(lambda _segment, _behind: None)),
    "off writes windows": ("the windows of every bridge are written when all is assigned", writing_windows),
}


def report(name: str, change: str, before: Counter[str], after: Counter[str]) -> None:
    print(f"\n{name}: {change}")
    for key in SHOWN:
        if before[key] or after[key]:
            print(f"  {key:26} {before[key]:>5} -> {after[key]}")


def main(names: list[str]) -> None:
    bases: dict[str, Counter[str]] = {}
    for name in [*CURES, *UNPATCHED]:
        if names and name not in names:
            continue
        base = name.split()[0]
        bases[base] = bases.get(base) or measured(by_name(base), base)
        if name in CURES:
            cure = CURES[name]
            report(name, f"{cure.change} ({cure.function})", bases[base], measured(cure.rules, base))
        else:
            change, inside = UNPATCHED[name]
            with inside():
                report(name, change, bases[base], measured(by_name(base), base))


if __name__ == "__main__":
    main(sys.argv[1:])
