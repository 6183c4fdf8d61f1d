"""Machines that nobody recorded: golden vectors with something else in them. The same seed is always the same machine.

Plays nothing by itself but through `played`; ``benchmarks/vary_vectors.py`` goes through thousands.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from movsdk.bench.player import Player
from movsdk.bench.scenario import Scenario
from movsdk.rescan.rules import by_name
from tests.golden.recordings import lines, vector

RULES: Final = ("v9", "v5", "v2", "off")
KNOWN_FINDINGS: Final = frozenset({"E01", "E02", "E03", "E04", "E12", "C43", "O59"})
"""What may come of such a machine: two decoders, a closed window, a lost BAR, a pin forgotten, a newcomer given up, a card that
came back unnoticed, a bus out of reach.
"""
_KINDS: Final = ("io", "mem32", "pref32", "mem64", "pref64", "rom")
_MEG: Final = 1 << 20
_TOP: Final = 0x40_0000_0000

Json = dict[str, Any]
Change = Callable[[random.Random, Json], None]


# --- pieces ---------------------------------------------------------------------------------------------------
def _size(rng: random.Random, kind: str) -> int:
    if kind == "io":
        return 1 << rng.randint(2, 8)
    if kind == "rom":
        return 1 << rng.randint(11, 20)
    return 1 << (rng.randint(12, 26) if rng.random() < 0.95 else rng.randint(27, 30 if kind.endswith("32") else 39))


def _bar(rng: random.Random, number: int) -> Json:
    kind = "rom" if number == 6 else rng.choice(_KINDS[:3] if number == 5 else _KINDS[:5])
    return {"n": number, "type": kind, "size": _size(rng, kind)}


def _bars(rng: random.Random) -> list[Json]:
    bars, number = [], 0
    while number < 7:
        if rng.random() < 0.35:
            bars.append(_bar(rng, number))
            number += bars[-1]["type"] in ("mem64", "pref64")
        number += 1
    return bars


def _endpoints(machine: Json) -> list[Json]:
    return [device for device in machine["devices"] if device["kind"] == "endpoint"]


def _bridges(machine: Json) -> list[Json]:
    return [device for device in machine["devices"] if device["kind"] == "bridge"]


def _free_slot(rng: random.Random, machine: Json, bus: str) -> str | None:
    taken = {device["slot"] for device in machine["devices"] if device["on"] == bus}
    free = [f"{number:02x}.0" for number in range(32) if f"{number:02x}.0" not in taken]
    return rng.choice(free) if free else None


def _some_bus(rng: random.Random, machine: Json) -> str:
    return str(rng.choice(["root", *(bridge["id"] for bridge in _bridges(machine))]))


# --- changes --------------------------------------------------------------------------------------------------
def _add_endpoint(rng: random.Random, machine: Json) -> None:
    bus = _some_bus(rng, machine)
    slot = _free_slot(rng, machine, bus)
    if slot is None:
        return
    device: Json = {"id": f"new{len(machine['devices'])}", "on": bus, "slot": slot, "kind": "endpoint", "bars": _bars(rng)}
    device["driver"] = rng.choice(("movable", "fixed", "portlike", "mixed", "none"))
    if rng.random() < 0.3:
        device["fixed_bars"] = sorted(rng.sample(range(7), 2))
    if rng.random() < 0.1:
        device["class"] = rng.choice((0x030000, 0, 0x060000, 0x080020, 0x010802))
    machine["devices"].append(device)
    if rng.random() < 0.5:
        device["present"] = False
        at = rng.randint(1, len(machine["events"]))
        tell = {"op": "rescan"} if bus == "root" else {"op": "hotadd", "id": bus}
        machine["events"][at:at] = [{"op": "plug", "id": device["id"]}, tell]


def _add_bridge(rng: random.Random, machine: Json) -> None:
    bus = _some_bus(rng, machine)
    slot = _free_slot(rng, machine, bus)
    if slot is None:
        return
    label = f"new{len(machine['devices'])}"
    bridge: Json = {"id": label, "on": bus, "slot": slot, "kind": "bridge", "hotplug": rng.random() < 0.6}
    bridge |= {"prefetchable": rng.choice((64, 64, 32, None)), "io": rng.random() < 0.7}
    if rng.random() < 0.05:
        bridge["class"] = 0x060401
    if rng.random() < 0.3:
        bridge["present"] = False
    movers = [device for device in machine["devices"] if device["on"] == bus and device["id"] != label]
    machine["devices"].append(bridge)
    for device in rng.sample(movers, min(len(movers), 2)):
        if rng.random() < 0.5 and not device.get("firmware"):
            device["on"] = label


def _drop_device(rng: random.Random, machine: Json) -> None:
    if len(machine["devices"]) < 2:
        return
    gone = {rng.choice(machine["devices"])["id"]}
    while more := {device["id"] for device in machine["devices"] if device["on"] in gone} - gone:
        gone |= more
    machine["devices"] = [device for device in machine["devices"] if device["id"] not in gone]
    machine["events"] = [event for event in machine["events"] if event.get("id") not in gone]


def _change_bars(rng: random.Random, machine: Json) -> None:
    if not _endpoints(machine):
        return
    device = rng.choice(_endpoints(machine))
    bars = device["bars"]
    if bars and rng.random() < 0.6:
        bar = rng.choice(bars)
        bar["size"] = _size(rng, bar["type"])
        if "firmware" in bar:
            bar["firmware"] &= -bar["size"]
        if not bar.get("firmware"):
            bar.pop("firmware", None)
    else:
        device["bars"] = _bars(rng)


def _change_driver(rng: random.Random, machine: Json) -> None:
    if not _endpoints(machine):
        return
    device = rng.choice(_endpoints(machine))
    device["driver"] = rng.choice(("movable", "fixed", "portlike", "mixed", "none"))
    device["fixed_bars"] = sorted(rng.sample(range(7), rng.randint(0, 3)))
    if rng.random() < 0.1:
        device["class"] = 0x030000
    if rng.random() < 0.1 and device["bars"]:
        device["pci_fixed"] = [rng.choice(device["bars"])["n"]]


def _change_firmware(rng: random.Random, machine: Json) -> None:
    device = rng.choice(machine["devices"])
    places = [window["start"] for window in machine["windows"]] or [0x8000_0000]
    if device["kind"] == "bridge":
        firmware = device.setdefault("firmware", {})
        numbers = sorted(rng.sample(range(1, 40), 2))
        firmware["bus"] = [0, *numbers] if rng.random() < 0.8 else [rng.randint(0, 5), numbers[1], numbers[0]]
        kinds = ["mem", *(["io"] if device["io"] else []), *(["pref"] if device["prefetchable"] else [])]
        for kind in kinds:
            if rng.random() < 0.6:
                unit = 0x1000 if kind == "io" else _MEG
                base = 0x1000 if kind == "io" else rng.choice([place for place in places if place >= _MEG] or [0x8000_0000])
                if kind == "mem" or device["prefetchable"] != 64:
                    base &= 0xFFFF_FFFF
                start = (base & -unit) + unit * rng.randint(0, 8)
                firmware[kind] = [start, start + unit * rng.randint(1, 12) - 1]
    else:
        for bar in device["bars"]:
            if rng.random() < 0.6:
                wide = bar["type"].endswith("64")
                base = 0x1000 if bar["type"] == "io" else rng.choice(places)
                start = (base + rng.randint(0, 16) * bar["size"]) & -bar["size"]
                start = start if wide else start & 0xFFFF_FFFF
                limit = 1 << (64 if wide else 16 if bar["type"] == "io" else 32)
                if start and start + bar["size"] <= limit:
                    bar["firmware"] = start


def _change_windows(rng: random.Random, machine: Json) -> None:
    windows: list[Json] = []
    if rng.random() < 0.8:
        start = rng.choice((0, 0x1000, 0x2000, 0xC00))
        windows.append({"type": "io", "start": start, "last": 0xFFFF if rng.random() < 0.5 else start + 0x3FFF})
    at = 0x8000_0000 + rng.randint(0, 8) * _MEG
    for kind in rng.sample(("mem", "pref", "mem"), rng.randint(1, 3)):
        size = rng.randint(1, 96) * _MEG
        windows.append({"type": kind, "start": at, "last": at + size - 1})
        at += size + rng.choice((0, 0x10_0000, 0x400_0000))
    at = rng.choice((_TOP, 0xFF00_0000))
    for kind in rng.sample(("pref64", "mem64"), rng.randint(0, 2)):
        size = rng.randint(2, 300) * _MEG
        windows.append({"type": kind, "start": at, "last": at + size - 1})
        at += size + rng.choice((0, _MEG))
    machine["windows"] = windows


def _shrink_windows(rng: random.Random, machine: Json) -> None:
    for window in machine["windows"]:
        unit = 0x1000 if window["type"] == "io" else _MEG
        size = (window["last"] + 1 - window["start"]) // unit
        window["last"] = window["start"] + unit * rng.randint(max(1, size // 2), max(1, size)) - 1


def _change_reserve(rng: random.Random, machine: Json) -> None:
    machine["reserve"] = {
        "io": rng.choice((0, 0x100, 0x1000, 0x3000)),
        "mem": rng.choice((0, 1, 2, 3, 16)) * _MEG,
        "pref": rng.choice((0, 1, 2, 5, 64)) * _MEG,
        "buses": rng.choice((0, 1, 2, 4, 8, 16)),
    }


def _change_bridge(rng: random.Random, machine: Json) -> None:
    if _bridges(machine):
        bridge = rng.choice(_bridges(machine))
        bridge["hotplug"] = not bridge["hotplug"]
        if "firmware" not in bridge:
            bridge |= {"prefetchable": rng.choice((64, 32, None)), "io": rng.random() < 0.7}


def _change_events(rng: random.Random, machine: Json) -> None:
    """Two events change places, some come, some go; boot stays the first."""
    events = machine["events"][1:]
    rng.shuffle(events) if rng.random() < 0.2 else None
    for _ in range(rng.randint(1, 6)):
        device = rng.choice(machine["devices"])["id"]
        bus = rng.choice([bridge["id"] for bridge in _bridges(machine)] or [None])
        new = rng.choice(
            [
                [{"op": "rescan"}],
                [{"op": "remove", "id": device}],
                [{"op": "remove", "id": device}, {"op": "plug", "id": device}, {"op": "rescan"}],
                [{"op": "plug", "id": device}],
                [{"op": "hotadd", "id": bus}] if bus else [{"op": "rescan"}],
                [{"op": "unplug", "id": device}, {"op": "remove", "id": device}],
                [{"op": "unplug", "id": device}],
            ]
        )
        at = rng.randint(0, len(events))
        events[at:at] = new
        if len(events) > 4 and rng.random() < 0.3:
            del events[rng.randrange(len(events))]
    machine["events"][1:] = events


GENTLE: Final[tuple[Change, ...]] = (
    _add_endpoint,
    _change_bars,
    _change_driver,
    _shrink_windows,
    _change_reserve,
    _drop_device,
    _change_bridge,
)
"""Changes that the generator of the vectors might have made."""
WILD: Final[tuple[Change, ...]] = (*GENTLE, _add_bridge, _change_firmware, _change_windows, _change_events)


# --- plays ---
def variant(seed: int) -> tuple[str, Json]:
    """Name of the vector it was made of, and the machine as a plain object."""
    rng = random.Random(seed)
    name = rng.choice(sorted(lines("v9")))
    machine: Json = vector("v9", name)["scenario"]
    changes = WILD if rng.random() < 0.6 else GENTLE
    for _ in range(rng.randint(1, 6)):
        if machine["devices"]:
            rng.choice(changes)(rng, machine)
    return name, machine


def played(scenario: Scenario, rules: str) -> Counter[str]:
    """Play it; the findings by their rules. Raises whatever is wrong with the play."""
    found = Counter[str]()
    for outcome in Player(scenario, by_name(rules)).play():
        json.dumps(outcome.as_json())
        found.update(finding.rule for finding in outcome.findings)
        if outcome.breaches.broken:
            raise AssertionError(f"a recorded driver is said to break its contract: {outcome.breaches.broken[0]}")
    if unknown := found.keys() - KNOWN_FINDINGS:
        raise AssertionError(f"findings of an unknown kind: {sorted(unknown)}")
    return found
