"""How often kernels broke their promises, counted from what was recorded. Plays nothing, but counts what others have played.

Twin: docs/findings, whose numbers these are; benchmarks/count_findings.py prints them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from attrs import frozen

from tests.golden.recordings import Bar, State, cut_off, lines, live_pairs, lost_while_bound, vector

MOVING: Final = ("rescan", "hotadd")
_VGA: Final = 0x0300


@frozen
class Step:
    """One recorded event, the one before it, and whether the machine was touched between the two."""

    scenario: Mapping[str, Any]
    rules: str
    before: Mapping[str, Any]
    event: Mapping[str, Any]
    is_untouched: bool

    @property
    def lost(self) -> set[Bar]:
        """BARs that devices lost which are bound all the time."""
        return lost_while_bound(self.before["state"], self.event["state"])

    @property
    def given_up(self) -> list[str]:
        """Devices that have their BARs off after it, and had not before."""
        before = _given_up(self.before["state"])
        return [label for label in _given_up(self.event["state"]) if label not in before or self.rules == "v9"]


def steps(rules: str) -> Iterator[Step]:
    """Every event but boot, of every vector."""
    for name in lines(rules):
        recorded = vector(rules, name)
        yield from steps_of(recorded["scenario"], rules, recorded["expect"])


def steps_of(scenario: Mapping[str, Any], rules: str, events: Sequence[Mapping[str, Any]]) -> Iterator[Step]:
    """Every event but the first; `events` in the form of `expect`."""
    told = iter(scenario["events"])
    for before, event in pairwise(events):
        ops = []
        for one in told:
            ops.append(one["op"])
            if (one["op"], one.get("id")) == (event["op"], event["id"]):
                break
        yield Step(scenario, rules, before, event, "plug" not in ops and "unplug" not in ops)


def count(found: Iterable[Step]) -> Counter[str]:
    """The numbers of docs/findings. "losing": rescans and hot-adds in which a bound device lost a BAR."""
    total: Counter[str] = Counter()
    for step in found:
        total["events"] += 1
        total["live decoders"] += bool(live_pairs(step.event["state"], is_whole=True))
        if step.event["op"] in MOVING:
            total.update(_moving(step))
    return total


def _moving(step: Step) -> Counter[str]:
    op = step.event["op"]
    fixed, lost, elsewhere = _fixed(step), step.lost, _elsewhere(step)
    found = Counter(
        {
            "moving": 1,
            "losing": bool(lost),
            "losing fixed": bool(lost & fixed),
            "losing movable": bool(lost - fixed),
            "lost fixed BARs": len(lost & fixed),
            "lost movable BARs": len(lost - fixed),
            "half done": bool(lost and elsewhere),
            "changing places": bool(_taken_over(step, elsewhere)),
            "hot-adds": op == "hotadd",
            "losing outside": op == "hotadd" and bool(_outside(step, lost)),
            "cut off": bool(_cut_off(step)),
            "no such window": bool(_without_window(step, _cut_off(step))),
            "window stuck": bool(_stuck(step.event["state"]) - _stuck(step.before["state"])),
            "giving up": bool(step.given_up),
            "giving up two": len(step.given_up) > 1,
        }
    )
    if op == "rescan" and step.is_untouched and step.before["op"] in MOVING:
        after = f"after {step.before['op']}"
        found[f"unchanged {after}"] = 1
        found[f"moving again {after}"] = int(_bars(step.before["state"]) != _bars(step.event["state"]))
    return found


def _elsewhere(step: Step) -> set[Bar]:
    """BARs that had a place before and have another one now."""
    before, after = _bars(step.before["state"]), _bars(step.event["state"])
    return {bar for bar in before.keys() & after.keys() if before[bar][2] and after[bar][2] and before[bar] != after[bar]}


def _taken_over(step: Step, elsewhere: set[Bar]) -> set[Bar]:
    """Those of `elsewhere` that reach into where another of them was. An I/O port and a memory address may be the same number."""
    before, after = _bars(step.before["state"]), _bars(step.event["state"])
    is_io = {
        (device["id"], entry["n"]): entry["type"].startswith("io")
        for device in step.event["state"]
        for entry in device["resources"]
    }
    return {
        one
        for one in elsewhere
        for other in elsewhere - {one}
        if is_io[one] == is_io[other] and after[one][0] <= before[other][1] and before[other][0] <= after[one][1]
    }


def _given_up(state: State) -> list[str]:
    return [device["id"] for device in state if device["bars_disabled"]]


def _fixed(step: Step) -> set[Bar]:
    """BARs that must stay, by their driver's word, the platform's, or as memory of a VGA card."""
    found: set[Bar] = set()
    for device in step.scenario["devices"]:
        driver, numbers = device.get("driver"), [bar["n"] for bar in device.get("bars", ())]
        declared = (
            device.get("fixed_bars", ()) if driver == "mixed" and step.rules == "v9" else numbers if driver == "fixed" else ()
        )
        found |= {(device["id"], number) for number in (*declared, *device.get("pci_fixed", ()))}
        if device.get("class", 0) >> 8 == _VGA and driver not in ("movable", "portlike", "mixed"):
            found |= {(device["id"], bar["n"]) for bar in device.get("bars", ()) if bar["type"] != "io"}
    return found


def _outside(step: Step, lost: set[Bar]) -> set[Bar]:
    """Those of `lost` that are not below the bridge of the hot-add."""
    above = {device["id"]: device["on"] for device in step.scenario["devices"]}
    return {bar for bar in lost if step.event["id"] not in _path(bar[0], above)}


def _path(label: str, above: Mapping[str, str]) -> Iterator[str]:
    while label in above:
        label = above[label]
        yield label


def _cut_off(step: Step) -> set[Bar]:
    """BARs of bound devices, with a place, that a window above does not pass; and the event made it so."""
    return cut_off(step.event["state"]) - cut_off(step.before["state"])


def _without_window(step: Step, found: set[Bar]) -> set[Bar]:
    """Those of `found` that the kernel put into a prefetchable window of a bridge that has none."""
    lacking = {
        f"{device['id']}:9" for device in step.scenario["devices"] if device["kind"] == "bridge" and not device["prefetchable"]
    }
    return {
        (device["id"], entry["n"])
        for device in step.event["state"]
        for entry in device["resources"]
        if (device["id"], entry["n"]) in found and entry["parent"] in lacking
    }


def _stuck(state: State) -> set[Bar]:
    """Windows without a place that keep an address: nobody will try them again, and the bridge's register holds it."""
    return {
        (device["id"], entry["n"])
        for device in state
        for entry in device["resources"]
        if entry["kind"] == "window" and not entry["assigned"] and entry["start"]
    }


def _bars(state: State) -> dict[Bar, tuple[int, int, bool]]:
    return {
        (device["id"], entry["n"]): (entry["start"], entry["last"], entry["assigned"])
        for device in state
        for entry in device["resources"]
        if entry["kind"] != "window"
    }
