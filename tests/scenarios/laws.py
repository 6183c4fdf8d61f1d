"""Engine rules E01-E13 as code: plays a scenario, asserts what every kernel keeps, and names the page of each promise it breaks.

Twin: docs/findings/index.md, which tells the rules in words. E07 and E11 take more than one look: see `test_engine_rules`.
"""

from __future__ import annotations

import re
from typing import Any, Final

from attrs import define, field

from mockbus.fabric import Fabric
from movsdk.bench.meanwhile import Meanwhile
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import EventSpec, Scenario
from movsdk.bench.state import State
from movsdk.kernel.device import Device
from movsdk.layout.table import FOUR_GIG, IO, MEM_64, PREF, STARTALIGN, UNSET, Resource
from movsdk.pci_regs import BRIDGE_RESOURCES, COMMAND, COMMAND_MEMORY, IO_WINDOW, bar_register
from movsdk.rescan.rules.record import Rules

Bar = tuple[str, int]
_MOVING: Final = ("rescan", "hotadd")
_SHARED: Final = re.compile(r"(\S+) BAR (\d)")
_K4: Final = 0x1000
_M: Final = 0x10_0000


# --- the seam: what is written to BAR registers, and when (E08, E09, E10) --------------------------------------------------
@define(eq=False)
class WatchedOps:
    """The fabric as the kernel sees it; `breaches` grows with each config write that breaks a rule."""

    fabric: Fabric
    system: Any
    breaches: list[str] = field(factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.fabric, name)

    def take(self) -> list[str]:
        """The breaches since the last time."""
        found, self.breaches = self.breaches, []
        return found

    def config_write(self, bus: int, devfn: int, offset: int, size: int, value: int) -> None:
        """Pass it on, after a look."""
        for device in self.system.devices():
            if (device.bus.number, device.devfn) == (bus, devfn) and device.row.is_added:
                self._look(device, offset, size, value)
        self.fabric.config_write(bus, devfn, offset, size, value)

    def _look(self, device: Device, offset: int, size: int, value: int) -> None:
        for number in range(2 if device.row.is_bridge else 6):
            flags = device.resources[number].flags
            at = offset - bar_register(number, device.row.is_bridge)
            if not flags or at not in ((0, 4) if flags & MEM_64 else (0,)):
                continue
            if flags & MEM_64 and self.fabric.config_read(device.bus.number, device.devfn, COMMAND, 2) & COMMAND_MEMORY:
                self.breaches.append(f"E08 {device.label}: half of 64-bit BAR {number} written while it decodes")
            if value == (1 << 8 * size) - 1:
                self.breaches.append(f"E09 {device.label}: BAR {number} sized while it is in use")
            if device.driver is not None and device.driver.has("rescan_prepare") and not device.is_paused:
                self.breaches.append(f"E10 {device.label}: BAR {number} written while its driver uses it")


# --- one scenario ------------------------------------------------------------------------------------------------------
@define(eq=False)
class Trial:
    """A scenario under `rules`. `breaks`: (rule, page of docs/findings) of each promise that was broken, listed or not."""

    scenario: Scenario
    rules: Rules
    breaks: set[tuple[str, str]] = field(factory=set, init=False)
    outcomes: list[Outcome] = field(factory=list, init=False)
    player: Player = field(init=False)
    _watch: WatchedOps = field(init=False)
    _meanwhile: Meanwhile = field(init=False)
    _touched: bool = field(default=True, init=False)

    def __attrs_post_init__(self) -> None:
        self.player = Player(self.scenario, self.rules, "hardware")
        system = self.player.world.system
        self._watch = WatchedOps(self.player.world.machine.fabric, system)
        system.ops = self._watch
        self._meanwhile = Meanwhile(self.player.world)

    def run(self) -> Trial:
        """Play all events; AssertionError where a rule is broken that no kernel breaks."""
        for event in self.scenario.events:
            outcome, pairs = self.player.step(event), self._meanwhile.take()
            if outcome is None:
                self._touched = True
                continue
            before = self.outcomes[-1] if self.outcomes else None
            self.outcomes.append(outcome)
            self._judge(event, before, outcome)
            if pairs and event.op in _MOVING:
                self.breaks.add(("E06", "two-decoders-meanwhile.md"))
            self._touched = event.op == "remove"
        return self

    def _judge(self, event: EventSpec, before: Outcome | None, outcome: Outcome) -> None:
        breaches = self._watch.take()
        if self._is_unpatched and any(breach.startswith("E10") for breach in breaches):
            self.breaks.add(("E10", "unpatched-sibling-cut-off.md"))
            breaches = [breach for breach in breaches if not breach.startswith("E10")]
        assert not breaches, breaches[0]
        self._windows_and_alignment()
        self._decoders(outcome)
        self._arrives(outcome)
        if before is None or event.op not in _MOVING:
            return
        self._losses(outcome)
        self._undone(before, outcome)
        self._attempts(outcome)
        _same_sizes(before.state, outcome.state)
        _fixed_stay(before.state, outcome)
        self._newcomers(outcome)
        if event.op == "rescan" and not self._touched and bars(before.state) != bars(outcome.state) and before.op in _MOVING:
            self.breaks.add(("E13", "not-idempotent.md"))

    @property
    def _is_unpatched(self) -> bool:
        return not self.player.world.system.can_move_bars

    def _windows_and_alignment(self) -> None:
        """E02: inside the parent, on a boundary of its size or granule; nothing overlaps (the referee sees to that)."""
        for device in self.player.world.system.devices():
            for resource in device.resources:
                if resource.parent is None or resource.flags & UNSET:
                    continue
                assert resource.parent.contains(resource), f"{device}: {resource}"
                if resource.index < BRIDGE_RESOURCES:
                    assert resource.start % resource.size == 0, f"{device}: {resource}"
                    _sits_where_it_may(device, resource, is_unpatched=self._is_unpatched)
                elif not resource.flags & STARTALIGN:
                    granule = _K4 if resource.index == IO_WINDOW else _M
                    assert resource.start % granule == 0, f"{device}: {resource}"
                    assert self._is_unpatched or resource.size % granule == 0, f"{device}: {resource}"

    def _decoders(self, outcome: Outcome) -> None:
        """E01: of those who share an address at most one has a place; unless somebody is bound it is firmware's doing."""
        has_place = {key for key, (_, _, assigned) in bars(outcome.state).items() if assigned}
        drivers = {device["id"]: device["driver"] for device in outcome.state}
        for finding in outcome.findings:
            sharing = [(label, int(number)) for label, number in _SHARED.findall(finding.text.partition(":")[2])]
            if finding.rule == "E01":
                assert len(has_place.intersection(sharing)) < 2, str(finding)
                if any(drivers.get(label) for label, _ in sharing):
                    self.breaks.add(("E01", "newcomer-over-live-device.md"))

    def _arrives(self, outcome: Outcome) -> None:
        """E02: what has a place and a driver can be reached."""
        missing = {
            f"{row.name}:9"
            for row in (device.row for device in self.player.world.system.devices())
            if row.is_bridge and not row.has_pref
        }
        parents = {device["id"]: {entry["parent"] for entry in device["resources"]} for device in outcome.state}
        for finding in outcome.findings:
            if finding.rule != "E02" or not finding.text.startswith("bound"):
                continue
            if parents[finding.device] & missing:
                self.breaks.add(("E02", "window-that-is-not-there.md"))
            elif self._is_unpatched:
                self.breaks.add(("E02", "unpatched-window-never-opened.md"))
            elif _has_stuck_window(outcome.state):
                self.breaks.add(("E02", "v5-window-stuck.md"))
            else:
                self.breaks.add(("E02", f"unlisted: {finding}"))

    def _losses(self, outcome: Outcome) -> None:
        """E03: a movable BAR is lost only where nothing helped; a fixed one may go unnoticed in the first two attempts."""
        report = outcome.report
        fixed = {(label, number) for label, number, _ in report.fixed}
        drivers = {device["id"]: device["driver"] for device in outcome.state}
        added = {device["id"] for device in outcome.state if device["added"]}
        for move in report.lost:
            if not drivers.get(move.device) or move.device not in added:
                continue
            if self._is_unpatched:  # from the start, or since a subtractive bridge was seen
                self.breaks.add(("E03", "unpatched-sibling-cut-off.md"))
            elif (move.device, move.bar) in fixed:
                self.breaks.add(("E03", "lost-fixed-bars.md"))
            else:
                assert not report.attempts[-1].is_accepted or move.device in report.given_up, f"lost unnoticed: {move}"
                self.breaks.add(("E03", "lost-movable-bars.md"))

    def _undone(self, before: Outcome, outcome: Outcome) -> None:
        """E05: when the last attempt fails too, or an unpatched newcomer stays without a place, everybody is where he was."""
        report = outcome.report
        failed = bool(report.attempts) and not report.attempts[-1].is_accepted
        if self._is_unpatched:
            failed = any(place.device in report.found for place in report.unplaced)
        old, new = bars(before.state), bars(outcome.state)
        if failed and any(place[2] and new[key] != place for key, place in old.items() if key in new):
            page = "unpatched-sibling-cut-off.md" if self._is_unpatched else "failed-rescan-not-undone.md"
            self.breaks.add(("E05", page))

    def _attempts(self, outcome: Outcome) -> None:
        """One a newcomer, and one; with v9 three (reserves, none, what worked)."""
        least = 3 if self.rules.name.startswith("v9") else 1
        newcomers = [device for device in outcome.state if device["id"] in outcome.report.found or not device["added"]]
        gone = len(outcome.report.given_up)  # v2 has taken them off the list
        assert len(outcome.report.attempts) <= least + len(newcomers) + gone

    def _newcomers(self, outcome: Outcome) -> None:
        """E12: who is given up is still to be seen; v2 takes it off the list, as it says."""
        visible = {device["id"] for device in outcome.state}
        for label in outcome.report.given_up:
            if label in visible:
                continue
            assert self.rules.name.startswith("v2"), f"E12 {label} is gone"
        if len(outcome.report.given_up) > 1:
            self.breaks.add(("E12", "small-newcomer-sacrificed.md"))


def _has_stuck_window(state: State) -> bool:
    """A window without a place that keeps an address."""
    windows = (entry for device in state for entry in device["resources"] if entry["kind"] == "window")
    return any(not entry["assigned"] and entry["start"] for entry in windows)


def _sits_where_it_may(device: Device, resource: Resource, *, is_unpatched: bool) -> None:
    """A BAR: aligned by its size, in a window of its own bus, of a kind that can hold it, and where its register can point."""
    parent = resource.parent
    assert parent is not None
    assert not resource.flags & STARTALIGN, f"{device}: {resource}"
    assert bool(parent.flags & IO) == bool(resource.flags & IO), f"{device}: {resource} in {parent}"
    assert resource.flags & PREF or not parent.flags & PREF or parent.row is None, f"{device}: {resource} in {parent}"
    assert resource.flags & MEM_64 or resource.last < FOUR_GIG, f"{device}: {resource}"
    assert is_unpatched or parent.row is device.row.segment.bridge, f"{device}: {resource} in {parent}"


def _fixed_stay(before: State, outcome: Outcome) -> None:
    """E04: what is fixed keeps its register, and its place if it has one."""
    old, new = registers(before), registers(outcome.state)
    for label, number, span in outcome.report.fixed:
        if (label, number) in old and (label, number) in new:
            assert new[label, number] == old[label, number], f"E04 {label} BAR {number}"
        place = bars(outcome.state).get((label, number))
        assert place is None or not place[2] or place[0] == span.start, f"E04 {label} BAR {number}: {place}"


def _same_sizes(before: State, after: State) -> None:
    """A BAR is as big as it was, with a place and without."""
    old, new = bars(before), bars(after)
    for key in old.keys() & new.keys():
        assert old[key][1] - old[key][0] == new[key][1] - new[key][0], key


def registers(state: State) -> dict[Bar, int]:
    """What BAR registers hold."""
    return {
        (device["id"], entry["n"]): entry["register"] for device in state for entry in device["resources"] if "register" in entry
    }


def bars(state: State) -> dict[Bar, tuple[int, int, bool]]:
    """Start, last and whether it has a place, of BARs and ROMs."""
    return {
        (device["id"], entry["n"]): (entry["start"], entry["last"], entry["assigned"])
        for device in state
        for entry in device["resources"]
        if entry["kind"] != "window"
    }
