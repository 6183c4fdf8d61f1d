"""Removal, the switch-off by a subtractive bridge, and what a report holds at the end of an event."""

from __future__ import annotations

import pytest
from attrs import evolve

from movsdk.bench.player import Player
from movsdk.bench.scenario import EventSpec
from movsdk.pci_regs import COMMAND, COMMAND_MASTER
from movsdk.rescan.report import RescanReport
from movsdk.rescan.rules import by_name
from tests.rescan.stories import M, card, late, played, port

BOTH = pytest.mark.parametrize("rules", ["v9", "v5"])
ALL = pytest.mark.parametrize("rules", ["v9", "v5", "off"])
SUBTRACTIVE = port("t", "02.0", hotplug=False) | {"class": 0x060401}


def report_of(table: Player, op: str, device: str | None = None) -> RescanReport:
    """What one more event came to."""
    outcome = table.step(EventSpec(op, device))
    assert outcome is not None
    return outcome.report


@ALL
def test_removal_goes_from_the_last_and_deepest(rules: str) -> None:
    """Drivers are told in reverse order, then everything is forgotten; nothing moves, and the place is free."""
    devices = [port(), port("in", on="hp", slot="00.0"), card("a", on="in"), card("b", slot="01.0"), card("c", slot="02.0")]
    table, _ = played(rules, *devices)

    outcome = table.step(EventSpec("remove", "hp"))

    assert outcome is not None
    assert outcome.hooks == [["remove", name] for name in ("c", "b", "a")]
    assert (outcome.state, outcome.report.moves) == ([], ())
    assert table.world.system.root.segment.windows[0].children == []
    assert table.world.machine.label_at(0, 8) is None


@ALL
def test_a_removed_driver_leaves_decode_but_no_bus_mastering(rules: str) -> None:
    """COMMAND of a bridge above does not change either."""
    table, _ = played(rules, port(), card("a"))
    function, bridge = table.world.machine.function("a"), table.world.machine.function("hp")
    device = table.world.find("a")
    assert device is not None
    function.config_write(COMMAND, 2, function.command | COMMAND_MASTER)
    before = bridge.command

    table.world.engine.remove(device)

    assert (function.command, bridge.command) == (2, before)


def test_a_subtractive_bridge_stops_all_movement_for_good() -> None:
    """v9 sees it when its header is read; from then on the rules are the unpatched kernel's. v5 does not mind."""
    devices = [port(), card("a"), late(SUBTRACTIVE)]
    table, _ = played("v9", *devices)
    assert table.world.engine.moves is not None
    table.world.machine.plug("t")
    report_of(table, "rescan")

    assert table.world.engine.moves is None
    assert report_of(table, "rescan").paused == ()
    table.step(EventSpec("remove", "t"))
    assert report_of(table, "rescan").paused == ()

    table, _ = played("v5", *devices[:2], SUBTRACTIVE)
    assert report_of(table, "rescan").paused == ("a",)


def test_what_must_stay_is_in_the_report() -> None:
    """BARs of drivers without hooks, as long as something may move; not those of newcomers that just got their place."""
    devices = [port(), card("f", driver="fixed"), card("m", slot="01.0"), late(card("new", slot="02.0", driver="fixed"))]
    table, (boot,) = played("v9", *devices)
    table.world.machine.plug("new")

    hotadd, rescan = report_of(table, "hotadd", "hp"), report_of(table, "rescan")

    assert boot.report.fixed == ()
    assert [(label, bar) for label, bar, _ in hotadd.fixed] == [("f", 0)]
    assert [(label, bar) for label, bar, _ in rescan.fixed] == [("f", 0), ("new", 0)]
    assert report_of(table, "remove", "new").fixed == ()


def test_v9_as_posted_asks_for_bar_fixed() -> None:
    """One field of the rules: with it, hooks alone leave a driver's BARs where they are."""
    from movsdk.rescan.rules.v9 import opt_in_as_posted

    rules = by_name("v9")
    assert rules.moves is not None
    posted = evolve(rules, moves=evolve(rules.moves, opt_in=opt_in_as_posted))

    moved = []
    for each in (rules, posted):
        table, _ = played(each, port(), card("a"), late(card("new", 4 * M, slot="01.0")))
        device = table.world.find("a")
        assert device is not None
        assert device.driver is not None
        device.driver.hooks -= {"bar_fixed"}
        table.world.machine.plug("new")
        moved.append([move.device for move in report_of(table, "hotadd", "hp").moves])

    assert moved == [["a"], []]
