"""Rules v2 are v5's, but for marks, newcomers that vanish, and the switch."""

from __future__ import annotations

import json
from typing import Any

import pytest

from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario_schema import parse
from movsdk.layout.table import MEM, PCI_FIXED, SIZEALIGN, Row, Segment
from movsdk.rescan.rules import V2, V5, v2
from movsdk.rescan.rules.record import Rules
from tests.golden.recordings import lines, vector

BASE, MEG = 0xE000_0000, 1 << 20


def port(name: str, slot: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "slot": slot, "kind": "bridge", "prefetchable": None, "io": False, **more}


def card(name: str, on: str, size: int, slot: str = "00.0", **more: Any) -> dict[str, Any]:
    firmware = {"firmware": more.pop("at")} if "at" in more else {}
    return {
        "id": name,
        "on": on,
        "slot": slot,
        "driver": "movable",
        "bars": [{"n": 0, "type": "mem32", "size": size, **firmware}],
        **more,
    }


def play(rules: Rules, size: int, devices: list[dict[str, Any]], *events: str, **more: Any) -> tuple[Player, list[Outcome]]:
    """Play on a machine with so many MiB; an event is an op, or op and id."""
    pairs = [event.split() for event in ("boot", *events)]
    machine = {
        "windows": [{"type": "mem", "start": BASE, "last": BASE + size * MEG - 1}],
        "devices": devices,
        "events": [{"op": op, **({"id": rest[0]} if rest else {})} for op, *rest in pairs],
    }
    player = Player(parse(machine | more), rules)
    return player, list(player.play())


def thief() -> list[dict[str, Any]]:
    """4 MiB of addresses suffice for a working device, or for the newcomer, not for both."""
    return [
        port("a", "01.0"),
        card("old", "a", 2 * MEG, at=BASE),
        port("b", "02.0", hotplug=True),
        card("new", "b", 4 * MEG, present=False),
    ]


def has_pinned(recorded: dict[str, Any]) -> bool:
    return any(device.get("pci_fixed") for device in recorded["scenario"]["devices"])


def gives_up(recorded: dict[str, Any]) -> bool:
    return any(device["bars_disabled"] for event in recorded["expect"] for device in event["state"])


# --- the same as v5 -------------------------------------------------------------------------------------


def test_where_nobody_is_given_up_v2_does_what_v5_did() -> None:
    """Hooks, rc, resources and registers of every recorded v5 run without a victim and without a BAR that the platform pinned."""
    runs = [vector("v5", name) for name in lines("v5")]
    quiet = [run for run in runs if not gives_up(run) and not has_pinned(run)]

    wrong = [run["name"] for run in quiet if not _agrees(run)]

    assert (len(quiet), wrong) == (319, [])


def _agrees(recorded: dict[str, Any]) -> bool:
    ours = [outcome.as_expected() for outcome in Player(parse(recorded["scenario"]), V2).play()]
    return bool(json.loads(json.dumps(ours)) == recorded["expect"])


@pytest.mark.parametrize("driver", ["portlike", "mixed"])
def test_portlike_and_mixed_drivers_move_as_under_v5(driver: str) -> None:
    """v2 has no ``bar_fixed``: whatever a driver with hooks would answer, all its BARs move."""
    machine = [port("a", "01.0"), card("gone", "a", MEG, at=BASE)]
    machine += [port("b", "02.0"), card("other", "b", MEG, driver=driver, fixed_bars=[0], at=BASE + MEG)]

    states = [play(rules, 8, machine, "remove gone", "rescan")[1][-1].state for rules in (V2, V5)]

    other = next(entry for entry in states[0] if entry["id"] == "other")
    assert states[0] == states[1]
    assert other["resources"][0]["start"] == BASE


# --- a newcomer given up (patch 6) ------------------------------------------------------------------------


def test_a_newcomer_given_up_leaves_the_device_list() -> None:
    """It is reported, but not listed and not probed; v5 lists it with its BARs off."""
    (_, ours), (_, theirs) = (play(rules, 4, thief(), "plug new", "hotadd b") for rules in (V2, V5))

    assert [entry["id"] for entry in ours[-1].state] == ["a", "old", "b"]
    assert ours[-1].report.given_up == theirs[-1].report.given_up == ("new",)
    assert ours[-1].hooks == [["prepare", "old"], ["done", "old"]]
    assert theirs[-1].hooks == [*ours[-1].hooks, ["probe", "new", "rc=-22"]]


def test_a_newcomer_given_up_is_found_again_when_there_is_room() -> None:
    """The next rescan knows nothing of the last one; v5 never forgets."""
    events = ("plug new", "hotadd b", "rescan", "remove old", "rescan")
    (ours, ours_seen), (theirs, _) = (play(rules, 4, thief(), *events) for rules in (V2, V5))

    new, refused = ours.world.find("new"), theirs.world.find("new")

    assert [outcome.report.given_up for outcome in ours_seen] == [(), ("new",), ("new",), (), ()]
    assert new is not None
    assert new.driver is not None
    assert refused is not None
    assert refused.bar_span(0) is None


def test_with_a_bridge_goes_what_is_behind_it() -> None:
    """Bridges are given up first; their bus numbers are free again."""
    machine = [port("a", "01.0"), card("old", "a", MEG, at=BASE), port("b", "02.0", hotplug=True)]
    machine += [port("inner", "00.0", on="b", present=False), card("new", "inner", 4 * MEG)]
    player, outcomes = play(V2, 6, machine, "plug inner", "hotadd b", reserve={"io": 0, "mem": 0, "pref": 0, "buses": 4})

    assert outcomes[-1].report.given_up == ("inner",)
    assert [entry["id"] for entry in outcomes[-1].state] == ["a", "old", "b"]
    assert [bus.number for bus in player.world.system.buses()] == [0, 1, 2]


def test_the_io_of_an_ignored_newcomer_is_not_sized() -> None:
    """v5 forgets to leave it out, and keeps an I/O window open for a device without BARs."""
    machine = thief()
    machine[2] |= {"io": True}
    machine[3]["bars"] = [*machine[3]["bars"], {"n": 1, "type": "io", "size": 256}]
    windows = {
        "windows": [{"type": "mem", "start": BASE, "last": BASE + 4 * MEG - 1}, {"type": "io", "start": 0x1000, "last": 0xFFFF}]
    }

    found = []
    for rules in (V2, V5):
        player, _ = play(rules, 4, machine, "plug new", "hotadd b", **windows)
        bridge = player.world.find("b")
        assert bridge is not None
        found.append(bridge.bar_span(7) is not None)

    assert found == [False, True]


# --- marks (patch 7) --------------------------------------------------------------------------------------


def flags_of(player: Player, label: str) -> int:
    device = player.world.find(label)
    assert device is not None
    return device.resources[0].flags


def test_what_must_stay_is_marked() -> None:
    """BARs of a driver without hooks, not those of one that has them."""
    machine = [port("a", "01.0"), card("stays", "a", MEG, driver="fixed"), card("goes", "a", MEG, slot="01.0")]

    player, outcomes = play(V2, 8, machine, "rescan")

    assert [bool(flags_of(player, label) & PCI_FIXED) for label in ("stays", "goes")] == [True, False]
    assert [(label, bar) for label, bar, _ in outcomes[-1].report.fixed] == [("stays", 0)]


def test_marks_are_for_one_rescan_and_those_of_the_platform_for_ever() -> None:
    """Else a device whose driver changed would never move again."""
    row = Row("device", Segment(), is_bound=True)
    ours, theirs = row.resources[:2]
    ours.flags, theirs.flags = MEM | SIZEALIGN, MEM | SIZEALIGN | PCI_FIXED
    row.segment.rows.append(row)
    player, _ = play(V2, 8, [])
    turn = player.world.engine._turn(V2.moves)  # type: ignore[arg-type]  # v2 moves
    turn.root.rows.append(row)

    v2.pin(turn)
    marked = [bool(bar.flags & PCI_FIXED) for bar in (ours, theirs)]
    v2.mark(row)

    assert marked == [True, True]
    assert [bool(bar.flags & PCI_FIXED) for bar in (ours, theirs)] == [False, True]


def test_a_bar_that_the_platform_pinned_keeps_its_place() -> None:
    """It takes part in placing as marked ones must; v5 loses it in the first rescan."""
    machine = [port("a", "01.0"), card("pinned", "a", MEG, pci_fixed=[0], at=BASE + 2 * MEG)]
    machine[0] |= {"firmware": {"bus": [0, 1, 1], "mem": [BASE + 2 * MEG, BASE + 3 * MEG - 1]}}

    spans = []
    for rules in (V2, V5):
        player, _ = play(rules, 8, machine, "rescan", "rescan")
        device = player.world.find("pinned")
        assert device is not None
        spans.append(device.bar_span(0))

    assert [str(span) for span in spans] == ["[0xe0200000-0xe02fffff]", "None"]


# --- the switch (patches 3 and 21) and the label ------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "cmdline", "moves"),
    [
        ("x86", "", True),
        ("x86", "pcie_movable_bars=off", False),
        ("x86", "pcie_movable_bars=force pcie_movable_bars=off", False),
        ("x86", "pcie_movable_bars=perhaps", True),
        ("x86", "pci=no_movable_bars", True),
        ("generic", "", False),
        ("generic", "pcie_movable_bars=force", True),
        ("powernv", "", False),
        ("powernv", "pcie_movable_bars=force", True),
    ],
)
def test_x86_alone_moves_unasked(platform: str, cmdline: str, moves: bool) -> None:
    """Off beats force, force beats the platform, and no other word means anything."""
    keys = {"platform": platform, **({"cmdline": cmdline} if cmdline else {})}
    player, _ = play(V2, 8, [], **keys)

    assert player.world.system.can_move_bars is moves


def test_reports_say_what_is_inferred() -> None:
    """No kernel with v2 was recorded: nobody should take its results for measured."""
    _, outcomes = play(V2, 8, [])

    assert outcomes[0].report.inferred == V2.inferred
    assert len(V2.inferred) >= 5
    assert V5.inferred == ()
