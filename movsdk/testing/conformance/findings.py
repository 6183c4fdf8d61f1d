"""What one trial finds: breaches as they are noted, who is excused, and which rule gets what nobody knows better."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from attrs import define, evolve, field

from movsdk.bench.bench import Bench
from movsdk.errors import AccessFault, MovError
from movsdk.kernel.actor import NOWHERE, Site, raise_site, show
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.testing.conformance.classify import comes_of_loss, is_said, of_failure, of_fault
from movsdk.testing.conformance.driver_calls import method_site
from movsdk.testing.conformance.rule import Weight
from movsdk.testing.conformance.subject import Subject
from movsdk.testing.conformance.trial import Trial
from movsdk.testing.conformance.violation import Violation, general
from movsdk.trace import What


@define(eq=False)
class Findings:
    """The books of one trial. `known` are symptoms that simpler trials met: they are not blamed on this one again.

    `cause` is the rule that simpler trials found broken: what this one finds may follow from it.
    """

    subject: Subject
    trial: Trial
    known: frozenset[Hashable] = frozenset()
    cause: str = ""
    bench: Bench = field(init=False)
    blame: str = field(init=False)
    violations: list[Violation] = field(factory=list, init=False)
    cards: list[PciDev] = field(factory=list, init=False)
    helpers: set[str] = field(factory=set, init=False)  # the kit's own cards: what they do is the driver's to prevent
    moved: bool = field(default=False, init=False)  # whether a rescan has been
    in_user_call: bool = field(default=False, init=False)
    remark: str = field(default="", init=False)  # what else is to be said of a user call that fails
    _excused: set[str] = field(factory=set, init=False)
    _failed: int = field(default=0, init=False)
    _logged: int = field(default=0, init=False)
    _told: set[int] = field(factory=set, init=False)

    @contextmanager
    def blaming(self, rule: str) -> Iterator[None]:
        """While inside, what nobody knows better is a breach of `rule`."""
        before, self.blame = self.blame, rule
        try:
            yield
        finally:
            self.collect()
            self.blame = before

    def excuse(self, dev: PciDev) -> None:
        """From now on errors that the driver reports for this device (`PciError`) are right: it lost it."""
        self._excused.add(device_of(dev).label)

    @contextmanager
    def excusing(self, dev: PciDev) -> Iterator[None]:
        """While inside, `dev` is excused."""
        self.collect()
        before = set(self._excused)
        self.excuse(dev)
        try:
            yield
        finally:
            self.collect()
            self._excused = before

    def note(
        self,
        rule: str,
        message: str,
        symptom: tuple[Hashable, ...],
        site: Site = NOWHERE,
        sites: dict[str, Site] | None = None,
        weight: Weight = Weight.ERROR,
    ) -> None:
        """Record a breach, unless a simpler trial or this one met the same symptom."""
        symptom = general(symptom)
        if symptom in self.known or any(seen.symptom == symptom for seen in self.violations):
            return
        if weight is Weight.ERROR and self.trial.claims(rule):
            rule = self.blame
        if rule == "C01":
            self._blame_the_mapping((sites or {}).get("mapped", NOWHERE))
        first = self.cause or next((seen.rule for seen in self.violations if seen.explains and not seen.follows), "")
        follows = first if first != rule else ""
        self.violations.append(Violation(rule, message, symptom, self.trial.name, site, sites or {}, weight, follows))

    def _blame_the_mapping(self, mapped: Site) -> None:
        """Who used the mapping made there while paused, as a handler does, did so because it was kept: that follows from C01."""
        users = [seen for seen in self.violations if seen.rule == "C05" and seen.sites.get("mapped") == mapped]
        for n, seen in enumerate(self.violations):
            if seen in users or (users and seen.rule == "C12"):
                self.violations[n] = evolve(seen, follows="C01")

    def collect(self) -> None:
        """Turn what happened since the last time into violations."""
        system = self.bench.world.system
        timeline, self._logged = system.trace.events[self._logged :], len(system.trace)
        failures, self._failed = system.failures[self._failed :], len(system.failures)
        for event in timeline:
            error = event.detail
            if event.what is What.FAULT and isinstance(error, AccessFault) and id(error) not in self._told:
                self._told.add(id(error))
                if not self.is_excused(event.who, error):
                    of_fault(self, error)
        for failure in failures:
            if id(failure.fields.get("error")) not in self._told:
                of_failure(self, failure)

    def is_excused(self, label: str, error: object) -> bool:
        """Whether `error` is only what a lost device's driver says; see `classify.comes_of_loss`."""
        return label in self._excused and comes_of_loss(error)

    def _raised(self, device: Device, what: str, error: Exception) -> None:
        is_answer = what == "exercise" and is_said(error)  # whatever it is called: I/O that finds wrong data raises
        if self.is_excused(device.label, error) or (device.label in self._excused and is_answer):
            return
        site = raise_site(error)
        if site == NOWHERE and device.driver is not None:  # it was not even entered
            site = method_site(device.driver.target, what)
        kind = "" if isinstance(error, MovError) else f"{type(error).__name__}: "
        text = f"{device}: {what} failed at {show(site)}: {kind}{error}{self.remark}"
        self.note(self.blame, text, (what, type(error).__name__, site), site)
