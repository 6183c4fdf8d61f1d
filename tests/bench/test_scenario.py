"""The values of a scenario."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.address import Span
from movsdk.bench.scenario import Aperture, BridgeSpec, EndpointSpec, EventSpec, RamRange, Scenario

PORT = BridgeSpec(id="port", slot="01.0")
CARD = EndpointSpec(id="card", on="inner")
INNER = BridgeSpec(id="inner", on="port")


def machine(*windows: Aperture, **words: Any) -> Scenario:
    return Scenario(windows=windows, devices=(CARD, INNER, PORT), **words)


def test_devices_are_told_top_down_whatever_the_order_of_the_file() -> None:
    """Silicon can be built in this order: a bridge stands before what is on it."""
    assert [spec.id for spec in machine().top_down()] == ["port", "inner", "card"]


def test_a_device_is_found_by_id() -> None:
    """An id that nobody has is a KeyError: the loader has checked all that a file names."""
    assert machine().find("card") is CARD
    with pytest.raises(KeyError):
        machine().find("nobody")


def test_ram_over_an_aperture_is_a_warning() -> None:
    """It can be played, but no BAR can ever be placed there; I/O ports are another space."""
    scenario = machine(
        Aperture("mem", Span(0x3000_0000, 0x4FFF_FFFF)),
        Aperture("mem", Span(0x8000_0000, 0x8FFF_FFFF)),
        Aperture("io", Span(0, 0xFFFF)),
        ram=(RamRange(Span(0, 0x3FFF_FFFF), "System RAM"),),
    )

    assert scenario.warnings == (
        "RAM [0x0-0x3fffffff] (System RAM) overlaps the mem aperture [0x30000000-0x4fffffff]: no BAR will be placed there",
    )


def test_the_bounds_of_placing_are_the_ram_map_and_the_bios_range() -> None:
    """Ascending, as the kernel walks them; the last 2 MiB below 4 GiB are always kept."""
    scenario = machine(ram=(RamRange(Span(0xB000_0000, 0xBFFF_FFFF)), RamRange(Span(0, 0xFFF))), min_io=0x2000)

    assert scenario.address_map.reserved == ((0, 0xFFF), (0xB000_0000, 0xBFFF_FFFF), (0xFFE0_0000, 0xFFFF_FFFF))
    assert (scenario.address_map.min_io, scenario.address_map.min_mem) == (0x2000, 0x100_0000)


def test_the_defaults_are_those_of_the_vectors() -> None:
    """reserve 256, 2M, 2M, 1; the RAM of the recording machine; boot and nothing else."""
    scenario = machine()

    assert (scenario.reserve.io, scenario.reserve.mem, scenario.reserve.pref, scenario.reserve.buses) == (
        256,
        2 << 20,
        2 << 20,
        1,
    )
    assert scenario.address_map.reserved[0] == (0, 0x3FFF_FFFF)
    assert scenario.events == (EventSpec("boot"),)


def test_the_folder_of_the_file_is_not_part_of_the_machine() -> None:
    """The same scenario in another folder is equal."""
    assert machine(folder="a") == machine(folder="b")
    assert str(EventSpec("hotadd", "port")) == "hotadd port"
