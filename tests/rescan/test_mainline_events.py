"""The unpatched kernel: reserves at boot, a rescan that moves nothing, a hot-add with two tries."""

from __future__ import annotations

import pytest

from movsdk.bench.player import Outcome
from movsdk.layout.table import IO, MEM, NO_RESERVE, PCI_FIXED, Reserve, Resource, Row, Segment
from movsdk.pci_regs import COMMAND_MASTER
from movsdk.rescan.mainline import BaseSizing
from tests.layout.tables import bridge, root_bus
from tests.layout.tables import card as row_with
from tests.rescan.stories import B, M, Story, card, late, places, played, port

RESERVE = Reserve(256, 2 * M, 2 * M)


def windows(outcome: Outcome) -> dict[str, tuple[int, int] | None]:
    """Memory window of each bridge as (start, size), None without a place."""
    return {
        device["id"]: (entry["start"], entry["last"] - entry["start"] + 1) if entry["assigned"] else None
        for device in outcome.state
        for entry in device["resources"]
        if entry["kind"] == "window" and entry["window"] == "mem"
    }


def final(*devices: Story, events: str, size: int = 64 * M, reserve: int = 0) -> Outcome:
    """The last outcome of a story under the unpatched kernel."""
    terms = {"io": 0, "mem": reserve, "pref": 0, "buses": 1}
    return played("off", *devices, events=events, size=size, reserve=terms)[1][-1]


# --- sizing rules ----------------------------------------------------------------------------------------
def test_the_reserve_is_for_hot_plug_bridges() -> None:
    """Where it is not optional it is a minimum: of the small ports, and of memory."""
    rules = BaseSizing(RESERVE)
    root = root_bus()
    segment, window = Segment(), Resource(8)

    assert [rules.reserve_of(bridge(root, name, is_hotplug=each)) for name, each in (("a", True), ("b", False))] == [
        RESERVE,
        NO_RESERVE,
    ]
    assert (rules.io_floors(segment, 256), rules.mem_floor(segment, window, True, 2 * M)) == ((256, 0), 2 * M)


@pytest.mark.parametrize(("kind", "flags", "counts"), [("mem32", 0, True), ("mem32", PCI_FIXED, False), ("io", PCI_FIXED, True)])
def test_pinned_memory_is_not_counted_pinned_ports_are(kind: str, flags: int, counts: bool) -> None:
    """A difference between the two sizing functions of the kernel."""
    row: Row = row_with(root_bus(), "a", {0: (kind, 0x1000)})
    row.resources[0].flags |= flags

    assert BaseSizing(NO_RESERVE).counts(row, 0) is counts
    assert BaseSizing(NO_RESERVE).alignment(row.resources[0]) == 0x1000
    assert row.resources[0].flags & (IO | MEM)


# --- boot and rescan -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param(8 * M, (B, 2 * M), id="there is room"),
        pytest.param(M, (B, M), id="there is none: what is needed"),
    ],
)
def test_reserves_are_wishes(size: int, expected: tuple[int, int]) -> None:
    """A hot-plug port gets its reserve at boot if that costs nobody anything."""
    assert windows(final(port(), card("a"), events="boot", size=size, reserve=2 * M)) == {"hp": expected}


def test_a_failed_bar_is_wiped_and_the_driver_bound() -> None:
    """It vanishes from the list, so nothing keeps the device from being enabled."""
    outcome = final(port(), card("big", 128 * M), events="boot")

    assert (places(outcome), outcome.hooks) == ({}, [["probe", "big", "rc=0"]])


def test_a_rescan_by_hand_places_newcomers_and_moves_nobody() -> None:
    """A newcomer finds its place in the window as it is, or is wiped: no window grows while it is in use."""
    devices = [port(), card("a"), late(card("small", slot="01.0")), late(card("wide", 4 * M, slot="02.0"))]
    outcome = final(*devices, events="boot, plug small, plug wide, rescan", reserve=2 * M)

    assert (places(outcome), windows(outcome)) == ({"a:0": B, "small:0": B + M}, {"hp": (B, 2 * M)})
    assert outcome.report.moves == ()
    assert outcome.hooks == [["probe", "small", "rc=0"], ["probe", "wide", "rc=0"]]


def test_a_wiped_bar_stays_gone() -> None:
    """There would be room for it now, but the kernel has forgotten that it exists."""
    devices = [card(name, 64 * M, on="root", slot=slot) for name, slot in (("first", "01.0"), ("second", "02.0"))]

    assert places(final(*devices, events="boot, remove first, rescan")) == {}


def test_a_wiped_window_comes_back() -> None:
    """A rescan gives bridges the types of their windows again."""
    devices = [port(), card("big", 128 * M), late(card("new", 4 * M, slot="01.0"))]

    assert windows(final(*devices, events="boot, rescan")) == {}
    outcome = final(*devices, events="boot, remove big, plug new, rescan")
    assert (windows(outcome), places(outcome)) == ({"hp": (B, 4 * M)}, {"new:0": B})


# --- hot-add ---------------------------------------------------------------------------------------------
def test_a_hot_add_first_tries_what_there_is() -> None:
    """With room in the window nothing else is touched."""
    devices = [port(), card("a"), late(card("new", slot="01.0")), port("other", "02.0"), card("b", on="other")]
    outcome = final(*devices, events="boot, plug new, hotadd hp", reserve=2 * M)

    assert places(outcome) == {"a:0": B, "new:0": B + M, "b:0": B + 2 * M}
    assert windows(outcome) == {"hp": (B, 2 * M), "other": (B + 2 * M, 2 * M)}


def test_the_second_try_takes_working_bars_away() -> None:
    """The window is given up with everything in it; behind the port all is placed again, nobody is asked."""
    devices = [port(), card("a"), late(card("new", 4 * M, slot="01.0"))]
    outcome = final(*devices, events="boot, plug new, hotadd hp")

    assert places(outcome) == {"a:0": B + 4 * M, "new:0": B}
    assert windows(outcome) == {"hp": (B, 6 * M)}
    assert outcome.hooks == [["probe", "new", "rc=0"]]
    assert [(move.device, move.new is not None) for move in outcome.report.moves] == [("a", True)]


BESIDE = [
    port("rp", hotplug=False),
    port("hp", "00.0", on="rp"),
    port("beside", "01.0", on="rp", hotplug=False),
    card("b", on="beside"),
    late(card("new", 16 * M)),
]


def test_what_was_released_elsewhere_stays_without_a_place() -> None:
    """The port's own window failed, so the whole bus above gives its windows up; only the port's side is placed again."""
    outcome = final(*BESIDE, events="boot, plug new, hotadd hp")

    assert (places(outcome), windows(outcome)) == ({"b:0": None}, {"rp": None, "beside": None})
    assert {device["id"]: device["driver"] for device in outcome.state if device["driver"]} == {"b": "movable", "new": "movable"}
    assert [(move.device, move.new) for move in outcome.report.moves] == [("b", None)]
    assert [finding.rule for finding in outcome.findings if finding.device == "b"] == ["E03"]


def test_a_later_rescan_places_it_again() -> None:
    """What was released is an unassigned resource like any other."""
    outcome = final(*BESIDE, events="boot, plug new, hotadd hp, rescan")

    assert places(outcome) == {"b:0": B}
    assert windows(outcome) == {"rp": (B, M), "beside": (B, M)}


def test_a_hot_added_chassis_is_numbered_and_gets_what_the_port_has_left() -> None:
    """The bridge gets a bus number of the port's, what is behind it is found, and its window is as large as there is room."""
    devices = [port(), late(port("c", "00.0", on="hp", hotplug=False)), late(card("d", on="c"))]
    terms = {"io": 0, "mem": 16 * M, "pref": 0, "buses": 4}
    outcome = played("off", *devices, events="boot, plug c, hotadd hp", reserve=terms)[1][-1]

    assert {device["id"]: device["buses"] for device in outcome.state if "buses" in device} == {"hp": [1, 4], "c": [2, 2]}
    assert (windows(outcome), places(outcome)) == ({"hp": (B, 16 * M), "c": (B, 16 * M)}, {"d:0": B})


def test_the_port_masters_the_bus_afterwards() -> None:
    """Whatever was found behind it."""
    devices = [port(), late(card("new", driver="none"))]
    table, outcomes = played("off", *devices, events="boot, plug new, hotadd hp")

    assert table.world.machine.function("hp").command & COMMAND_MASTER
    assert outcomes[-1].hooks == []
