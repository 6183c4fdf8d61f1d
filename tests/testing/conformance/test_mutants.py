"""The kit's own test: each small broken driver is told the rule it breaks, first; what follows from it stands behind."""

from __future__ import annotations

import pytest

from movsdk.testing.conformance.kit import examine
from movsdk.testing.conformance.rule import Status
from movsdk.testing.conformance.trials import TRIALS
from tests.mutants.matrix import MUTANTS, Mutant, first_of, rows

COMES_SECOND = ("C26",)  # a driver tears a BAR register only by writing it, which is C30
POINTLESS = ("C15", "C39", "C48")  # nobody's line: a request that is missing, time that is gone, a count that is too high


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_its_rule_comes_first(mutant: Mutant) -> None:
    """The rule is the cause, nothing but declared consequences stands beside it, and the message points into the source."""
    verdict = examine(mutant.driver, mutant.model)
    broken = {judgement.rule.id for judgement in verdict.broken}
    judgement = verdict.of(mutant.rule)

    assert first_of(verdict) == mutant.rule
    assert broken - {mutant.rule} <= set(mutant.consequences)
    assert judgement.status in (Status.BROKEN, Status.ADVICE)
    assert any(".py:" in seen.message for seen in judgement.violations) or mutant.rule in POINTLESS


def test_every_rule_that_can_be_tried_has_a_mutant() -> None:
    """A rule without one could be a check that cannot fail."""
    tried = {rule for trial in TRIALS for rule in trial.rules} - {"base", *COMES_SECOND}

    assert tried - {mutant.rule for mutant in MUTANTS} == set()


def test_the_matrix_has_a_row_for_each_mutant() -> None:
    """Rule first, then what follows."""
    assert len(list(rows(MUTANTS[:2]))) == 2
