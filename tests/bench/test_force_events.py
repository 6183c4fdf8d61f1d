"""Trouble on purpose as events of a scenario: read, written, refused, and played."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.bench.force import Force
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import EventSpec, Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.bench.scenario_text import dump_scenario
from movsdk.bench.yaml_text import read_yaml
from movsdk.errors import BadInput
from movsdk.rescan.rules import RULES
from movsdk.rescan.rules.without import without
from movsdk.trace import What


def read(*events: dict[str, Any]) -> Scenario:
    """Two ports with a drive and a graphics card, and these events."""
    port = {"kind": "bridge", "hotplug": True, "pcie": "root-port"}
    return parse(
        {
            "windows": [
                {"type": "mem", "start": 0xE000_0000, "last": 0xEFFF_FFFF},
                {"type": "pref64", "start": 1 << 38, "last": (1 << 39) - 1},
            ],
            "devices": [
                {"id": "port1", "slot": "01.0", **port},
                {"id": "port2", "slot": "02.0", **port},
                {"id": "gpu", "on": "port1", "slot": "00.0", "driver": "gpu"},
                {"id": "disk", "on": "port2", "slot": "00.0", "driver": "nvme", "load": True},
            ],
            "events": [*events],
        }
    )


def play(*events: dict[str, Any], rules: str = "v9") -> tuple[Player, list[Outcome]]:
    """What each event but the boot came to."""
    player = Player(read(*events), RULES[rules])
    return player, list(player.play())[1:]


FORCES: list[tuple[dict[str, Any], Force]] = [
    ({}, Force()),
    ({"bars": [0, 2]}, Force(bars=(0, 2))),
    ({"bars": []}, Force(bars=())),
    ({"lose": [2]}, Force(lose=(2,))),
    ({"shrink": [2]}, Force(shrink=(2,))),
    ({"reset": "power"}, Force(reset="power")),
    ({"vectors": 1}, Force(vectors=1)),
    ({"fails": "iomap"}, Force(fails="iomap")),
    ({"pull": "resume"}, Force(pull="resume")),
    ({"again": "attempts"}, Force(again="attempts")),
    ({"order": ["disk", "gpu"]}, Force(order=("disk", "gpu"))),
]


@pytest.mark.parametrize(("keys", "expected"), FORCES, ids=lambda value: "+".join(value) if isinstance(value, dict) else "")
def test_a_force_reads_and_plays_without_a_breach(keys: dict[str, Any], expected: Force) -> None:
    """It reads back as written; both reference drivers cope, with I/O on the drive meanwhile."""
    scenario = read({"op": "force", "id": "gpu", **keys})
    again, _ = read_yaml(dump_scenario(scenario), "again.yaml")
    player, (outcome,) = play({"op": "force", "id": "gpu", **keys})

    assert scenario.events[1] == EventSpec("force", "gpu", force=expected)
    assert parse(again).events == scenario.events
    assert (outcome.op, outcome.rc, outcome.breaches.broken) == ("force", 0, ())
    moved = {move.bar for move in outcome.report.moves if move.device == "gpu"}
    asked = expected.bars if expected.bars is not None else (0, 2)
    assert expected.pull or moved >= set(asked) | set(expected.lose)
    assert player.referee.findings == [] or expected.lose


@pytest.mark.parametrize(
    ("keys", "reported"),
    [({"lose": [2]}, "BAR 2"), ({"fails": "iomap"}, "out of memory"), ({"pull": "resume"}, "was it pulled?")],
)
def test_what_the_driver_could_only_report_is_no_breach(keys: dict[str, Any], reported: str) -> None:
    """It is told as such."""
    _, (outcome,) = play({"op": "force", "id": "gpu", **keys})

    assert any(reported in text for text in outcome.breaches.reported)


def test_asleep_while_it_moves() -> None:
    """One device, or the whole machine; `rc` of each event is 0 and the load goes on afterwards."""
    _, outcomes = play(
        {"op": "suspend", "id": "gpu", "state": "d3cold"},
        {"op": "force", "id": "gpu"},
        {"op": "resume", "id": "gpu"},
        {"op": "sleep"},
        {"op": "force", "id": "gpu"},
        {"op": "wake"},
        {"op": "io", "id": "disk"},
    )

    assert [outcome.rc for outcome in outcomes] == [0] * 7
    assert [text for outcome in outcomes for text in outcome.breaches.broken] == []
    assert [
        event.text for outcome in outcomes for event in outcome.report.timeline if "D3" in event.text and event.who == "disk"
    ] == [
        "power state D0 -> D3HOT",
        "power state D3HOT -> D0",
    ]


def test_hooks_out_of_turn() -> None:
    """A spurious done, two prepares: no breach of a good driver."""
    _, outcomes = play(
        {"op": "hooks", "id": "gpu", "calls": ["rescan_done"]},
        {"op": "hooks", "id": "gpu", "calls": ["rescan_prepare", "rescan_prepare", "rescan_done"]},
        {"op": "rescan"},
    )

    assert [(outcome.rc, outcome.breaches.broken) for outcome in outcomes] == [(0, ())] * 3


def test_a_second_rescan_is_in_the_same_report() -> None:
    """Two transactions, one event."""
    _, (outcome,) = play({"op": "force", "id": "gpu", "again": "pause"})

    assert sum(event.text.endswith("pause") for event in outcome.report.timeline if event.what is What.STEP) == 2
    assert len(outcome.report.attempts) == 2


@pytest.mark.parametrize(
    ("event", "rules", "rc"),
    [
        ({"op": "force", "id": "gpu"}, "off", -22),
        ({"op": "force", "id": "gpu", "bars": [4]}, "v9", -22),
        ({"op": "force", "id": "disk", "shrink": [0]}, "v9", -22),
        ({"op": "hooks", "id": "gpu", "calls": ["rescan_done"]}, "v9", -19),
        ({"op": "force", "id": "gpu"}, "v9", -19),
    ],
)
def test_what_cannot_be_played(event: dict[str, Any], rules: str, rc: int) -> None:
    """An errno and a note that says why; the scenario goes on."""
    first = [{"op": "remove", "id": "gpu"}] if rc == -19 else []
    _, outcomes = play(*first, event, rules=rules)

    assert outcomes[-1].rc == rc
    assert rc == -19 or any(event.what is What.NOTE for event in outcomes[-1].report.timeline)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"op": "force", "id": "port1"}, 'id: "port1" is a bridge; only an endpoint can be forced'),
        ({"op": "force"}, "events[0]: force of what? add the 'id' of a device"),
        ({"op": "force", "id": "gpu", "bars": [7]}, "bars[0]: 7 is out of range; it must be 0x0 to 0x6"),
        ({"op": "force", "id": "gpu", "bars": 0}, "bars: 0 is not a list"),
        ({"op": "force", "id": "gpu", "reset": "kick"}, 'reset: unknown value "kick"; known: model, power'),
        ({"op": "force", "id": "gpu", "fails": "readl"}, 'fails: unknown value "readl"; known: alloc_irq_vectors'),
        ({"op": "force", "id": "gpu", "pull": "noon"}, 'pull: unknown value "noon"; known: attempts, bind'),
        ({"op": "force", "id": "gpu", "vectors": 0}, "vectors: 0 is out of range; it must be 0x1 to 0x800"),
        ({"op": "force", "id": "gpu", "order": ["gpu", "foo"]}, 'order[1]: unknown value "foo"; known: disk, gpu, port1, port2'),
        ({"op": "force", "id": "gpu", "order": []}, "order: [] is empty"),
        ({"op": "force", "id": "gpu", "ms": 4}, 'unknown key "ms"'),
        ({"op": "hooks", "id": "gpu"}, "calls"),
        ({"op": "hooks", "id": "gpu", "calls": ["probe"]}, 'calls[0]: unknown value "probe"; known: rescan_done, rescan_prepare'),
        ({"op": "hooks", "id": "port1", "calls": ["rescan_done"]}, 'id: "port1" is a bridge; only an endpoint has rescan hooks'),
        ({"op": "sleep", "id": "gpu"}, 'id: "gpu" has nothing to name: sleep is for the whole machine'),
    ],
)
def test_what_is_refused(event: dict[str, Any], message: str) -> None:
    """One line with the place, before anything is played."""
    with pytest.raises(BadInput) as refused:
        read(event)

    assert message in str(refused.value)


@pytest.mark.parametrize("number", range(1, 22))
def test_a_forced_move_under_the_series_without_one_patch(number: int) -> None:
    """Whatever is taken out, the rescan ends, and says with EINVAL or ENOSPC if the BAR could not be forced."""
    player = Player(read({"op": "force", "id": "gpu", "bars": [0]}), without(RULES["v2"], number))

    forced = list(player.play())[1]

    assert forced.rc == {3: -22, 7: -28, 14: -28, 21: -22}.get(number, 0)
