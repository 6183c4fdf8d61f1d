"""A scenario out of plain objects."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.address import Span
from movsdk.bench.scenario import Aperture, EventSpec, Load, RamRange, Reserved
from movsdk.bench.scenario_schema import parse
from movsdk.errors import BadInput

WINDOW = {"type": "mem", "start": 0xE0000000, "last": 0xEFFFFFFF}
DEVICES = [
    {"id": "p", "slot": "01.0", "kind": "bridge", "hotplug": True},
    {"id": "a", "on": "p", "slot": "00.0", "kind": "endpoint", "driver": "movable", "present": False},
]


def scenario(**words: Any) -> dict[str, Any]:
    return {"windows": [WINDOW], "devices": DEVICES, **words}


def test_the_form_of_the_golden_vectors_is_read() -> None:
    """A vector's scenario needs no change at all."""
    found = parse(
        {
            "windows": [WINDOW, {"type": "io", "start": 4096, "last": 65535}],
            "reserve": {"io": 0, "mem": 1048576, "pref": 0, "buses": 8},
            "min_mem": 16777216,
            "devices": [
                {
                    "id": "p",
                    "on": "root",
                    "slot": "01.0",
                    "kind": "bridge",
                    "hotplug": False,
                    "prefetchable": 64,
                    "io": True,
                    "firmware": {"bus": [0, 1, 1], "mem": [3758096384, 3759144959]},
                },
                {
                    "id": "a",
                    "on": "p",
                    "slot": "00.0",
                    "kind": "endpoint",
                    "driver": "mixed",
                    "fixed_bars": [0],
                    "bars": [{"n": 0, "type": "mem32", "size": 65536, "firmware": 3758096384}],
                },
            ],
            "events": [{"op": "boot"}, {"op": "plug", "id": "a"}, {"op": "hotadd", "id": "p"}, {"op": "rescan"}],
        }
    )

    assert found.windows[1] == Aperture("io", Span(0x1000, 0xFFFF))
    assert (found.reserve.mem, found.reserve.buses, found.min_mem) == (1 << 20, 8, 16 << 20)
    assert [str(event) for event in found.events] == ["boot", "plug a", "hotadd p", "rescan"]


def test_what_real_machines_need_is_read() -> None:
    """RAM map, busy pieces of apertures, minima, domain."""
    found = parse(
        scenario(
            format=1,
            name="big",
            about="two\nlines",
            min_mem="32M",
            min_io="0x2000",
            ram=[{"start": 0, "last": "0x9fbff", "name": "System RAM"}],
            reserved=[{"type": "io", "start": "0x3f8", "last": "0x3ff", "name": "serial"}],
            domain="0x10000",
            reserve={"mem": "4M"},
        )
    )

    assert (found.name, found.about, found.domain) == ("big", "two\nlines", 0x10000)
    assert found.ram == (RamRange(Span(0, 0x9FBFF), "System RAM"),)
    assert found.reserved == (Reserved("io", Span(0x3F8, 0x3FF), "serial"),)
    assert (found.min_mem, found.min_io, found.reserve.mem, found.reserve.pref) == (32 << 20, 0x2000, 4 << 20, 2 << 20)


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (None, ["boot"]),
        ([], ["boot"]),
        ([{"op": "rescan"}], ["boot", "rescan"]),
        ([{"op": "plug", "id": "a"}, {"op": "boot", "id": None}], ["plug a", "boot"]),
        (
            [{"op": "plug", "id": "a"}, {"op": "plug", "id": "a"}, {"op": "remove", "id": "p"}],
            ["boot", "plug a", "plug a", "remove p"],
        ),
    ],
)
def test_a_scenario_boots_once_and_first(events: list[Any] | None, told: list[str]) -> None:
    """Without a boot there is one; silicon may change before it; plugging twice is harmless."""
    found = parse(scenario() if events is None else scenario(events=events))

    assert [str(event) for event in found.events] == told


def test_io_by_hand_takes_an_amount() -> None:
    """As a load does, for one event."""
    events = [{"op": "boot"}, {"op": "io", "id": "a", "reads": 100}, {"op": "io", "id": "a"}]

    assert parse(scenario(events=events)).events[1:] == (
        EventSpec("io", "a", Load(100, 0, 4096)),
        EventSpec("io", "a", Load(8, 8, 4096)),
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "m: [] is not an object; write {format, name, about, ...}"),
        ({"devices": []}, "m: 'windows' is missing"),
        ({"windows": [WINDOW]}, "m: 'devices' is missing"),
        (scenario(format=2), "m: format: 2 is a format this version does not read; it reads 1"),
        (scenario(windws=[]), "m: windws: unknown key \"windws\"; did you mean 'windows'?"),
        (scenario(windows=[WINDOW | {"type": "men"}]), "m: windows[0].type: unknown value \"men\"; did you mean 'mem'?"),
        (
            scenario(windows=[WINDOW | {"last": 1}]),
            "m: windows[0].last: 1 lies below start (0xe0000000); `last` is the last byte inside",
        ),
        (
            scenario(windows=[{"type": "io", "start": 0, "last": 1 << 32}]),
            "m: windows[0].last: 4294967296 is out of range; it must be 0x0 to 0xffffffff",
        ),
        (
            scenario(windows=[WINDOW, WINDOW]),
            "m: windows[1]: [0xe0000000-0xefffffff] overlaps the aperture [0xe0000000-0xefffffff]; "
            "an address has one way to the bus",
        ),
        (scenario(reserve={"buses": 256}), "m: reserve.buses: 256 is out of range; it must be 0x0 to 0xff"),
        (scenario(reserve=[]), "m: reserve: [] is not an object; write {io, mem, pref, ...}"),
        (scenario(ram={}), "m: ram: {} is not a list; write [...]"),
        (
            scenario(reserved=[{"type": "pref", "start": 0, "last": 1}]),
            'm: reserved[0].type: unknown value "pref"; known: io, mem',
        ),
        (scenario(devices={}), "m: devices: {} is not a list; write [...]"),
        (scenario(events=[{"op": "reboot"}]), "m: events[0].op: unknown value \"reboot\"; did you mean 'boot'?"),
        (scenario(events=["boot"]), 'm: events[0]: "boot" is not an object; write {op, id, ...}'),
        (scenario(events=[{"op": "boot"}, {"op": "boot"}]), "m: events[1]: a second boot; a scenario boots once"),
        (
            scenario(events=[{"op": "rescan"}, {"op": "boot"}]),
            "m: events[0]: rescan before boot; only plug and unplug may stand before it",
        ),
        (scenario(events=[{"op": "plug"}]), "m: events[0]: plug of what? add the 'id' of a device"),
        (scenario(events=[{"op": "plug", "id": "b"}]), 'm: events[0].id: unknown device "b"; known: a, p'),
        (
            scenario(events=[{"op": "rescan", "id": "p"}]),
            'm: events[0].id: "p" has nothing to name: rescan is for the whole machine',
        ),
        (
            scenario(events=[{"op": "hotadd", "id": "a"}]),
            'm: events[0].id: "a" is an endpoint; hotadd takes the bridge above it, "p"',
        ),
        (scenario(events=[{"op": "io", "id": "p"}]), 'm: events[0].id: "p" is a bridge; only an endpoint does I/O'),
        (scenario(events=[{"op": "plug", "id": "a", "reads": 1}]), 'm: events[0].reads: unknown key "reads"; known: id, op'),
    ],
)
def test_a_broken_scenario_is_refused_by_place(value: object, message: str) -> None:
    """One line: where, what stands there, what to write instead."""
    with pytest.raises(BadInput) as caught:
        parse(value, "m")

    assert str(caught.value) == message


def test_lines_are_told_where_the_reader_knows_them() -> None:
    """The nearest known line stands in for a place of its own."""
    with pytest.raises(BadInput) as caught:
        parse(scenario(domain=-1), "m.yaml", lines={"scenario.domain": 7}, at="scenario")

    assert str(caught.value) == "m.yaml:7: scenario.domain: -1 is out of range; it must be 0x0 to 0xffffffff"
