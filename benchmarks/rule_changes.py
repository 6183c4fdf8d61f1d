"""What the recorded scenarios would have come to with one rule changed: the "N -> M" of docs/findings. About two minutes.

    python benchmarks/rule_changes.py [NAME ...]      names of movsdk.bench.cures, "below the bridge" or "one try"
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from movsdk.bench.cures import CURES
from movsdk.bench.player import Player
from movsdk.bench.scenario_schema import parse
from movsdk.layout.table import Segment
from movsdk.rescan import mainline
from movsdk.rescan.rules import by_name
from movsdk.rescan.rules.record import Rules
from tests.golden.promises import Step, count, steps_of
from tests.golden.recordings import lines, vector

SHOWN = (
    "losing",
    "losing fixed",
    "lost fixed BARs",
    "losing movable",
    "lost movable BARs",
    "live decoders",
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


@contextmanager
def unpatched_with(change: Callable[[Segment, Any], Any]) -> Iterator[Rules]:
    """The unpatched kernel, asking `change` what to release: it gets the bus, and the bus behind the bridge of the hot-add."""
    release, assign = mainline.release_type, mainline.assign_hot_added
    behind: list[Any] = []

    def assign_hot_added(bridge: Any) -> Any:
        behind[:] = [bridge.row.child]
        return assign(bridge)

    def release_type(segment: Segment, *rest: Any, **words: Any) -> None:
        chosen = change(segment, behind[0]) if behind else segment
        if chosen is not None:
            release(chosen, *rest, **words)

    mainline.release_type, mainline.assign_hot_added = release_type, assign_hot_added
    try:
        yield by_name("off")
    finally:
        mainline.release_type, mainline.assign_hot_added = release, assign


def below_the_bridge(segment: Segment, behind: Segment) -> Segment:
    inside = {id(behind), *(id(row.child) for row in behind.walk() if row.child is not None)}
    return segment if id(segment) in inside else behind


def nothing(_segment: Segment, _behind: Segment) -> None:
    return None


UNPATCHED = {"below the bridge": below_the_bridge, "one try": nothing}


def report(name: str, change: str, before: Counter[str], after: Counter[str]) -> None:
    print(f"\n{name}: {change}")
    for key in SHOWN:
        if before[key] or after[key]:
            print(f"  {key:26} {before[key]:>5} -> {after[key]}")


def main(names: list[str]) -> None:
    bases: dict[str, Counter[str]] = {}
    for name, cure in CURES.items():
        if not names or name in names:
            base = cure.rules.name.split()[0]
            bases[base] = bases.get(base) or measured(by_name(base), base)
            report(cure.rules.name, f"{cure.change} ({cure.function})", bases[base], measured(cure.rules, base))
    for name, change in UNPATCHED.items():
        if not names or name in names:
            bases["off"] = bases.get("off") or measured(by_name("off"), "off")
            with unpatched_with(change) as rules:
                report(f"off {name}", "what a hot-add releases for its second try", bases["off"], measured(rules, "off"))


if __name__ == "__main__":
    main(sys.argv[1:])
