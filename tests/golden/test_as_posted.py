"""Where v9 here is friendlier than v9 as posted, no recorded run shows it."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from movsdk.bench.player import Player
from movsdk.bench.scenario_schema import parse
from movsdk.rescan.rules import V9, v9
from tests.golden.recordings import lines, vector


@pytest.mark.parametrize("name", [name for name in lines("v9") if name.startswith(("w", "h"))])
def test_the_letter_of_v9_agrees_too(name: str) -> None:
    """Only ``bar_fixed`` opts in, and a restore brings old addresses back: the recorded drivers do not tell these apart."""
    assert V9.moves is not None
    posted = evolve(V9, power=v9.power_as_posted, moves=evolve(V9.moves, opt_in=v9.opt_in_as_posted))
    recorded = vector("v9", name)

    ours = [outcome.as_expected() for outcome in Player(parse(recorded["scenario"]), posted).play()]

    assert json.loads(json.dumps(ours)) == recorded["expect"]
