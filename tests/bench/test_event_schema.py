"""Events of a scenario: which ops there are, what each names, and what is refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.bench.scenario import EventSpec, Scenario
from movsdk.bench.scenario_schema import parse
from movsdk.bench.scenario_text import dump_scenario, to_plain
from movsdk.bench.yaml_text import read_yaml
from movsdk.errors import BadInput
from movsdk.pci_regs import PowerState

DEVICES: list[dict[str, Any]] = [
    {
        "id": "port",
        "slot": "01.0",
        "kind": "bridge",
        "hotplug": True,
        "pcie": "root-port",
        "controls": ["button", "power", "indicators"],
    },
    {"id": "plain", "slot": "02.0", "kind": "bridge", "hotplug": True, "pcie": "root-port"},
    {"id": "bridge", "slot": "03.0", "kind": "bridge"},
    {"id": "card", "on": "port", "slot": "00.0"},
    {"id": "deaf", "on": "bridge", "slot": "00.0"},
]


def read(*events: dict[str, Any], **changes: Any) -> Scenario:
    """A machine with slots of all sorts, and these events."""
    return parse({"windows": [], "devices": DEVICES, "events": [*events], **changes})


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"op": "button", "id": "port"}, EventSpec("button", "port")),
        ({"op": "button", "id": "port", "ms": 2000}, EventSpec("button", "port", ms=2000)),
        ({"op": "link", "id": "plain"}, EventSpec("link", "plain")),
        ({"op": "power_fault", "id": "port"}, EventSpec("power_fault", "port")),
        ({"op": "pull", "id": "card"}, EventSpec("pull", "card")),
        ({"op": "suspend", "id": "card"}, EventSpec("suspend", "card", state=PowerState.D3HOT)),
        ({"op": "suspend", "id": "port", "state": "d3cold"}, EventSpec("suspend", "port", state=PowerState.D3COLD)),
        ({"op": "resume", "id": "card"}, EventSpec("resume", "card")),
        ({"op": "wait", "ms": 10}, EventSpec("wait", ms=10)),
    ],
)
def test_events_at_slots_and_of_power(event: dict[str, Any], expected: EventSpec) -> None:
    """Each reads, and reads back as written."""
    scenario = read(event)

    assert scenario.events == (EventSpec("boot"), expected)
    again, _ = read_yaml(dump_scenario(scenario), "again.yaml")
    assert parse(again).events == scenario.events


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"op": "button", "id": "plain"}, 'id: "plain" has a slot without that; add controls: [button]'),
        ({"op": "power_fault", "id": "plain"}, 'id: "plain" has a slot without that; add controls: [power]'),
        ({"op": "link", "id": "bridge"}, "has no PCI Express slot; link needs hotplug: true and pcie: root-port or downstream"),
        ({"op": "button", "id": "card"}, 'id: "card" is an endpoint; button takes the bridge above it, "port"'),
        ({"op": "pull", "id": "deaf"}, 'sits in no hot-plug slot that could tell of it; use unplug, or add hotplug to "bridge"'),
        ({"op": "pull", "id": "bridge"}, 'sits in no hot-plug slot that could tell of it; use unplug, or add hotplug to "root"'),
        ({"op": "wait"}, "events[0]: wait for how long? add 'ms', virtual milliseconds"),
        ({"op": "wait", "ms": 1, "id": "card"}, 'id: "card" has nothing to name: wait is for the whole machine'),
        ({"op": "wait", "ms": 100_000_000}, "ms: 100000000 is out of range; it must be 0x0 to 0x5265c00"),
        ({"op": "suspend", "id": "card", "state": "d0"}, 'state: unknown value "d0"; known: d1, d2, d3cold, d3hot'),
        ({"op": "resume", "id": "card", "state": "d1"}, 'unknown key "state"'),
        ({"op": "hotadd", "id": "port", "ms": 1}, 'unknown key "ms"'),
    ],
)
def test_what_is_refused(event: dict[str, Any], message: str) -> None:
    """What is done at a slot needs a slot that has it and can tell."""
    with pytest.raises(BadInput) as refused:
        read(event)

    assert message in str(refused.value)


def test_a_dumped_port_is_taken_at_its_bytes() -> None:
    """Only its registers know what its slot has: nothing is refused, and nothing happens if it has none."""
    devices = [
        {"id": "port", "slot": "01.0", "kind": "bridge", "config": {"size": 64, "0x00": "36 1b 0c 00", "0x0c": "00 00 01 00"}}
    ]

    scenario = read({"op": "button", "id": "port"}, {"op": "power_fault", "id": "port"}, devices=devices)

    assert [event.op for event in scenario.events] == ["boot", "button", "power_fault"]


@pytest.mark.parametrize(
    ("bridge", "message"),
    [
        ({"controls": ["lever"]}, 'controls[0]: unknown value "lever"; known: button, indicators, power'),
        ({"controls": ["button"]}, "belongs to a PCI Express slot; add hotplug: true and pcie: root-port or downstream"),
        ({"controls": ["button"], "hotplug": True, "pcie": "upstream"}, "belongs to a PCI Express slot"),
    ],
)
def test_only_a_slot_has_controls(bridge: dict[str, Any], message: str) -> None:
    """Of a root or downstream port."""
    with pytest.raises(BadInput) as refused:
        read(devices=[{"id": "b", "slot": "01.0", "kind": "bridge", **bridge}])

    assert message in str(refused.value)


def test_platform_and_command_line_are_keys_of_a_scenario() -> None:
    """With the platform come its minima; both are written where they say something."""
    scenario = read(platform="powernv", cmdline="pci=realloc")

    assert (scenario.platform, scenario.cmdline, scenario.min_mem, scenario.min_io) == (
        "powernv",
        "pci=realloc",
        0x1000_0000,
        0x1000,
    )
    assert scenario.address_map.reserved == ()
    assert {key: to_plain(scenario)[key] for key in ("platform", "cmdline")} == {"platform": "powernv", "cmdline": "pci=realloc"}
    assert not {"platform", "cmdline"} & set(to_plain(read()))
    again, _ = read_yaml(dump_scenario(scenario), "again.yaml")
    assert parse(again) == scenario
    with pytest.raises(BadInput, match=r'platform: unknown value "s390"; known: generic, powernv, x86'):
        read(platform="s390")
