"""The unpatched kernel, beyond its recordings: ``pci=realloc`` at boot, and the feature turned off on the command line."""

from __future__ import annotations

import pytest
from attrs import evolve

from movsdk.bench.player import Player
from movsdk.bench.scenario import Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.rescan.rules import by_name
from tests.golden.recordings import lines, vector

M = 1 << 20
START = 0xE000_0000


def machine(window: int, *bars: str, reserve: str = "0") -> Scenario:
    """A port behind which firmware left a window of `window` MiB, and a card with these memory BARs, without addresses."""
    return parse(
        {
            "reserve": {"io": 0, "mem": reserve, "pref": 0},
            "windows": [{"type": "mem", "start": START, "last": START + 64 * M - 1}],
            "devices": [
                {"id": "top", "slot": "01.0", "kind": "bridge", "io": False, "prefetchable": None, "hotplug": True, "firmware": {
                    "bus": [0, 1, 2], "mem": [START, START + window * M - 1]}},
                {"id": "port", "on": "top", "slot": "00.0", "kind": "bridge", "io": False, "prefetchable": None, "firmware": {
                    "bus": [1, 2, 2], "mem": [START, START + window * M - 1]}},
                {"id": "card", "on": "port", "slot": "00.0", "driver": "fixed", "bars": [
                    {"n": n, "type": "mem32", "size": size} for n, size in enumerate(bars)]},
            ],
        }
    )  # fmt: skip


def boot(scenario: Scenario, cmdline: str = "", rules: str = "off") -> Player:
    """The machine after boot."""
    player = Player(evolve(scenario, cmdline=cmdline), by_name(rules))
    list(player.play())
    return player


def places(player: Player) -> dict[str, tuple[int, int] | None]:
    """Windows and BAR 0, in MiB from the start of the aperture: (start, size)."""
    found: dict[str, tuple[int, int] | None] = {}
    for device in player.world.system.devices():
        resource = device.resources[8 if device.row.is_bridge else 0]
        is_placed = bool(resource.flags) and resource.parent is not None
        found[device.label] = ((resource.start - START) // M, resource.size // M) if is_placed else None
    return found


# --- realloc ---------------------------------------------------------------------------------------------
def test_firmwares_window_is_too_small_and_stays() -> None:
    """One try: what does not fit is wiped."""
    assert places(boot(machine(1, "4M"))) == {"top": (0, 1), "port": (0, 1), "card": None}


@pytest.mark.parametrize("cmdline", ["pci=realloc", "pci=realloc=on", "pci=realloc,use_crs"])
def test_realloc_takes_firmwares_windows_away(cmdline: str) -> None:
    """Second try without the leaf's window, third without all of them: as many as the tree is deep."""
    assert places(boot(machine(1, "4M"), cmdline)) == {"top": (0, 4), "port": (0, 4), "card": (0, 4)}


def test_realloc_that_is_not_needed_changes_nothing() -> None:
    """What fits stays where firmware put it."""
    scenario = machine(8, "4M")

    assert places(boot(scenario, "pci=realloc")) == places(boot(scenario)) == {"top": (0, 8), "port": (0, 8), "card": (0, 4)}


def test_realloc_off() -> None:
    """Said in so many words."""
    assert places(boot(machine(1, "4M"), "pci=realloc=off"))["card"] is None


def test_realloc_may_make_it_worse() -> None:
    """One hopeless BAR: its window asks for too much, fits nowhere, and everything below is lost with it."""
    scenario = machine(1, "1M", "128M")

    assert places(boot(scenario))["card"] == (0, 1)
    assert places(boot(scenario, "pci=realloc")) == {"top": None, "port": None, "card": None}


def test_reserves_are_wished_for_in_the_last_try_only() -> None:
    """Before it they count as required; what is left in the end goes to the hot-plug port."""
    assert places(boot(machine(1, "1M", "4M", reserve="60M"), "pci=realloc")) == {"top": (0, 60), "port": (0, 6), "card": (4, 1)}


# --- the feature off -----------------------------------------------------------------------------------------
SAMPLE = sorted(lines("off"))[::5]
LINES = {"v9": "pci=no_movable_bars", "v5": "pcie_movable_bars=force pcie_movable_bars=off", "v2": "pcie_movable_bars=off"}
REENABLED = {"f00003", "f00084"}  # a bridge gets the COMMAND bits of a window that came later: patch 16 works all the same


@pytest.mark.parametrize("rules", LINES)
def test_turned_off_the_series_is_the_unpatched_kernel(rules: str) -> None:
    """Observables 1 to 3: no hook, no move, every register as recorded without the series; off beats force."""
    differing = set()
    for name in {*SAMPLE, *REENABLED}:
        case = vector("off", name)
        player = Player(evolve(parse(case["scenario"]), cmdline=LINES[rules]), by_name(rules))
        outcomes = [outcome.as_expected() for outcome in player.play()]
        for outcome in outcomes:
            for device in outcome["state"]:
                device["bars_disabled"] = None  # a patched kernel knows the word
        if outcomes != case["expect"]:
            differing.add(name)

    assert differing == REENABLED
