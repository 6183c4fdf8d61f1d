"""Bus numbers of the recorded kernels: which vectors tell of them, and that each rule about them shows in some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from movsdk.bench.player import Player
from movsdk.bench.scenario_schema import parse
from movsdk.kernel import probe
from movsdk.rescan.rules import by_name
from tests.golden.recordings import RULES, lines, vector

Numbers = list[dict[str, Any]]


def recorded(rules: str, name: str) -> list[Numbers]:
    """Range and registers of every bridge after each event, as recorded."""
    return [_numbers(expected["state"]) for expected in vector(rules, name)["expect"]]


def ours(rules: str, name: str) -> list[Numbers]:
    """The same as this kernel model has it."""
    return [_numbers(outcome.state) for outcome in Player(parse(vector(rules, name)["scenario"]), by_name(rules)).play()]


def _numbers(state: list[dict[str, Any]]) -> Numbers:
    return [
        {"id": device["id"], "bdf": device["bdf"], "buses": list(device.get("buses", ())), "bus": device["registers"]["bus"]}
        for device in state
        if "registers" in device
    ]


def telling(rules: str, wanted: Callable[[dict[str, Any]], bool]) -> list[str]:
    """Vectors whose scenario is `wanted`."""
    return [name for name in lines(rules) if wanted(vector(rules, name)["scenario"])]


def _reserves(scenario: dict[str, Any]) -> bool:
    return bool(scenario.get("reserve", {}).get("buses", 1) > 1) and any(device.get("hotplug") for device in scenario["devices"])


def _adds_bridges(scenario: dict[str, Any]) -> bool:
    absent = {device["id"] for device in scenario["devices"] if not device.get("present", True) and device["kind"] == "bridge"}
    return bool(absent) and any(event["op"] == "hotadd" for event in scenario["events"])


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("wanted", [_reserves, _adds_bridges], ids=["hpbussize", "hot-added bridges"])
def test_numbers_are_the_recorded_ones(rules: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
    """Reserved numbers of hot-plug bridges, shares of hot-added ones: every range, every register, after every event.

    Some of each; `test_vectors` plays them all, and compares everything.
    """
    names = telling(rules, wanted)

    assert len(names) >= 5
    names = names[:: max(1, len(names) // 25)]
    assert [name for name in names if ours(rules, name) != recorded(rules, name)] == []


def test_without_the_reserve_some_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """``hpbussize`` decides something: a scan that forgets it numbers otherwise."""
    names = telling("v9", _reserves)
    scan = probe.scan_child_bus

    def forgetful(bus: Any, available: int = 0) -> int:
        reserve, bus.system.reserve = bus.system.reserve, type(bus.system.reserve)(buses=1)
        try:
            return scan(bus, available)
        finally:
            bus.system.reserve = reserve

    monkeypatch.setattr("movsdk.rescan.engine.scan_child_bus", forgetful)

    assert any(ours("v9", name) != recorded("v9", name) for name in names)
