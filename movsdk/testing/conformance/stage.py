"""The stage of one trial: a bench with the driver on it, and everything that is seen of the driver meanwhile.

Trials say what happens; the stage plays it, looks at the pause from inside, and turns what went wrong into violations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from attrs import define, field

from movsdk.bench.alarm import Hung
from movsdk.bench.bench import Bench
from movsdk.clock import NS_PER_MS
from movsdk.errors import (
    AccessFault,
    BadInput,
    HookFailed,
    InvariantBroken,
    NoSpace,
    PciError,
)
from movsdk.kernel.actor import Site
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.pci_regs import ROM_RESOURCE
from movsdk.testing.conformance import inspecting
from movsdk.testing.conformance.classify import leak_rule, left_behind
from movsdk.testing.conformance.driver_calls import patience, ran
from movsdk.testing.conformance.findings import Findings
from movsdk.testing.conformance.rule import Weight
from movsdk.testing.conformance.trial import NotChecked
from movsdk.testing.conformance.violation import LEFT_BEHIND
from movsdk.testing.conformance.watchdog import VIRTUAL_MS, watched

PAUSE_MS = 40  # how long a pause lasts; trials that wait for slow timers take longer ones


@define(eq=False)
class Stage(Findings):
    """What a trial works with. `terms` are those of the bench."""

    terms: dict[str, Any] = field(factory=dict)
    driver: Any = field(init=False)
    pause_ms: float = field(default=PAUSE_MS, init=False)
    leak_weight: Weight = field(default=Weight.ERROR, init=False)
    waits_for_work: bool = field(default=False, init=False)  # a pause lasts until all work that is left has run
    patience_ms: int = field(default=VIRTUAL_MS, init=False)  # how long anything may wait
    has_hung: bool = field(default=False, init=False)  # torn out of a rescan: the bench is good for nothing any more
    is_nested: bool = field(default=False, init=False)  # a rescan inside a user call
    hook_ms: float = field(default=0.0, init=False)  # longest time that drivers took for one pause, without what the kit adds
    _before: dict[str, inspecting.Standing] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.bench = Bench(**{"strict": False, "ports": 6, **self.terms})
        self.driver = self.subject.make_driver()
        self.blame = self.trial.blames
        self._listen()

    # --- what happens ----------------------------------------------------------------------------------------
    def plug(self, *, slot: str | None = None) -> PciDev:
        """Put one more card in. Raises `NotChecked` if its probe fails: that is told once, by the trial `works`."""
        return self._plugged(lambda: [self.bench.plug(self.driver, self.subject.make_model(), slot=slot)])[0]

    def plug_functions(self, count: int) -> list[PciDev]:
        """Put a card with `count` functions of this kind in. Raises as `plug`."""
        return self._plugged(lambda: self.bench.plug_functions(*[(self.driver, self.subject.make_model()) for _ in range(count)]))

    def io(self, dev: PciDev) -> bool:
        """Ask for one round of I/O. Returns whether it went well; what it raises is blamed on the trial's rule."""
        if not self.subject.does_io:
            return True
        return self.call(dev, "exercise", lambda: ran(self.bench.driver(dev).exercise(dev)))

    def call(self, dev: PciDev, what: str, work: Callable[[], object]) -> bool:
        """Let a user call `what` of the driver's run. Returns whether it went well."""
        seen = len(self.violations)
        self.in_user_call = True
        try:
            self._guarded(what, work)
        except InvariantBroken:
            raise
        except Hung as hung:
            self.collect()
            self.note(self.blame, f"{dev}: {hung}", ("hung", what), hung.site)
        except AccessFault:
            pass  # it is on the timeline as well
        except Exception as error:  # whatever a driver raises is a finding
            self.collect()  # what came before it explains it
            self._raised(device_of(dev), what, error)
        finally:
            self.collect()
            self.in_user_call = False
        return len(self.violations) == seen

    def move(self, dev: PciDev, bars: Iterable[int]) -> None:
        """Force these BARs to move. Raises `NotChecked` if they cannot."""
        self.force(dev, bars=tuple(bars))

    def force(self, dev: PciDev, **words: Any) -> None:
        """Force a move and more, by the words of `Bench.force`. Raises `NotChecked` if that cannot be."""
        try:
            self._rescanning(lambda: self.bench.force(dev, **words))
        except (NoSpace, BadInput) as error:
            self.collect()
            raise NotChecked(str(error)) from error

    def rescan(self) -> None:
        """A rescan by hand, in which nothing has to move."""
        self._rescanning(self.bench.rescan)

    def during(self, step: str, action: Callable[[], object], dev: PciDev, bars: Iterable[int] | None = None) -> None:
        """Force a move of `bars` (None = all), with `action` before the step of that name."""
        with self.bench.before_step(step, action):
            self.move(dev, self.movable_bars(dev) if bars is None else bars)

    def while_paused(self, action: Callable[[], object], dev: PciDev) -> None:
        """Force all BARs to move, with `action` right after the pause, while every BAR still has its old address."""
        moves = self.bench.world.engine.rules.moves
        order = moves.order if moves is not None else ()
        if "pause" not in order:
            raise NotChecked(f"nothing is paused with rules {self.bench.rules}")
        self.during(order[order.index("pause") + 1], action, dev)

    def do(self, what: str, work: Callable[[], object]) -> object:
        """Any other operation of the bench or the kernel in which hooks of the driver run."""
        try:
            return self._guarded(what, work)
        except Hung as hung:
            self.has_hung = True
            if not self.is_nested:  # it may wait for the user call that we have interrupted
                self.note("C31", f"{self.subject.name}: {hung}", ("hung", what), hung.site)
            raise NotChecked(str(hung)) from hung
        finally:
            self.collect()

    def settle(self, milliseconds: float = 50) -> None:
        """Let time pass, so that timers, work and interrupts come."""
        self.do("waiting", lambda: self.bench.run(milliseconds))

    def remove(self, dev: PciDev) -> None:
        """Orderly removal; afterwards the driver holds nothing."""
        device = device_of(dev)
        since = len(self.bench.trace)
        self.do("remove", lambda: self.bench.remove(dev))
        self.settle(5)
        for text in left_behind(self.bench.trace, device, since):
            self.note(leak_rule(text, self), f"{device}: {text}", (LEFT_BEHIND, text), weight=self.leak_weight)

    def finish(self) -> None:
        """The usual end: time passes, every card is used once more and removed."""
        for dev in self.cards:
            if device_of(dev).driver is not None:
                self.settle()
                self.io(dev)
                self.remove(dev)

    def clear_away(self) -> None:
        """Take out what a story left in that did not come to its end, unheard: a driver's class may remember its cards."""
        for dev in self.cards:
            if self.has_hung:
                return
            if device_of(dev).driver is not None:
                with suppress(Exception, Hung):  # all of it was told before
                    self._guarded("remove", lambda dev=dev: self.bench.remove(dev))  # type: ignore[misc]  # bound now

    # --- what is known ---------------------------------------------------------------------------------------
    def movable_bars(self, dev: PciDev) -> tuple[int, ...]:
        """BARs that may move. Raises `NotChecked` if there is none."""
        subsets = self.bar_subsets(dev)
        if not subsets:
            raise NotChecked("the driver pins every BAR it has")
        return subsets[-1]

    def bar_subsets(self, dev: PciDev) -> list[tuple[int, ...]]:
        """See `Bench.bar_subsets`; asks the driver, which may never answer."""
        subsets: Any = self.do("bar_fixed", lambda: self.bench.bar_subsets(dev))
        return list(subsets)

    # --- inside ----------------------------------------------------------------------------------------------
    def _plugged(self, plug: Callable[[], list[PciDev]]) -> list[PciDev]:
        try:
            cards: Any = self._guarded("probe", plug)
        except (Hung, PciError, HookFailed, BadInput) as error:
            self.collect()
            if isinstance(error, Hung) and self.cards:  # a hot-add pauses those that are there
                self.has_hung = True
                self.note("C31", f"{self.subject.name}: {error}", ("hung", "rescan"), error.site)
            raise NotChecked(f"probe failed: {error}") from error
        self.cards += cards
        return list(cards)

    def _guarded(self, what: str, work: Callable[[], object]) -> object:
        clock = self.bench.world.system.ops.clock
        return watched(clock, what, work, self.patience_ms, self.subject.loopers, self.is_nested)

    def _rescanning(self, work: Callable[[], object]) -> None:
        self._before = {device_of(dev).label: inspecting.standing(self, dev) for dev in self.cards if device_of(dev).driver}
        self.moved = True
        self.do("rescan", self._excusing_losers(work))
        for dev in self.cards:
            label = device_of(dev).label
            if label not in self._excused and (before := self._before.get(label)):
                inspecting.after_done(self, dev, before)

    def _excusing_losers(self, work: Callable[[], object]) -> Callable[[], object]:
        """`work`, after which a device that finds a BAR without a place may say so: not its driver took it away."""
        had = {dev: set(_placed(dev)) for dev in self.cards}

        def rescan() -> object:
            try:
                return work()
            finally:
                for dev, bars in had.items():
                    if not device_of(dev).is_removed and bars - set(_placed(dev)):
                        self.excuse(dev)

        return rescan

    def _listen(self) -> None:
        engine, clock = self.bench.world.engine, self.bench.world.system.ops.clock
        inner, was, since, took = engine.before_step, "", 0, 0

        def at(step: str) -> None:
            nonlocal was, since, took
            if was in ("pause", "resume"):
                took = clock.now - since + (took if was == "resume" else 0)
                self.hook_ms = max(self.hook_ms, took / NS_PER_MS)
            if was == "pause":
                for dev in self.cards:
                    inspecting.after_prepare(self, dev)
                lasts = patience(self.cards, self.pause_ms) if self.waits_for_work else self.pause_ms
                clock.advance(int(lasts * NS_PER_MS))
            was = step
            inner(step)
            since = clock.now

        engine.before_step = at
        self.bench.world.system.config_observer = self._config_seen

    def _config_seen(self, device: Device, operation: str, offset: int, _size: int, value: int, site: Site) -> None:
        if device.view in self.cards:
            inspecting.config_access(self, device, operation, offset, value, site)


def _placed(dev: PciDev) -> Iterator[int]:
    return (bar for bar in range(ROM_RESOURCE) if device_of(dev).bar_span(bar) is not None)
