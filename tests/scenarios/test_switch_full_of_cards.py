"""A whole switch comes at once, four ports with NVMe drives and GPUs, while a drive beside it works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve

from movsdk.bench import gallery
from movsdk.bench.scenario_schema import parse
from tests.scenarios.stage import Story, bars, driver, play

CARDS = {"nvme0": "nvme", "gpu0": "gpu", "nvme1": "nvme", "gpu1": "gpu"}
PORT = {"kind": "bridge", "driver": "port"}


def chassis(*events: Mapping[str, Any], pcie: bool = True) -> dict[str, Any]:
    """A root port with a busy drive, an empty one, and the switch that will come. Without `pcie` no slot tells of anything."""
    slot: dict[str, Any] = {"hotplug": True, "pcie": "root-port"} if pcie else {}
    downstream: dict[str, Any] = {"pcie": "downstream"} if pcie else {}
    return {
        "windows": [
            {"type": "io", "start": 0x1000, "last": 0xFFFF},
            {"type": "mem", "start": 0xE000_0000, "last": 0xEFFF_FFFF},
            {"type": "pref64", "start": 0x40_0000_0000, "last": 0x4F_FFFF_FFFF},
        ],
        "devices": [
            {"id": "rp0", "slot": "01.0", "firmware": {"bus": [0, 1, 1]}, **PORT, **slot},
            {"id": "rp1", "slot": "02.0", "firmware": {"bus": [0, 2, 9]}, **PORT, **slot},
            {"id": "disk", "on": "rp0", "slot": "00.0", "driver": "nvme", "load": True},
            {"id": "up", "on": "rp1", "slot": "00.0", "present": False, **PORT, **({"pcie": "upstream"} if pcie else {})},
            *(
                {"id": f"dn{n}", "on": "up", "slot": f"{n:02x}.0", "present": False, **PORT, **downstream}
                for n in range(len(CARDS))
            ),
            *(
                {"id": card, "on": f"dn{n}", "slot": "00.0", "present": False, "driver": name}
                for n, (card, name) in enumerate(CARDS.items())
            ),
        ],
        "events": [{"op": "boot"}, {"op": "plug", "id": "up"}, *events],
    }


TOLD = chassis({"op": "link", "id": "rp1"})
BY_HAND = chassis({"op": "rescan"}, pcie=False)


def check_everything_works(story: Story) -> None:
    """Every BAR has a place, every card its driver, no request of the busy drive was lost."""
    placed = bars(story.last)
    assert [key for key, where in placed.items() if where is None] == []
    assert {card: driver(story.last, card) for card in CARDS} == CARDS
    assert {label for label, _ in placed} == {"disk", *CARDS}
    assert story.last.breaches.broken == ()
    assert story.last.findings == ()
    assert all(" 0 lost, 0 twice, 0 out of order, 0 corrupt" in line for line in story.last.io)


@pytest.mark.parametrize("rules", ["v9", "v5", "v2"])
def test_the_slot_tells_of_a_switch(rules: str) -> None:
    """One hot-add finds nine functions on six buses; all drives and GPUs are bound, the busy drive was paused once."""
    story = play(parse(TOLD), rules)

    check_everything_works(story)
    assert [call for call in story.last.hooks if call[1] == "disk"] == [["prepare", "disk"], ["done", "disk"]]
    assert set(story.last.report.found) == {"up", "dn0", "dn1", "dn2", "dn3", *CARDS}
    ranges = {device["id"]: tuple(device["buses"]) for device in story.last.state if "buses" in device}
    assert ranges["up"] == (3, 7)


@pytest.mark.parametrize("rules", ["v9", "v5", "v2"])
def test_somebody_rescans_by_hand(rules: str) -> None:
    """Conventional bridges, no hot-plug controller anywhere: the same cards are found and bound."""
    story = play(parse(BY_HAND), rules)

    check_everything_works(story)


def test_the_gallery_has_it() -> None:
    """To be played by name; it is this machine."""
    named = gallery.load("switch-full-of-cards").scenario

    assert evolve(named, name="", about="", folder=".") == evolve(parse(TOLD), folder=".")


def test_unpatched_the_slot_has_too_little_room() -> None:
    """A hot-add stays below its port: the reserve of 2 MiB holds the drives' registers, not the memory of a GPU."""
    story = play(parse(TOLD), "off")

    assert {card: driver(story.last, card) for card in CARDS} == {"nvme0": "nvme", "gpu0": None, "nvme1": "nvme", "gpu1": None}
    assert [place.device for place in story.last.report.unplaced] == ["gpu0", "gpu1"]


def test_unpatched_a_rescan_by_hand_leaves_the_port_closed() -> None:
    """Every BAR has a place; but the port counts as enabled: the windows it has now are never written (what patch 16 is for)."""
    story = play(parse(BY_HAND), "off")

    assert [where for where in bars(story.last).values() if where is None] == []
    assert {card: driver(story.last, card) for card in CARDS} == dict.fromkeys(CARDS)
    assert {finding.device for finding in story.last.findings} == {"rp1"}
