"""The conformance kit: plays the trials with a driver and says which rules it keeps.

`examine()` plays all of them; `Examination` plays what is asked for, and each trial at most once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from time import perf_counter
from typing import Any

from attrs import define, field, frozen

from movsdk.bench.alarm import Hung, alarm
from movsdk.errors import InvariantBroken
from movsdk.kernel.actor import raise_site, show
from movsdk.testing.conformance.catalogue import BASE, BY_ID, RULES
from movsdk.testing.conformance.room import no_place, windows_for
from movsdk.testing.conformance.rule import Rule, Status, Weight
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.subject import Subject
from movsdk.testing.conformance.trial import NotChecked, Trial, does_io
from movsdk.testing.conformance.trials import TRIALS, bridges
from movsdk.testing.conformance.violation import Violation, general
from movsdk.testing.conformance.watchdog import REAL_SECONDS, TornOut


@frozen
class Played:
    """What a trial brought: breaches, why it could not be played (to its end), the longest pause, and the real time of it all."""

    trial: Trial
    violations: tuple[Violation, ...]
    reason: str = ""
    hook_ms: float = 0.0
    seconds: float = 0.0


@frozen
class Judgement:
    """How the driver stands to one rule; `reason` where nothing was tried, `follows` if other breaches always came first."""

    rule: Rule
    status: Status
    violations: tuple[Violation, ...] = ()
    reason: str = ""
    follows: tuple[str, ...] = ()


@define(eq=False)
class Examination:
    """One driver under examination."""

    subject: Subject
    trials: tuple[Trial, ...] = TRIALS
    rules: tuple[Rule, ...] = RULES
    _played: dict[str, Played] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        if self.subject.drives_bridges:
            self.trials = bridges.TRIALS

    def play(self, trial: Trial) -> Played:
        """Play a trial once; those before it that it builds upon are played first."""
        if trial.name not in self._played:
            played = self._play(trial)
            if self.subject.is_generic and trial is self.trials[0] and played.violations and self.subject.does_io:
                self.subject.io_trouble = f"exercise() needs a model; on plain memory: {played.violations[0].message}"
                played = self._play(trial)
            self._played[trial.name] = played
        return self._played[trial.name]

    def judge(self, rule: Rule) -> Judgement:
        """How the driver stands to `rule`; plays the trials that look at it."""
        if rule.missing:
            return Judgement(rule, Status.NOT_MODELLED, reason=rule.missing)
        if rule.id in self.subject.waivers:
            return Judgement(rule, Status.NOT_APPLICABLE, reason=f"says the driver: {self.subject.waivers[rule.id]}")
        looking = [self.play(trial) for trial in self.trials if rule.id in trial.rules]
        found = tuple(seen for played in self._played.values() for seen in played.violations if seen.rule == rule.id)
        errors = [seen for seen in found if seen.weight is Weight.ERROR and rule.weight is Weight.ERROR]
        if errors:
            follows = () if any(not seen.follows for seen in errors) else tuple(dict.fromkeys(seen.follows for seen in errors))
            return Judgement(rule, Status.BROKEN, found, follows=follows)
        if found:
            return Judgement(rule, Status.ADVICE, found)
        if any(not played.reason for played in looking):
            if rule.needs_io and self.subject.is_movable and does_io(self.subject):
                return Judgement(rule, Status.NOT_CHECKED, reason=f"nothing used the device: {does_io(self.subject)}")
            if rule.needs_model and self.subject.is_generic:
                return Judgement(rule, Status.NOT_CHECKED, reason="needs a model")
            return Judgement(rule, Status.KEPT)
        return self._untried(rule, looking)

    def verdict(self) -> Verdict:
        """Play everything and judge every rule."""
        for trial in self.trials:
            self.play(trial)
        return Verdict(self.subject, tuple(self.judge(rule) for rule in self.rules), tuple(self._played.values()))

    def _play(self, trial: Trial) -> Played:
        first = self.trials[0]
        if trial is not first and any(seen.explains for seen in self.play(first).violations):
            return Played(trial, (), "the driver does not work even without a rescan; see `base`")
        if trial is not first and self.play(first).reason:
            return Played(trial, (), self.play(first).reason)
        if reason := trial.needs(self.subject):
            return Played(trial, (), reason)
        for earlier in self.trials[: self.trials.index(trial)]:
            self.play(earlier)
        known: frozenset[Hashable] = frozenset(seen.symptom for played in self._played.values() for seen in played.violations)
        reason, start = "", perf_counter()
        try:
            with alarm(f"{self.subject.name}: creating the driver", REAL_SECONDS):
                stage = Stage(self.subject, trial, known, self._cause(trial), self._terms(trial))
        except (KeyboardInterrupt, InvariantBroken):
            raise
        except BaseException as error:  # the first driver was made, but this one?
            breach = self._unmade(trial, error)
            return Played(trial, () if breach.symptom in known else (breach,), breach.message, seconds=perf_counter() - start)
        try:
            with alarm(self.subject.name, REAL_SECONDS):
                trial.play(stage)
        except InvariantBroken as error:
            if not stage.has_hung and not self._locks_wrongly(stage, error):
                raise
        except NotChecked as why:
            reason = str(why)
            if trial is first and (cramped := no_place(stage.bench)):
                return Played(trial, (), cramped)
            if trial is first and not self.subject.is_generic and not stage.violations:
                stage.note(BASE, reason, ("not even this",))
        except Hung as hung:
            stage.note("C31", f"{self.subject.name}: {hung}", ("hung", trial.name), hung.site)
        except BaseException as error:  # drivers raise anything, asyncio.CancelledError too
            if isinstance(error, KeyboardInterrupt | TornOut) or not self.subject.wrote(error):
                raise
            site, what = self.subject.site_of(error), f"{type(error).__name__}: {error}"
            stage.note(trial.blames, f"{self.subject.name}: at {show(site)}: {what}", (type(error).__name__, site), site)
        stage.collect()
        stage.clear_away()
        if trial is first and reason and self.subject.is_generic:
            why_not = stage.violations[0].message if stage.violations else reason
            return Played(trial, (), f"needs a model; on plain memory: {why_not}")
        return Played(trial, tuple(stage.violations), reason, stage.hook_ms, perf_counter() - start)

    def _locks_wrongly(self, stage: Stage, error: InvariantBroken) -> bool:
        """Whether the driver waits for itself at a mutex, or gives back what nobody holds: no invariant of ours."""
        if "mutex" not in error.fields or not self.subject.wrote(error):
            return False
        site = self.subject.site_of(error)
        rule = "C31" if stage.moved and "owner" in error.fields else stage.blame
        stage.note(rule, f"{self.subject.name}: at {show(site)}: {error}", (type(error).__name__, site), site)
        return True

    def _unmade(self, trial: Trial, error: BaseException) -> Violation:
        if not isinstance(error, Hung) and not self.subject.wrote(error):
            raise error
        site = error.site if isinstance(error, Hung) else raise_site(error)
        what = str(error) if isinstance(error, Hung) else f"creating the driver raised {type(error).__name__}: {error}"
        text = f"{self.subject.name}: {what}, at {show(site)}; every bench makes an instance of its own"
        return Violation(BASE, text, general(("creating", site)), trial.name, site)

    def _cause(self, trial: Trial) -> str:
        """The rule whose breach may explain what `trial` finds: the first that was met. Plain trials explain themselves."""
        if trial.is_plain and not trial.owns:
            return ""
        found = (seen for played in self._played.values() for seen in played.violations)
        return next((seen.rule for seen in found if seen.explains), "")

    def _terms(self, trial: Trial) -> dict[str, Any]:
        ports = {"port_driver": self.subject.make_driver()} if self.subject.drives_bridges else {}
        return {**windows_for(self.subject.bars, elsewhere=trial is self.trials[0]), **trial.terms, **ports}

    def _untried(self, rule: Rule, looking: list[Played]) -> Judgement:
        fitting = [played for played in looking if self._fits(played.trial)]
        reasons = [played.reason for played in (fitting or looking)]
        if not reasons and self.subject.drives_bridges:
            return Judgement(rule, Status.NOT_APPLICABLE, reason="it drives bridges and has no card")
        if not reasons:
            return Judgement(rule, Status.NOT_MODELLED, reason="no trial of the kit looks at it yet")
        return Judgement(rule, Status.NOT_CHECKED if fitting else Status.NOT_APPLICABLE, reason=reasons[0])

    def _fits(self, trial: Trial) -> bool:
        """Whether the driver has what `trial` is about; it may lack the silicon to play it."""
        need = trial.needs(self.subject)
        return need is None or "needs a model" in need


@frozen
class Verdict:
    """How a driver stands to every rule."""

    subject: Subject
    judgements: tuple[Judgement, ...]
    played: tuple[Played, ...]

    @property
    def conforms(self) -> bool:
        """Whether it was examined and no rule is broken."""
        return not self.broken and not self.unchecked

    @property
    def unchecked(self) -> str:
        """Why nothing could be examined: the stand-in for its silicon was not enough. Empty as a rule."""
        base = self.judgements[0]
        return base.reason if base.status is Status.NOT_CHECKED and not self.broken else ""

    @property
    def broken(self) -> tuple[Judgement, ...]:
        """Broken rules, the one that was met first in front; what only ever follows from another stands behind."""
        broken = [judgement for judgement in self.judgements if judgement.status is Status.BROKEN]
        order = [seen.rule for played in self.played for seen in played.violations]
        plain = {seen.rule for played in self.played if played.trial.is_plain for seen in played.violations}

        def rank(judgement: Judgement) -> tuple[bool, bool, bool, int]:
            rule = judgement.rule.id
            is_held = all(seen.is_held_too_long for seen in judgement.violations)
            return (bool(judgement.follows), rule not in plain, is_held, order.index(rule))

        return tuple(sorted(broken, key=rank))

    @property
    def causes(self) -> tuple[str, ...]:
        """Ids of rules whose breach nothing else explains, in the order in which they were met."""
        return tuple(judgement.rule.id for judgement in self.broken if not judgement.follows)

    @property
    def blackout_ms(self) -> float:
        """Virtual time, milliseconds, that the driver's hooks take for one pause at most, idle or busy."""
        return max((played.hook_ms for played in self.played), default=0.0)

    def of(self, rule: str) -> Judgement:
        """How it stands to the rule with this id."""
        return next(judgement for judgement in self.judgements if judgement.rule is BY_ID[rule])


def examine(driver: Any, model: Any = None, *, bars: str | None = None, only: Iterable[str] = ()) -> Verdict:
    """Play all trials with a driver class and judge it.

    Args:
        model: the class of its silicon; None = a stand-in made of `bars` or the driver's own ``bars``.
        only: names of trials; the first one is played in any case.
    Raises:
        BadInput: neither model nor BARs. HookSpecError: no driver.
    """
    wanted = set(only)
    trials = tuple(trial for trial in TRIALS if not wanted or trial.name in wanted or trial is TRIALS[0])
    return Examination(Subject.of(driver, model, bars), trials).verdict()
