"""Scenarios of the enable race as values, the tree that is built from them, and the table they fill."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.bench.race_machine import RaceMachine
from movsdk.bench.race_scenario import RaceScenario
from movsdk.bench.race_table import DISABLE_SIDE, TOLD, cell, heading, line, rows
from movsdk.errors import BadInput
from movsdk.explore.runner import Budget


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"variant": "v3"}, "variant 'v3' is not known; there are mainline, v2, v5, v9"),
        ({"drivers": 0}, "0 drivers: the race is told for 1 to 8"),
        ({"bridges": 9}, "9 bridges: the race is told for 1 to 8"),
        ({"slots": 3}, "3 slots for 2 drives: there must be 1 to 2"),
        ({"disable": "sysfs"}, "disable 'sysfs' is not known; there are port-unbinds, late-port-unbinds"),
        ({"disable": "nested", "port_driver": True}, "the disable side says itself what the port driver does"),
        ({"disable": "sibling-unbinds", "drivers": 1}, "takes 2 drivers or more"),
    ],
)
def test_a_scenario_that_cannot_be_played(terms: dict[str, Any], message: str) -> None:
    """Refused at the door, with what there is."""
    with pytest.raises(BadInput) as caught:
        RaceScenario(**terms)

    assert message in str(caught.value)


def test_the_tree_of_a_scenario() -> None:
    """A chain of bridges, the last of them once a slot, and the drives dealt out to those."""
    scenario = RaceScenario(drivers=4, bridges=2, slots=2)
    machine = RaceMachine(scenario)

    above = {label: scenario.above(label) for label in machine.world.machine.labels}
    assert above == {"br0": None, "br1": "br0", "br2": "br0", "nvme0": "br1", "nvme1": "br2", "nvme2": "br1", "nvme3": "br2"}
    assert str(scenario) == "4 drivers, 2 bridges, 2 slots"


def test_the_table() -> None:
    """A row a scenario, a column a variant, and the numbers in the cells."""
    (row,) = rows(DISABLE_SIDE[-1:], Budget(runs=2))

    assert [cell(found) for found in row[2:5]] == ["proved 1", "bug 2/2+", "proved 1"]
    assert line(row).split()[:3] == ["nested", "proved", "1"]
    assert heading("x").split() == ["x", *TOLD]
