"""`DriverConformance`: the rules of the kit as pytest tests, one test a rule.

The plugin makes such a class for every driver file it finds (`conformance_plugin`); subclass it where you want more than that.
The driver is examined once for all its tests; each test tells how it stands to one rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

import pytest

from movsdk.errors import BadInput, HookSpecError
from movsdk.testing.conformance.catalogue import BASE, BY_ID, RULES
from movsdk.testing.conformance.kit import Examination, Judgement, Verdict
from movsdk.testing.conformance.rule import Rule, Status
from movsdk.testing.conformance.subject import Subject
from movsdk.testing.conformance.trials import TRIALS
from movsdk.testing.conformance.verdict_text import advice_lines, broken_lines, headline

VERDICT: Final = "mov_verdict"  # names of the properties of a test's report
RULE: Final = "mov_rule"
STATUS: Final = "mov_status"
ADVICE: Final = "mov_advice"
TIMES: Final = "mov_times"

TRIED: Final[tuple[Rule, ...]] = tuple(
    rule for rule in RULES if not rule.missing and any(rule.id in trial.rules for trial in TRIALS)
)


@pytest.mark.conformance
class DriverConformance:
    """The rules for one driver: ``class TestMine(DriverConformance): driver = Mine``.

    `model` is the class of its silicon, `bars` text for a stand-in; without either, the model beside the driver is found.
    `xfail` names rules that are known to be broken, each with the reason; what only follows from them is expected too, and
    once one is kept, its test fails to say so.
    """

    driver: ClassVar[Any] = None
    model: ClassVar[Any] = None
    bars: ClassVar[str | None] = None
    xfail: ClassVar[Mapping[str, str]] = {}
    mov_told: Sequence[tuple[str, str]] = ()  # for the report of the test
    _examined: ClassVar[Verdict | str | None] = None

    def verdict(self) -> Verdict | str:
        """How the driver stands to every rule; text if it cannot be examined. Examined at the first call."""
        cls = type(self)
        if "_examined" not in vars(cls) or cls._examined is None:
            cls._examined = self._examine()
        return cls._examined

    def check_rule(self, rule: str) -> None:
        """Pass, fail or skip as the driver stands to the rule with this id."""
        verdict = self.verdict()
        if isinstance(verdict, str):
            self.mov_told = [(VERDICT, f"NOT CHECKED: {verdict}"), (RULE, rule), (STATUS, Status.NOT_CHECKED.value)]
            if rule == BASE:
                pytest.fail(verdict, pytrace=False)
            pytest.skip("the driver cannot be examined; see `base`")
        judgement = verdict.of(rule)
        self.mov_told = [*_properties(verdict, judgement)]
        if judgement.status is Status.BROKEN:
            if rule in self.xfail:
                pytest.xfail(self.xfail[rule])
            if judgement.follows and all(cause in self.xfail for cause in judgement.follows):
                pytest.xfail(f"follows from {', '.join(judgement.follows)}")
            pytest.fail("\n".join(broken_lines(judgement)), pytrace=False)
        if judgement.status not in (Status.KEPT, Status.ADVICE):
            pytest.skip(f"{judgement.status.value}: {judgement.reason}")
        if rule in self.xfail:
            pytest.fail(f"{rule} is kept now ({judgement.rule.sentence}); take it out of xfail", pytrace=False)

    def _examine(self) -> Verdict | str:
        from movsdk.testing.conformance.find_driver import model_of

        if self.driver is None:
            return f"{type(self).__name__} does not say which driver; write `driver = YourDriver` in it"
        if unknown := [name for name in self.xfail if name not in BY_ID]:
            return f"xfail of {type(self).__name__} names {', '.join(unknown)}: no rule of the kit; see movsdk check --rules"
        model = self.model
        if model is None and self.bars is None and isinstance(self.driver, type):
            model = model_of(self.driver)
        try:
            return Examination(Subject.of(self.driver, model, self.bars)).verdict()
        except (BadInput, HookSpecError) as error:
            return str(error)


def _properties(verdict: Verdict, judgement: Judgement) -> list[tuple[str, str]]:
    told = [(VERDICT, headline(verdict)), (RULE, judgement.rule.id), (STATUS, judgement.status.value)]
    if judgement.status is Status.ADVICE:
        told.append((ADVICE, "\n".join(advice_lines(judgement))))
    if judgement.rule.id == BASE:
        told.append((TIMES, "\n".join(f"{played.seconds:.2f}s {played.trial.name}" for played in verdict.played)))
    return told


def _test_of(rule: Rule) -> Callable[[DriverConformance], None]:
    def test(self: DriverConformance) -> None:
        self.check_rule(rule.id)

    test.__name__, test.__doc__ = f"test_{rule.id}", rule.sentence
    test.__qualname__ = f"{DriverConformance.__name__}.{test.__name__}"
    marked: Callable[[DriverConformance], None] = pytest.mark.mov_rule(rule.id)(test)
    return marked


for _rule in TRIED:
    setattr(DriverConformance, f"test_{_rule.id}", _test_of(_rule))
