"""Small machines for the engine, written as scenarios: a port with cards, and what happens to them.

Twin: a golden vector one can read in the test. Plays nothing by itself.
"""

from __future__ import annotations

from typing import Any, Final

from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario_schema import parse
from movsdk.rescan.rules import by_name
from movsdk.rescan.rules.record import Rules

B: Final = 0x8000_0000
M: Final = 0x10_0000
Story = dict[str, Any]


def port(name: str = "hp", slot: str = "01.0", *, on: str = "root", hotplug: bool = True, **facts: Any) -> Story:
    """A bridge, hot-plug unless said otherwise, memory windows only."""
    return {"id": name, "on": on, "slot": slot, "kind": "bridge", "hotplug": hotplug, "io": False, "prefetchable": None, **facts}


def card(name: str, size: int = M, *, on: str = "hp", slot: str = "00.0", driver: str = "movable", **facts: Any) -> Story:
    """An endpoint with one 32-bit memory BAR of `size` bytes; other BARs may be given as `bars`."""
    bars = facts.pop("bars", [{"n": 0, "type": "mem32", "size": size}])
    return {"id": name, "on": on, "slot": slot, "driver": driver, "bars": bars, **facts}


def late(story: Story) -> Story:
    """The same, plugged later."""
    return story | {"present": False}


def player(rules: str | Rules, *devices: Story, size: int = 64 * M, events: str = "boot", **facts: Any) -> Player:
    """A machine with `size` bytes of memory behind its host bridge; events as ``boot, plug new, hotadd hp``, not played yet."""
    told = [dict(zip(("op", "id"), event.split(), strict=False)) for event in events.split(", ")]
    scenario = {
        "windows": [{"type": "mem", "start": B, "last": B + size - 1}],
        "reserve": {"io": 0, "mem": 0, "pref": 0, "buses": 1},
        "devices": list(devices),
        "events": told,
        **facts,
    }
    return Player(parse(scenario, "a test"), by_name(rules) if isinstance(rules, str) else rules)


def played(rules: str | Rules, *devices: Story, **facts: Any) -> tuple[Player, list[Outcome]]:
    """The same, and what came of it."""
    table = player(rules, *devices, **facts)
    return table, list(table.play())


def places(outcome: Outcome) -> dict[str, int | None]:
    """``device:slot`` of every BAR and ROM, and where it is; None without a place."""
    return {
        f"{device['id']}:{entry['n']}": entry["start"] if entry["assigned"] else None
        for device in outcome.state
        for entry in device["resources"]
        if entry["kind"] != "window"
    }
