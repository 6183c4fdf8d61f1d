"""A second dock behind the first (Mika Westerberg on v9.1): the numbers of the report, with the series and without."""

from __future__ import annotations

import pytest
from attrs import evolve

from movsdk.bench import gallery
from movsdk.trace import What
from tests.scenarios.stage import Story, play

NAME = "nested-docks"
FIRMWARE = {"rp": (0x03, 0x3B), "host": (0x04, 0x3B), "nhi-port": (5, 5), "usb-port": (0x20, 0x20), "port4": (0x21, 0x3B)}
CHILDREN = {"dock2-usb-port", "dock2-usb", "dock2-next"}


def story(rules: str, cmdline: str = "") -> Story:
    """The story under one kernel."""
    return play(evolve(gallery.load(NAME).scenario, cmdline=cmdline), rules)


def buses(told: Story) -> dict[str, tuple[int, int]]:
    """First and last number behind each bridge, at the end."""
    return {device["id"]: tuple(device["buses"]) for device in told.last.state if device.get("buses")}


def test_unpatched_the_first_dock_gets_what_the_second_needs() -> None:
    """06-1f, 07-1f, 09-1f, 0a-1f, 0c-1f: each port passes its spare numbers on, a third dock would find some too."""
    told = story("off")

    assert buses(told) == FIRMWARE | {
        "port1": (0x06, 0x1F),
        "dock1": (0x07, 0x1F),
        "dock1-usb-port": (0x08, 0x08),
        "dock1-next": (0x09, 0x1F),
        "dock2": (0x0A, 0x1F),
        "dock2-usb-port": (0x0B, 0x0B),
        "dock2-next": (0x0C, 0x1F),
    }
    assert ["probe", "dock2-usb", "rc=0"] in told.last.hooks
    assert told.last.findings == ()


@pytest.mark.parametrize("rules", ["v9", "v5", "v2"])
def test_with_the_series_the_second_dock_is_a_switch_without_ports(rules: str) -> None:
    """07-09 and 09 alone: the full rescan spreads no numbers. 0a is not passed on, so nothing is found there, BARs or not."""
    told = story(rules)

    assert buses(told) == FIRMWARE | {
        "port1": (0x06, 0x1F),
        "dock1": (0x07, 0x09),
        "dock1-usb-port": (0x08, 0x08),
        "dock1-next": (0x09, 0x09),
        "dock2": (0x0A, 0x0A),
    }
    assert not CHILDREN & {device["id"] for device in told.last.state}
    assert [str(finding) for finding in told.last.findings] == [
        "O59 dock2: its bus has the number 0a, the bridge above passes on 09-09: what is behind it stays unseen"
    ]
    log = [event.text for event in told.last.report.timeline if event.what is What.LOG]
    assert "pci 0000:09:00.0: busn_res: can not insert [bus 0a] under [bus 09-09]" in log


def test_the_first_dock_works_either_way() -> None:
    """Its controller is bound, its BAR placed; the drivers that were there were paused and moved."""
    told = story("v9")

    dock1 = told.outcomes[1]
    assert dock1.report.paused == ("nhi", "usb")
    assert ["probe", "dock1-usb", "rc=0"] in dock1.hooks
    assert dock1.findings == ()


@pytest.mark.parametrize("count", [8, 16])
def test_reserved_numbers_help(count: int) -> None:
    """``pci=hpbussize=``: the dock's own port keeps some, and the second dock is complete."""
    told = story("v9", f"pci=hpbussize={count}")

    assert buses(told)["dock1-next"] == (0x09, 0x08 + count)
    assert {device["id"] for device in told.last.state} >= CHILDREN
    assert told.last.findings == ()


def test_numbering_anew_helps_too() -> None:
    """``pci=assign-busses`` with a reserve: firmware's numbers go, and every port has room."""
    told = story("v9", "pci=assign-busses,hpbussize=8")

    assert buses(told)["rp"] == (0x01, 0x14)
    assert {device["id"] for device in told.last.state} >= CHILDREN
