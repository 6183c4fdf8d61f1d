"""Every recorded run of the real kernels, played again."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from movsdk.bench.differences import differences
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario_schema import parse
from movsdk.rescan.rules import by_name
from tests.golden.recordings import Bar, State, lines, listed_bars, live_pairs, lost_while_bound, vector

VECTORS = [pytest.param(rules, name, id=f"{rules}-{name}") for rules in ("v9", "v5", "off") for name in lines(rules)]


def play(recorded: dict[str, Any]) -> list[Outcome]:
    """The outcomes of a vector's events. The referee raises at the first broken invariant of ours."""
    return list(Player(parse(recorded["scenario"]), by_name(recorded["rules"])).play())


def disagreement(name: str, ours: Sequence[object], recorded: Sequence[object]) -> str:
    """Where two runs differ, a line each; empty if they agree to the byte."""
    problems = list(differences(ours, recorded))
    if not problems and json.dumps(ours, sort_keys=True) != json.dumps(recorded, sort_keys=True):
        problems.append("[1] hotadd hp: state e resources 0 assigned: ours 0x1, recorded true")
    return "\n".join([name, *problems]) if problems else ""


def lost_by_referee(outcome: Outcome) -> set[Bar]:
    """Devices and BARs of the E03 findings."""
    texts = [(finding.device, re.search(r"lost BAR (\d)", finding.text)) for finding in outcome.findings if finding.rule == "E03"]
    return {(device, int(match[1])) for device, match in texts if match is not None}


def shared_by_referee(outcome: Outcome) -> list[list[Bar]]:
    """The BARs of each E01 finding."""
    texts = [finding.text for finding in outcome.findings if finding.rule == "E01"]
    return [[(label, int(bar)) for label, bar in re.findall(r"(\S+) BAR (\d)", text.partition(":")[2])] for text in texts]


@pytest.mark.parametrize(("rules", "name"), VECTORS)
def test_recorded_run(rules: str, name: str) -> None:
    """Hooks in order, rc, every resource and every register are the real kernel's; the referee sees what it lost and broke."""
    recorded = vector(rules, name)

    outcomes = play(recorded)

    problem = disagreement(f"{rules}-{name}", [outcome.as_expected() for outcome in outcomes], recorded["expect"])
    assert not problem, problem
    before: State = []
    for outcome, event in zip(outcomes, recorded["expect"], strict=True):
        state = event["state"]
        assert lost_by_referee(outcome) == lost_while_bound(before, state), f"{rules}-{name} {event['op']}: E03"
        # An unpatched kernel forgets a BAR that found no place, but its register goes on decoding: no recorded state shows it.
        shared, listed = shared_by_referee(outcome), listed_bars(state)
        assert bool([bars for bars in shared if listed.issuperset(bars)]) == bool(live_pairs(state)), f"{rules}-{name} E01"
        assert rules == "off" or all(listed.issuperset(bars) for bars in shared)
        before = state


@pytest.mark.parametrize(
    ("rules", "losing", "percent", "sharing"),
    [
        pytest.param("v9", (50, 1930), 2.6, 6, id="v9"),
        pytest.param("v5", (82, 1930), 4.2, 24, id="v5"),
        pytest.param("off", (139, 1561), 8.9, 0, id="off"),
    ],
)
def test_promises_are_broken_as_often_as_published(rules: str, losing: tuple[int, int], percent: float, sharing: int) -> None:
    """The share of rescans and hot-adds in which a bound device loses a BAR, and the events that leave two live decoders."""
    runs = [vector(rules, name)["expect"] for name in lines(rules)]
    moving = [(before, event) for run in runs for before, event in pairwise(run) if event["op"] != "remove"]

    lost = sum(bool(lost_while_bound(before["state"], event["state"])) for before, event in moving)
    live = sum(bool(live_pairs(event["state"], is_whole=True)) for run in runs for event in run)

    assert ((lost, len(moving)), live) == (losing, sharing)
    assert round(100 * lost / len(moving), 1) == percent


@pytest.mark.parametrize(
    ("key", "wrong", "message"),
    [
        pytest.param("start", 0x1000, "[1] hotadd hp: state e resources 0 start: ours 0x1000, recorded 0x80000000", id="address"),
        pytest.param("type", "io", '[1] hotadd hp: state e resources 0 type: ours "io", recorded "mem"', id="type"),
        pytest.param("assigned", 1, "[1] hotadd hp: state e resources 0 assigned: ours 0x1, recorded true", id="one for true"),
    ],
)
def test_a_difference_names_event_device_field_and_both_values(key: str, wrong: object, message: str) -> None:
    """Whoever breaks a rule sees in one line where."""
    bar = {"n": 0, "start": 0x80000000, "type": "mem", "assigned": True}
    boot, hotadd = ({"op": op, "id": label} for op, label in (("boot", None), ("hotadd", "hp")))
    recorded, ours = ([boot, hotadd | {"state": [{"id": "e", "resources": [shown]}]}] for shown in (bar, bar | {key: wrong}))

    assert disagreement("v9-w01", ours, recorded) == f"v9-w01\n{message}"
