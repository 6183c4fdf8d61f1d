"""Random machines for Hypothesis: scenarios as plain objects, small enough to read and tight enough to go wrong.

Twin: the recorder's random vectors (rNNNNN, fNNNNN). Shrinks towards one bridge, one card, no firmware values, one rescan.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from movsdk.bench.scenario import Scenario
from movsdk.bench.scenario_schema import parse

K, M = 1 << 10, 1 << 20
MEM, PREF = 0x8000_0000, 0x40_0000_0000
DRIVERS = ("movable", "fixed", "portlike", "mixed", "none")
_SIZES = {
    "mem32": (M, 2 * M, 4 * M, 64 * K, 4 * K),
    "pref64": (M, 4 * M, 16 * M, 64 * K),
    "pref32": (M, 2 * M),
    "mem64": (M, 64 * K),
    "io": (32, 256, 4 * K),
}
_TYPES = ("mem32", "mem32", "mem32", "pref64", "io", "mem64", "pref32")


@st.composite
def bars(draw: st.DrawFn, *, has_firmware: bool) -> list[dict[str, Any]]:
    """One to three BARs; with firmware values anywhere in the apertures, sensible or not."""
    found: list[dict[str, Any]] = []
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(_TYPES))
        size = draw(st.sampled_from(_SIZES[kind]))
        bar: dict[str, Any] = {"n": number, "type": kind, "size": size}
        if has_firmware and kind in ("mem32", "mem64", "pref32") and draw(st.booleans()):
            bar["firmware"] = MEM + draw(st.integers(0, 15)) * max(size, M)
        found.append(bar)
        number += 2 if kind.endswith("64") else 1
    return found


@st.composite
def trees(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One to four bridges, nested as it comes, and up to six cards on them or on the root bus."""
    has_firmware = draw(st.booleans())
    bridges: list[dict[str, Any]] = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        on = draw(st.sampled_from(["root", *(bridge["id"] for bridge in bridges)]))
        bridges.append(
            {
                "id": f"b{number}",
                "on": on,
                "slot": f"{number:02x}.0",
                "kind": "bridge",
                "hotplug": draw(st.booleans()),
                "prefetchable": draw(st.sampled_from([64, None, 32])),
                "io": draw(st.booleans()),
            }
        )
    places = ["root", *(bridge["id"] for bridge in bridges)]
    cards = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        driver = draw(st.sampled_from(DRIVERS))
        card: dict[str, Any] = {
            "id": f"d{number}",
            "on": draw(st.sampled_from(places[1:] * 3 + places[:1])),
            "slot": f"{8 + number:02x}.0",
            "driver": driver,
            "bars": draw(bars(has_firmware=has_firmware)),
            "present": number == 1 or draw(st.sampled_from([True, False])),
        }
        if driver == "mixed":
            card["fixed_bars"] = draw(st.sampled_from([[0], [1], [0, 1]]))
        cards.append(card)
    return bridges + cards


@st.composite
def events(draw: st.DrawFn, tree: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Boot, then cards come and go and somebody rescans."""
    coming = [device for device in tree if not device.get("present", True)]
    staying = [device["id"] for device in tree if device.get("present", True) and device.get("kind") != "bridge"]
    told: list[dict[str, Any]] = [{"op": "boot"}]
    for device in draw(st.permutations(coming)):
        told.append({"op": "plug", "id": device["id"]})
        if draw(st.integers(0, 3)):  # else two come at once
            told.append({"op": "rescan"} if device["on"] == "root" else {"op": "hotadd", "id": device["on"]})
    somebody_goes = draw(st.booleans())
    if staying and somebody_goes:
        told.append({"op": "remove", "id": draw(st.sampled_from(staying))})
    return [*told, *({"op": "rescan"} for _ in range(draw(st.integers(1, 2))))]


@st.composite
def machines(draw: st.DrawFn) -> Scenario:
    """A machine whose apertures are hardly larger than what is in it, and what happens to it."""
    tree = draw(trees())
    windows: list[dict[str, Any]] = [{"type": "mem", "start": MEM, "last": MEM + draw(st.integers(1, 32)) * M - 1}]
    if draw(st.booleans()):
        windows.insert(0, {"type": "io", "start": 0x1000, "last": 0x1000 * draw(st.sampled_from([2, 4, 16])) - 1})
    if draw(st.booleans()):
        windows.append({"type": "pref64", "start": PREF, "last": PREF + draw(st.integers(1, 64)) * M - 1})
    reserve = {"io": 256, "mem": 2 * M, "pref": 2 * M} if draw(st.booleans()) else {"io": 0, "mem": 0, "pref": 0}
    value = {"windows": windows, "reserve": reserve, "devices": tree, "events": draw(events(tree))}
    return parse(value, "random machine")
