"""Plays a scenario: assembles the machine, boots it, lets the events happen, and says what came out.

The outcome of an event has the keys of `expect` in the vectors README, and more. Prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import define, field, frozen

from movsdk.bench import load
from movsdk.bench.assembly import apertures, assemble
from movsdk.bench.breaches import Account, Breaches
from movsdk.bench.happening import Happening
from movsdk.bench.pause_watch import PAUSE
from movsdk.bench.recorded import Fixed, Mixed, Movable, Portlike
from movsdk.bench.referee import Finding, Referee
from movsdk.bench.scenario import RECORDED_DRIVERS, BridgeSpec, EndpointSpec, EventSpec, FunctionSpec, Load, Scenario
from movsdk.bench.state import State, state_of
from movsdk.bench.unaware import without_rescan_hooks
from movsdk.bench.user_code import driver_class
from movsdk.bench.world import World, make_world
from movsdk.errors import HookSpecError
from movsdk.kernel import actor
from movsdk.kernel.binding import BoundDriver, register_driver
from movsdk.kernel.cmdline import read_command_line
from movsdk.kernel.device import Device
from movsdk.kernel.framebuffer import light
from movsdk.kernel.platform import platform_by_name
from movsdk.kernel.runtime_pm import pm_of
from movsdk.layout.table import PCI_FIXED
from movsdk.rescan.report import RescanReport
from movsdk.rescan.rules.record import Rules

_SILENT_OPS = ("plug", "unplug")
_FIRST = (*RECORDED_DRIVERS, "port")


@frozen
class Outcome:
    """What one event did. `hooks` and `state` have the form of the golden vectors."""

    op: str
    id: str | None
    rc: int
    boot_rescan: bool
    hooks: list[list[str]]
    state: State
    report: RescanReport = field(repr=False)
    findings: tuple[Finding, ...] = ()
    io: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    breaches: Breaches = field(factory=Breaches)

    def as_expected(self) -> dict[str, Any]:
        """The keys of `expect` in the vectors README."""
        return {
            "op": self.op,
            "id": self.id,
            "rc": self.rc,
            "boot_rescan": self.boot_rescan,
            "hooks": self.hooks,
            "state": self.state,
        }

    def as_json(self) -> dict[str, Any]:
        """The same, and what else is worth keeping."""
        report = self.report
        return self.as_expected() | {
            "moves": [
                {"id": m.device, "bar": m.bar, "old": [m.old.start, m.old.last], "new": m.new and [m.new.start, m.new.last]}
                for m in report.moves
            ],
            "blackouts": [{"id": label, "ns": spent} for label, spent in report.blackouts],
            "attempts": len(report.attempts),
            "removed": list(report.removed),
            "given_up": list(report.given_up),
            "unplaced": [str(place) for place in report.unplaced],
            "findings": [str(finding) for finding in self.findings],
            "io": list(self.io),
            "faults": list(self.faults),
            "broken": list(self.breaches.broken),
            "reported": list(self.breaches.reported),
        }


@define(eq=False)
class Player:
    """A scenario on the table. `play()` runs all events; `step()` one.

    `warnings`: what can be played but was hardly meant, or has no effect here, a line each.
    """

    scenario: Scenario
    rules: Rules
    faults: str = "raise"
    world: World = field(init=False)
    referee: Referee = field(init=False)
    account: Account = field(init=False, repr=False)
    happening: Happening = field(init=False, repr=False)
    warnings: tuple[str, ...] = field(init=False)
    _specs: dict[str, FunctionSpec] = field(init=False)
    _drivers: dict[str, BoundDriver] = field(factory=dict, init=False)
    _has_lit: set[str] = field(factory=set, init=False)  # firmware does so once, before the kernel comes

    def __attrs_post_init__(self) -> None:
        scenario = self.scenario
        platform = platform_by_name(scenario.platform)
        line = read_command_line(scenario.cmdline, platform, self.rules.switch)
        self.warnings = (*scenario.warnings, *line.warnings)
        self._specs = {spec.id: spec for spec in scenario.devices}
        self.world = make_world(
            assemble(scenario),
            apertures(scenario),
            self.rules,
            address_map=scenario.address_map,
            reserve=line.reserve_over(scenario.reserve),
            faults=self.faults,
            match_of=self._match,
            fixup=self._fixup,
            busy=[(piece.kind == "io", piece.span) for piece in scenario.reserved],
            platform=platform,
            command_line=line,
            pause_lasts=0 if all(spec.driver in RECORDED_DRIVERS for spec in scenario.devices) else PAUSE,
        )
        self.world.system.before_probe = self._lit
        self.referee = Referee(self.world)
        self.account = Account(self.world)
        self.happening = Happening(self.world)
        self._register()

    def _register(self) -> None:
        """Register each driver the scenario names: the recorded four in their order, ports, then the others as they come."""
        firsts: dict[str, FunctionSpec] = {}
        for spec in self.scenario.devices:
            firsts.setdefault(spec.driver, spec)
        recorded = {
            "movable": Movable(),
            "fixed": Fixed(),
            "portlike": Portlike(),
            "mixed": Mixed({spec.id: spec.fixed_bars for spec in self.scenario.devices}),
        }
        for reference in sorted(firsts, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST)):
            driver = recorded.get(reference) or driver_class(firsts[reference], self.scenario.folder)
            if reference in self.rules.unaware and isinstance(driver, type):
                driver = without_rescan_hooks(driver)
            if driver is not None:
                self._drivers[reference] = self._registered(reference, driver)

    def _registered(self, reference: str, driver: object) -> BoundDriver:
        try:
            return register_driver(self.world.system, driver)
        except HookSpecError as error:
            raise HookSpecError(f"{reference}: {error}", **error.fields) from error
        except Exception as error:  # a user's __init__ may raise anything
            site = actor.show(actor.raise_site(error))
            raise HookSpecError(f"{reference}: creating the driver raised {type(error).__name__} at {site}: {error}") from error

    def _match(self, device: Device) -> BoundDriver | None:
        spec = self._specs.get(device.label)
        return self._drivers.get(spec.driver) if spec is not None else None

    def _fixup(self, device: Device) -> None:
        spec = self._specs.get(device.label)
        if spec is None:
            return
        for bar in spec.pci_fixed:
            if device.resources[bar].flags:  # one that is absent is not there to be marked
                device.resources[bar].flags |= PCI_FIXED
        if isinstance(spec, BridgeSpec) and spec.hotplug:
            device.row.is_hotplug = True

    def _lit(self, device: Device) -> None:
        spec = self._specs.get(device.label)
        if isinstance(spec, EndpointSpec) and spec.lit is not None and device.label not in self._has_lit:
            self._has_lit.add(device.label)
            light(device, spec.lit)

    def play(self) -> Iterator[Outcome]:
        """Let every event happen; one outcome each, except for plug and unplug."""
        for event in self.scenario.events:
            outcome = self.step(event)
            if outcome is not None:
                yield outcome

    def step(self, event: EventSpec) -> Outcome | None:
        """Let one event happen, with the I/O that the scenario wants in flight meanwhile."""
        if event.op in _SILENT_OPS:
            self.happening.happen(event)
            return None
        system, faults_so_far = self.world.system, self.world.machine.fabric.faults
        faulty = len(faults_so_far)
        self.account.excuse_absent()
        running = self._start_loads(event)
        if running:
            system.ops.clock.advance(load.WARM_UP)
        if event.id is not None and event.force is not None and event.force.is_harmful:
            self.account.excuse(event.id)
        report = self.happening.happen(event)
        if running:
            system.ops.clock.advance(load.COOL_DOWN)
        for busy in running:
            busy.end()
        state = state_of(system, knows_disabled=self.rules.moves is not None)
        hooks = self.world.take_hooks()
        findings = tuple(self.referee.check(report))
        found = self.account.settle(report, [(busy.device.label, problem) for busy in running for problem in busy.problems])
        io = tuple(f"I/O on {busy.device.label}: {busy.summary}" for busy in running)
        # What the CPU did wrong is the sanitizer's to tell; what a device did, nobody else would.
        faults = tuple(str(fault) for fault in faults_so_far[faulty:] if fault.by != "cpu")
        return Outcome(event.op, event.id, report.rc, report.boot_rescan, hooks, state, report, findings, io, faults, found)

    def _start_loads(self, event: EventSpec) -> list[load.Busy]:
        if event.op == "sleep" or self.happening.sleep.is_on:  # who does I/O is frozen before the devices sleep
            return []
        wanted = {
            spec.id: spec.load for spec in self.scenario.devices if isinstance(spec, EndpointSpec) and spec.load is not None
        }
        if event.op == "io" and event.id is not None:
            wanted = {event.id: event.load or Load()}
        found = [(self.world.find(label), terms) for label, terms in wanted.items() if (event.op, event.id) != ("suspend", label)]
        return [load.start(device, terms) for device, terms in found if device is not None and _does_work(device)]


def _does_work(device: Device) -> bool:
    """There is a driver, and it does not sleep: who does I/O is quiet before and while a device sleeps."""
    return device.driver is not None and not pm_of(device).is_suspended
