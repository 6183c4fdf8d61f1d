"""Deep mode: random histories of hot-plug, rescans, I/O, sleep and trouble; the shortest that fails is a scenario file.

Each step is an event of a scenario, played by the player of ``movsdk run``, so that what fails here fails there. Hypothesis draws
the histories, the same ones for the same driver; what fails is shortened by leaving events out.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from attrs import evolve, frozen
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from movsdk.address import Span
from movsdk.bench import reference
from movsdk.bench.force import Force
from movsdk.bench.player import Player
from movsdk.bench.scenario import Aperture, BarDecl, BridgeSpec, EndpointSpec, EventSpec, Load, Scenario
from movsdk.bench.scenario_text import dump_scenario
from movsdk.errors import InvariantBroken
from movsdk.pci_regs import PcieType, PowerState
from movsdk.rescan.rules import by_name
from movsdk.testing.conformance.generic_model import parse_bars
from movsdk.testing.conformance.subject import Subject

HISTORIES: Final = 40
STEPS: Final = 10
_CARDS: Final = 3
_WINDOWS: Final = (
    Aperture("io", Span(0x1000, 0xFFFF)),
    Aperture("mem", Span(0x4000_0000, 0xEFFF_FFFF)),
    Aperture("pref64", Span(0x40_0000_0000, 0xFF_FFFF_FFFF)),
)


@frozen
class DeepVerdict:
    """How many histories were played, and the shortest failing one: as a scenario file, with what was broken."""

    histories: int
    broken: tuple[str, ...] = ()
    scenario: str = ""
    events: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every history went well."""
        return not self.broken


def deep_scenario(subject: Subject, driver: Any, model: Any = None, bars: str | None = None) -> Scenario:
    """A machine with three ports: two cards of the driver are in, the third is not yet."""
    devices: list[Any] = []
    for number in range(1, _CARDS + 1):
        port = f"port{number}"
        devices.append(BridgeSpec(id=port, slot=f"{number:02x}.0", hotplug=True, pcie=PcieType.ROOT_PORT, driver="port"))
        card = EndpointSpec(id=f"card{number}", on=port, present=number < _CARDS, driver=reference_of(driver))
        if model is not None:
            card = evolve(card, model=None if card.driver in reference.NAMES else reference_of(model))
        elif bars is not None:
            row = subject.make_driver().id_table[0]
            decls = tuple(BarDecl(bar.n, bar.kind, bar.size) for bar in parse_bars(bars))
            card = evolve(card, bars=decls, vendor=row.vendor & 0xFFFF, device=row.device & 0xFFFF)
        devices.append(card)
    return Scenario(windows=_WINDOWS, devices=tuple(devices), events=(EventSpec("boot"),), name=f"a history of {subject.name}")


def reference_of(found: Any) -> str:
    """How a scenario names a class: a reference driver's name, or ``file.py:Class``."""
    module = str(found.__module__)
    for name in reference.NAMES:
        if module in (f"movsdk.reference.{name}.driver", f"drivers.{name}.driver"):
            return name
    return f"{Path(inspect.getfile(found)).resolve()}:{found.__qualname__}"


@frozen
class _Failure:
    events: tuple[EventSpec, ...]
    broken: tuple[str, ...]


class _Broken(AssertionError):
    """A history broke a rule."""


def histories_of(
    subject: Subject, scenario: Scenario, *, rules: str = "v9", histories: int = HISTORIES, steps: int = STEPS
) -> DeepVerdict:
    """Play histories on `scenario`; returns the shortest failing one, if any fails."""
    does_io, sleeps = subject.does_io, {"suspend", "resume"} <= subject.hooks
    seen: list[_Failure] = []
    count = [0]

    class History(RuleBasedStateMachine):
        """Events so far, on one player."""

        def __init__(self) -> None:
            super().__init__()
            count[0] += 1
            self.player = Player(scenario, by_name(rules))
            self.events: list[EventSpec] = []
            self.present = {f"card{number}" for number in range(1, _CARDS)}
            self.asleep = False
            self.play(EventSpec("boot"))

        def play(self, *events: EventSpec) -> None:
            for event in events:
                self.events.append(event)
                outcome = self.player.step(event)
                if outcome is not None and outcome.breaches.broken:
                    seen.append(_Failure(tuple(self.events), outcome.breaches.broken))
                    raise _Broken(outcome.breaches.broken[0])

        def card(self, data: st.DataObject) -> str:
            """One of the cards that are in."""
            return str(data.draw(st.sampled_from(sorted(self.present))))

        @rule()
        def rescan(self) -> None:
            self.play(EventSpec("rescan"))

        @rule(ms=st.sampled_from((1, 20, 1500)))
        def wait(self, ms: int) -> None:
            self.play(EventSpec("wait", ms=ms))

        @precondition(lambda self: self.present)
        @rule(data=st.data())
        def force(self, data: st.DataObject) -> None:
            self.play(EventSpec("force", self.card(data), force=Force()))

        @precondition(lambda self: self.present)
        @rule(data=st.data(), word=st.sampled_from(("fails", "pull", "reset", "order", "again")))
        def trouble(self, data: st.DataObject, word: str) -> None:
            card = self.card(data)
            force = {
                "fails": Force(fails="iomap"),
                "pull": Force(pull="release"),
                "reset": Force(reset="model"),
                "order": Force(order=tuple(sorted(self.present, reverse=True))),
                "again": Force(again="release"),
            }[word]
            self.play(EventSpec("force", card, force=force))
            if word in ("fails", "pull"):
                self.present.discard(card)
                self.play(EventSpec("remove", card))

        @precondition(lambda self: self.present and does_io and not self.asleep)
        @rule(data=st.data())
        def io(self, data: st.DataObject) -> None:
            self.play(EventSpec("io", self.card(data), load=Load(4, 4, 4096)))

        @precondition(lambda self: sleeps and self.present and not self.asleep)
        @rule(data=st.data(), state=st.sampled_from((PowerState.D3HOT, PowerState.D3COLD)))
        def nap(self, data: st.DataObject, state: PowerState) -> None:
            card = self.card(data)
            self.play(EventSpec("suspend", card, state=state), EventSpec("force", card, force=Force()), EventSpec("resume", card))

        @precondition(lambda self: sleeps)
        @rule()
        def sleep_or_wake(self) -> None:
            self.play(EventSpec("wake" if self.asleep else "sleep"))
            self.asleep = not self.asleep

        @precondition(lambda self: len(self.present) < _CARDS and not self.asleep)
        @rule()
        def hot_add(self) -> None:
            card = min({f"card{number}" for number in range(1, _CARDS + 1)} - self.present)
            self.present.add(card)
            self.play(EventSpec("plug", card), EventSpec("hotadd", card.replace("card", "port")))

        @precondition(lambda self: self.present and not self.asleep)
        @rule(data=st.data(), how=st.sampled_from(("pull", "remove")))
        def take_out(self, data: st.DataObject, how: str) -> None:
            card = self.card(data)
            self.present.discard(card)
            self.play(EventSpec(how, card))

    History.TestCase.settings = settings()
    try:
        run_state_machine_as_test(
            History,
            settings=settings(
                max_examples=histories,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                derandomize=True,
                print_blob=False,
                verbosity=Verbosity.quiet,
                report_multiple_bugs=False,
                phases=(Phase.generate,),  # `_shortened` does the rest, on the events themselves
                suppress_health_check=list(HealthCheck),
            ),
        )
    except InvariantBroken:
        raise
    except Exception:
        if not seen:
            raise
    if not seen:
        return DeepVerdict(count[0])
    shortest = _shortened(scenario, min(seen, key=lambda failure: len(failure.events)), rules)
    told = evolve(scenario, events=shortest.events)
    return DeepVerdict(count[0], shortest.broken, dump_scenario(told), tuple(map(str, shortest.events)))


def _shortened(scenario: Scenario, failure: _Failure, rules: str) -> _Failure:
    """The same with fewer events, with cards that are in from the start, and with plain rescans, as long as it still fails."""
    failure = _without_events(scenario, failure, rules)
    for later in range(_CARDS, 1, -1):
        for earlier in range(1, later):
            simpler = _played(scenario, tuple(_as_card(failure.events, later, earlier)), rules)
            if simpler is not None and len(simpler.events) <= len(failure.events):
                failure = _without_events(scenario, simpler, rules)
    for at, event in enumerate(failure.events):
        if event.force == Force() and at < len(failure.events):
            plain = (*failure.events[:at], EventSpec("rescan"), *failure.events[at + 1 :])
            failure = _played(scenario, plain, rules) or failure
    return failure


def _without_events(scenario: Scenario, failure: _Failure, rules: str) -> _Failure:
    """Leave events out, one after the other, as long as the rest still fails."""
    at = len(failure.events) - 1
    while at > 0:  # the first is the boot
        rest = (*failure.events[:at], *failure.events[at + 1 :])
        failure = _played(scenario, rest, rules) or failure
        at = min(at, len(failure.events)) - 1
    return failure


def _as_card(events: tuple[EventSpec, ...], later: int, earlier: int) -> Iterator[EventSpec]:
    """What happens to one card happens to another; if that one is in from the start, nobody plugs it."""
    for event in events:
        if event.id == f"card{later}" and event.op != "plug":
            yield evolve(event, id=f"card{earlier}")
        elif event.id not in (f"card{later}", f"port{later}"):
            yield event


def _played(scenario: Scenario, events: tuple[EventSpec, ...], rules: str) -> _Failure | None:
    """The failure that these events meet, cut off where it happens."""
    player = Player(scenario, by_name(rules))
    for number, event in enumerate(events, 1):
        outcome = player.step(event)
        if outcome is not None and outcome.breaches.broken:
            return _Failure(events[:number], outcome.breaches.broken)
    return None
