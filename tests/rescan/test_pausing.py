"""Who is paused, in which order, and who is asked about its BARs. Drivers that raise: `test_pausing_failures`."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.bench.scenario import EventSpec
from movsdk.hooks import PciId
from movsdk.kernel.binding import register_driver
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import PciDev
from movsdk.rescan import pausing
from movsdk.rescan.rules import by_name
from movsdk.rescan.rules.record import Moves
from tests.rescan.hooked import THREE, Hooked, hooks_of, moved_with_newcomer, with_driver
from tests.rescan.stories import M, card, late, played, player, port

BOTH = pytest.mark.parametrize("rules", ["v9", "v5"])


# --- order -----------------------------------------------------------------------------------------------
@BOTH
def test_prepare_goes_up_and_done_comes_down(rules: str) -> None:
    """Children of a bridge before what follows it, siblings in list order; done in the same list order."""
    devices = [
        port("p1"),
        card("a", on="p1"),
        port("p2", on="p1", slot="01.0"),
        card("b", on="p2"),
        card("c", on="p1", slot="02.0"),
        card("d", on="root", slot="02.0"),
    ]
    table, _ = played(rules, *devices)

    assert hooks_of(table) == [*(["prepare", name] for name in "abcd"), *(["done", name] for name in "abcd")]


class Bridged(Hooked):
    """Serves bridges as well."""


@BOTH
def test_a_bridge_is_paused_after_and_woken_before_what_is_behind_it(rules: str) -> None:
    """Nobody below may use a bridge that sleeps."""
    table = player(rules, port(), card("a"), card("b", on="root", slot="02.0"))
    bound = register_driver(table.world.system, Bridged())
    table.world.system.match_of = lambda _device: bound
    table.step(EventSpec("boot"))
    table.world.take_hooks()

    assert hooks_of(table) == [
        ["prepare", "a"],
        ["prepare", "hp"],
        ["prepare", "b"],
        ["done", "hp"],
        ["done", "a"],
        ["done", "b"],
    ]


@pytest.mark.parametrize(
    ("driver", "hooks"),
    [
        pytest.param("movable", ["prepare", "done"], id="hooks"),
        pytest.param("mixed", ["prepare", "done"], id="hooks, some BARs fixed"),
        pytest.param("portlike", [], id="movable without being told"),
        pytest.param("fixed", [], id="no hooks"),
        pytest.param("none", [], id="no driver"),
    ],
)
@BOTH
def test_who_is_told(rules: str, driver: str, hooks: list[str]) -> None:
    """Only bound drivers with the hooks."""
    table, _ = played(rules, port(), card("a", driver=driver))

    assert hooks_of(table) == [[hook, "a"] for hook in hooks]


@BOTH
def test_a_newcomer_is_probed_and_not_paused(rules: str) -> None:
    """Also if it was in the list before the pause; in the next rescan it is paused like anybody."""
    table, _ = played(rules, port(), card("a"), late(card("new", slot="01.0")))
    table.world.machine.plug("new")

    assert hooks_of(table, "hotadd", "hp") == [["prepare", "a"], ["done", "a"], ["probe", "new", "rc=0"]]
    assert hooks_of(table) == [["prepare", "a"], ["prepare", "new"], ["done", "a"], ["done", "new"]]


@BOTH
def test_a_device_that_vanished_gets_both_hooks(rules: str) -> None:
    """The kernel does not know yet; its driver has to cope with all-ones."""
    table, _ = played(rules, port(), card("a"))
    table.world.machine.unplug("a")

    assert hooks_of(table) == [["prepare", "a"], ["done", "a"]]


# --- what the driver says about its BARs -----------------------------------------------------------------
def test_bar_fixed_is_asked_once_a_bar_and_rescan() -> None:
    """About BARs that exist, after the driver was told to be quiet."""
    driver = Hooked()
    bars = [{"n": 0, "type": "mem32", "size": M}, {"n": 2, "type": "mem64", "size": M}]
    table = with_driver(driver, "v9", port(), card("a", bars=bars))

    hooks_of(table)
    assert driver.asked == [("a", 0), ("a", 2)]

    hooks_of(table)
    assert driver.asked == [("a", 0), ("a", 2)] * 2


class Forgetful(Hooked):
    """Computes its answer and forgets to return it."""

    def bar_fixed(self, dev: Any, bar: int) -> Any:
        super().bar_fixed(dev, bar)


def test_an_answer_that_is_none_pins_the_bar_and_is_told_once() -> None:
    """A forgotten `return` must not let a BAR move that may be in use."""
    table = with_driver(Forgetful(), "v9", *THREE)

    assert moved_with_newcomer(table) == []
    told = [str(failure) for failure in table.world.system.failures]
    assert [text.partition(" (see ")[0] for text in told] == [
        f"{name} (0000:01:{slot}): bar_fixed returned None for BAR 0, which stays; return True or False"
        for name, slot in (("a", "00.0"), ("b", "01.0"))
    ]
    assert all("test_pausing.py:" in text for text in told)


def test_v5_does_not_ask() -> None:
    """The hooks make the whole device movable."""
    driver = Hooked()
    hooks_of(with_driver(driver, "v5", port(), card("a")))

    assert driver.asked == []


class HalfHooked:
    """Can be quiet, but does not want to hear when it is over."""

    name = "half"
    id_table = (PciId(),)

    def probe(self, dev: Any, id: PciId) -> None:
        dev.enable_device()

    def rescan_prepare(self, dev: Any) -> None:
        """Quiet."""


@BOTH
def test_one_hook_alone_does_not_make_a_driver_movable(rules: str) -> None:
    """It is told, its BARs stay, and it is not paused for ever."""
    table = player(rules, *THREE)
    bound = register_driver(table.world.system, HalfHooked())
    table.world.system.match_of = lambda device: None if device.row.is_bridge else bound
    table.step(EventSpec("boot"))
    table.world.take_hooks()

    assert hooks_of(table) == [["prepare", "a"], ["prepare", "b"]]
    assert moved_with_newcomer(table) == []
    assert not any(device.is_paused for device in table.world.system.devices())


# --- the functions themselves ----------------------------------------------------------------------------
def moves_of(rules: str) -> Moves:
    moves = by_name(rules).moves
    assert moves is not None
    return moves


@BOTH
def test_pause_returns_who_was_told(rules: str) -> None:
    """In call order; each is paused until `resume`, and what has a place is noted."""
    table, _ = played(rules, port(), card("a"), card("b", slot="01.0", driver="fixed"), card("c", slot="02.0"))
    root = table.world.system.root

    paused = pausing.pause(root, moves_of(rules))

    assert [device.label for device in paused] == ["a", "c"]
    assert [device.label for device in table.world.system.devices() if device.is_paused] == ["a", "c"]
    assert [device.row.res_mask for device in table.world.system.devices()] == [0, 1, 1, 1]

    pausing.resume(root, moves_of(rules))
    assert not any(device.is_paused for device in table.world.system.devices())


@pytest.mark.parametrize(("rules", "woken"), [("v9", []), ("v5", [["done", "a"]])])
def test_below_a_new_bridge_nobody_is_woken(rules: str, woken: list[list[str]]) -> None:
    """v9 skips the bus of a bridge that is not added yet; nobody is bound there in practice."""
    table, _ = played(rules, port(), card("a"))
    port_device: Device | None = table.world.find("hp")
    assert port_device is not None
    port_device.row.is_added = False
    table.world.take_hooks()

    pausing.resume(table.world.system.root, moves_of(rules))

    assert table.world.take_hooks() == woken


class Slow(Hooked):
    """Takes two milliseconds to be quiet and three to wake."""

    def rescan_prepare(self, dev: PciDev) -> None:
        dev.msleep(2)

    def rescan_done(self, dev: PciDev) -> None:
        dev.msleep(3)


def test_the_blackout_of_each_device_is_measured() -> None:
    """From the call of its prepare to the end of its done, in nanoseconds; whoever comes first waits for the others' prepare,
    whoever comes last for the others' done.
    """
    table = with_driver(Slow(), "v9", *THREE)
    outcome = table.step(EventSpec("rescan"))

    assert outcome is not None
    spent = dict(outcome.report.blackouts)
    assert list(spent) == list(outcome.report.paused)
    count = len(spent)
    assert [round(each / 1e6) for each in spent.values()] == [2 * (count - n) + 3 * (n + 1) for n in range(count)]
    assert outcome.as_json()["blackouts"] == [{"id": label, "ns": each} for label, each in spent.items()]
