"""Playing a scenario."""

from __future__ import annotations

import pytest

from movsdk.address import Span
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario import EventSpec
from movsdk.bench.scenario_schema import parse
from movsdk.rescan.rules import by_name
from tests.rescan.stories import B, M, card, late, played, player, port

STORY = [port(), card("a"), late(card("new", 4 * M, slot="01.0"))]


def test_one_outcome_an_event_but_for_plug_and_unplug() -> None:
    """The hand at the slot makes no kernel event."""
    _, outcomes = played("v9", *STORY, events="boot, plug new, hotadd hp, rescan, unplug new, rescan, remove new")

    assert [(outcome.op, outcome.id) for outcome in outcomes] == [
        ("boot", None),
        ("hotadd", "hp"),
        ("rescan", None),
        ("rescan", None),
        ("remove", "new"),
    ]


def test_playing_is_step_by_step() -> None:
    """Nothing happens before it is asked for; `step` takes events that are not in the scenario as well."""
    table = player("v9", *STORY, events="boot, plug new, hotadd hp")
    story = table.play()
    assert list(table.world.system.devices()) == []

    next(story)
    assert table.world.find("new") is None
    next(story)
    assert table.world.find("new") is not None

    again = table.step(EventSpec("rescan"))
    assert again is not None
    assert again.hooks == [["prepare", "a"], ["prepare", "new"], ["done", "a"], ["done", "new"]]


def test_an_outcome_has_the_keys_of_the_vectors() -> None:
    """`expect` of the README, in that form."""
    _, (boot,) = played("v9", *STORY)

    assert list(boot.as_expected()) == ["op", "id", "rc", "boot_rescan", "hooks", "state"]
    assert boot.as_expected() == {
        "op": "boot",
        "id": None,
        "rc": 0,
        "boot_rescan": False,
        "hooks": [["probe", "a", "rc=0"]],
        "state": boot.state,
    }


def test_an_outcome_as_json_has_more() -> None:
    """Moves with old and new place, attempts, who was given up, what has no place, findings."""
    _, outcomes = played(
        "v9", *STORY, late(card("huge", 128 * M, slot="02.0")), events="boot, plug new, hotadd hp, plug huge, hotadd hp"
    )
    moved, refused = (outcome.as_json() for outcome in outcomes[1:])

    assert moved.items() >= outcomes[1].as_expected().items()
    assert (moved["attempts"], moved["given_up"], moved["findings"]) == (1, [], [])
    assert moved["moves"] == [{"id": "a", "bar": 0, "old": [B, B + M - 1], "new": [B + 4 * M, B + 5 * M - 1]}]
    assert (refused["given_up"], refused["unplaced"]) == (["huge"], ["huge BAR 0 [mem size 0x08000000]: no space"])
    assert refused["findings"] == ["E12 huge: given up: with its BARs a device that worked before would have lost its own"]


def test_a_lost_bar_has_no_new_place() -> None:
    """null, not a missing key."""
    devices = [
        port("rp", hotplug=False),
        port("hp", "00.0", on="rp"),
        port("beside", "01.0", on="rp", hotplug=False),
        card("b", on="beside"),
        late(card("new", 16 * M)),
    ]
    _, outcomes = played("off", *devices, events="boot, plug new, hotadd hp")

    assert outcomes[-1].as_json()["moves"] == [{"id": "b", "bar": 0, "old": [B, B + M - 1], "new": None}]


@pytest.mark.parametrize(("rules", "flag"), [("v9", False), ("v5", False), ("off", None)])
def test_the_disabled_flag_is_null_where_the_kernel_has_none(rules: str, flag: bool | None) -> None:
    """Under the unpatched kernel; a subtractive bridge under v9 does not take the flag away."""
    _, (boot,) = played(rules, port("t", hotplug=False) | {"class": 0x060401}, card("a", on="t"))

    assert {device["bars_disabled"] for device in boot.state} == {flag}


def test_recorded_drivers_bind_in_the_recorders_order() -> None:
    """movable, fixed, portlike, mixed, whatever the order of the devices; `none` binds nobody."""
    kinds = ["none", "mixed", "portlike", "fixed", "movable"]
    _, (boot,) = played("v9", port(), *(card(kind, slot=f"{n:02x}.0", driver=kind) for n, kind in enumerate(kinds)))

    assert [label for _, label, _ in boot.hooks] == ["movable", "fixed", "portlike", "mixed"]
    assert {device["id"]: device["driver"] for device in boot.state}["none"] is None


def test_fixed_bars_are_for_the_mixed_driver() -> None:
    """They may stand on other kinds and mean nothing there."""
    devices = [port(), card("a", fixed_bars=[0]), card("m", slot="01.0", driver="mixed", fixed_bars=[0])]
    table, _ = played("v9", *devices)
    outcome = table.step(EventSpec("rescan"))

    assert outcome is not None
    assert [(label, bar) for label, bar, _ in outcome.report.fixed] == [("m", 0)]


def test_bars_pinned_by_the_platform() -> None:
    """`pci_fixed` marks them when the header is read: they stay under any driver. One that is absent stays absent."""
    bars = [{"n": 0, "type": "mem32", "size": M, "firmware": B + 8 * M}]
    table, (boot,) = played("v9", card("a", on="root", bars=bars, pci_fixed=[0, 5]), card("b", on="root", slot="01.0"))

    a = table.world.find("a")
    assert a is not None
    assert a.bar_span(0) == Span.sized(B + 8 * M, M)
    assert [resource["n"] for resource in boot.state[0]["resources"]] == [0]
    assert boot.state[1]["resources"][0]["start"] == B


def test_unknown_devices_of_events() -> None:
    """Hot-adding below nobody is ENODEV; removing nobody only takes the power away."""
    table, _ = played("v9", *STORY)
    hotadd, remove = (table.step(EventSpec(op, "new")) for op in ("hotadd", "remove"))

    assert hotadd is not None
    assert remove is not None
    assert (hotadd.rc, remove.rc, hotadd.hooks, remove.hooks) == (-19, 0, [], [])


def test_what_was_removed_has_no_power() -> None:
    """And comes back when it is plugged again, in power-on state."""
    events = "boot, remove a, rescan, plug a, hotadd hp"
    table, outcomes = played("v9", port(), card("a"), events=events)

    removed, rescan, back = outcomes[1:]
    assert [device["id"] for device in removed.state] == [device["id"] for device in rescan.state] == ["hp"]
    assert (removed.hooks, back.hooks) == ([["remove", "a"]], [["probe", "a", "rc=0"]])
    assert table.world.machine.function("a").present


def test_terms_of_the_scenario_reach_the_kernel() -> None:
    """RAM map, minima and reserves bound placing."""
    value = {
        "windows": [{"type": "mem", "start": 0x4000_0000, "last": 0x4FFF_FFFF}],
        "ram": [{"start": 0, "last": 0x40FF_FFFF, "name": "System RAM"}],
        "devices": [{"id": "a", "slot": "01.0", "bars": [{"n": 0, "type": "mem32", "size": M}]}],
        "events": [{"op": "boot"}],
    }
    table = Player(parse(value), by_name("v9"))
    outcomes: list[Outcome] = list(table.play())

    assert outcomes[0].state[0]["resources"][0]["start"] == 0x4100_0000
    assert table.warnings
    assert "overlaps the mem aperture" in table.warnings[0]


def test_the_referee_hears_of_every_event() -> None:
    """Its findings are the outcomes', one after the other."""
    table, outcomes = played("v9", *STORY, late(card("huge", 128 * M, slot="02.0")), events="boot, plug huge, hotadd hp, rescan")

    assert table.referee.findings == [finding for outcome in outcomes for finding in outcome.findings]
    assert [len(outcome.findings) for outcome in outcomes] == [0, 1, 0]
