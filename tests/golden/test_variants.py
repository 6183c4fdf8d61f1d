"""Machines that nobody recorded: whatever they do, the play ends with findings of known kinds."""

from __future__ import annotations

import pytest

from movsdk.bench.scenario_schema import parse
from tests.golden.variants import RULES, played, variant


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize(
    "seed",
    [
        5,
        72,
        pytest.param(33, id="card-swapped-unnoticed"),
        pytest.param(10596, id="pin-forgotten"),
        21311,
        21647,
        50245,
        51596,
        82168,
    ],
)
def test_a_machine_that_nobody_recorded_is_played(seed: int, rules: str) -> None:
    """No broken invariant, no finding of an unknown kind, no breach by a driver that keeps its contract."""
    played(parse(variant(seed)[1]), rules)
