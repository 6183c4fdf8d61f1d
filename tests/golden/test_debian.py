"""A machine that the model was not made after: Debian's unpatched 6.1 on q35, dumped after boot and six events."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from movsdk.bench.differences import differences_from_dump
from movsdk.bench.importers.folder import read_dump
from movsdk.bench.importers.story import import_story
from movsdk.bench.player import Outcome, Player
from movsdk.bench.scenario_schema import parse
from movsdk.bench.scenario_text import to_plain
from movsdk.rescan.rules import by_name

FOLDERS = sorted((Path(__file__).parent / "machines" / "debian-6.1").iterdir())
SWAPPED = "04:00.0"
EVENTS = [
    {"op": "boot"},
    {"op": "plug", "id": "05:00.0"},
    {"op": "hotadd", "id": "02:02.0"},
    {"op": "plug", "id": SWAPPED},
    {"op": "hotadd", "id": "02:01.0"},
    {"op": "rescan"},
    {"op": "remove", "id": "05:00.0"},
]


@cache
def before_the_swap() -> list[Outcome]:
    """Boot, two hot-adds and a removal, as the dumps tell them."""
    return list(Player(import_story(FOLDERS[:4]), by_name("off")).play())


@cache
def after_the_swap() -> list[Outcome]:
    """The later events, with a 64 MiB card below dn1: Linux wiped its BAR, so the dumps cannot tell the size."""
    machine = to_plain(import_story(FOLDERS[:3]))
    card = next(device for device in machine["devices"] if device["id"] == SWAPPED)
    next(bar for bar in card["bars"] if bar["n"] == 2)["size"] = 64 << 20
    return list(Player(parse(machine | {"events": EVENTS}), by_name("off")).play())


@pytest.mark.parametrize("number", range(4), ids=[folder.name for folder in FOLDERS[:4]])
def test_what_the_kernel_made_of_it(number: int) -> None:
    """Every BAR, window, window register and bus number is where the real kernel put it."""
    assert list(differences_from_dump(before_the_swap()[number].state, read_dump(FOLDERS[number]))) == []


@pytest.mark.parametrize("number", range(4, 7), ids=[folder.name for folder in FOLDERS[4:]])
def test_a_card_that_does_not_fit(number: int) -> None:
    """The hot-add finds no space for it, a rescan does not either, and nothing else moves."""
    outcome = after_the_swap()[number - 2]

    assert list(differences_from_dump(outcome.state, read_dump(FOLDERS[number]))) == []
    no_space = ["04:00.0 BAR 2 [mem size 0x04000000 64bit pref]: no space"]
    assert [str(place) for place in outcome.report.unplaced] == (no_space if outcome.op == "hotadd" else [])
