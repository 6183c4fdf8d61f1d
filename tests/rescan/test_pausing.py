"""Who is paused, in which order, and what becomes of a driver that raises."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.bench.player import Player
from movsdk.bench.recorded import Movable
from movsdk.bench.scenario import EventSpec
from movsdk.errors import HookFailed, InvariantBroken
from movsdk.hooks import PciId
from movsdk.kernel.binding import register_driver
from movsdk.kernel.device import Device
from movsdk.kernel.pcidev import device_of
from movsdk.rescan import pausing
from movsdk.rescan.rules import by_name
from movsdk.rescan.rules.record import Moves
from movsdk.trace import What
from tests.rescan.stories import M, Story, card, late, played, player, port

BOTH = pytest.mark.parametrize("rules", ["v9", "v5"])


class Hooked(Movable):
    """The recorder's movable driver; `raises` says at which hook of which device it fails, `asked` whom it was asked about."""

    name = "hooked"
    raises: tuple[tuple[str, str], ...] = ()

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def _hook(self, hook: str, dev: Any) -> None:
        if (hook, device_of(dev).label) in self.raises:
            raise ValueError(f"{hook} on purpose")

    def rescan_prepare(self, dev: Any) -> None:
        self._hook("prepare", dev)

    def rescan_done(self, dev: Any) -> None:
        self._hook("done", dev)

    def bar_fixed(self, dev: Any, bar: int) -> bool:
        self.asked.append((device_of(dev).label, bar))
        self._hook(f"fixed {bar}", dev)
        return False


def with_driver(driver: Hooked, rules: str, *devices: Story, **facts: Any) -> Player:
    """A booted machine on which every endpoint is served by `driver`."""
    table = player(rules, *devices, **facts)
    bound = register_driver(table.world.system, driver)
    table.world.system.match_of = lambda device: None if device.row.is_bridge else bound
    table.step(EventSpec("boot"))
    table.world.take_hooks()
    return table


def hooks_of(table: Player, op: str = "rescan", device: str | None = None) -> list[list[str]]:
    outcome = table.step(EventSpec(op, device))
    assert outcome is not None
    return outcome.hooks


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


# --- drivers that raise ----------------------------------------------------------------------------------
class BadAtPausing(Hooked):
    """Raises in `rescan_prepare` of a."""

    raises = (("prepare", "a"),)


class BadAtWaking(Hooked):
    """Raises in `rescan_done` of a."""

    raises = (("done", "a"),)


class BadAtAnswering(Hooked):
    """Raises when asked about BAR 0 of a."""

    raises = (("fixed 0", "a"),)


def failures(table: Player) -> list[HookFailed]:
    return table.world.system.failures


def moved_with_newcomer(table: Player) -> list[str]:
    """Plug a BAR of 4 MiB that everybody would make room for, and see who moved."""
    table.world.machine.plug("new")
    outcome = table.step(EventSpec("hotadd", "hp"))
    assert outcome is not None
    return [move.device for move in outcome.report.moves]


THREE = [port(), card("a"), card("b", slot="01.0"), late(card("new", 4 * M, slot="02.0"))]


def test_everybody_makes_room() -> None:
    """What the next tests are compared with: the newcomer goes to the front, both others move behind it."""
    assert moved_with_newcomer(with_driver(Hooked(), "v9", *THREE)) == ["a", "b"]


def test_a_driver_that_cannot_be_quiet_stays_where_it_is() -> None:
    """Its BARs are fixed for this rescan, it gets its done, and the others go on."""
    table = with_driver(BadAtPausing(), "v9", *THREE)
    a = table.world.find("a")
    assert a is not None

    assert moved_with_newcomer(table) == []  # a keeps its place, so b may keep its own, and the newcomer goes behind

    assert [failure.fields["hook"] for failure in failures(table)] == ["rescan_prepare"]
    assert failures(table)[0].message.endswith("prepare on purpose; its BARs stay where they are in this rescan")
    assert (a.is_paused, a.is_gone, str(a.driver)) == (False, False, "hooked")
    assert [event.text for event in table.world.system.trace.of(What.HOOK) if event.who == "a"][-2:] == [
        "rescan_prepare",
        "rescan_done",
    ]


@BOTH
def test_a_driver_that_cannot_wake_is_bound_but_gone(rules: str) -> None:
    """The others are woken all the same; it stays gone until it is removed."""
    table = with_driver(BadAtWaking(), rules, *THREE)
    a = table.world.find("a")
    assert a is not None

    hooks = hooks_of(table)

    assert hooks == [["prepare", "a"], ["prepare", "b"], ["done", "a"], ["done", "b"]]
    assert (a.is_gone, a.is_paused, str(a.driver)) == (True, False, "hooked")
    assert failures(table)[0].message.endswith("done on purpose; the device is gone until remove()")


def test_a_driver_that_cannot_answer_keeps_that_bar() -> None:
    """Only the BAR it was asked about is fixed, and only in this rescan."""
    table = with_driver(BadAtAnswering(), "v9", *THREE)

    assert moved_with_newcomer(table) == []  # a keeps its place, so b may keep its own, and the newcomer goes behind
    assert [failure.fields["hook"] for failure in failures(table)] == ["bar_fixed"]
    assert failures(table)[0].message.endswith("fixed 0 on purpose; BAR 0 stays where it is in this rescan")


@pytest.mark.parametrize("hook", ["prepare", "done", "fixed 0"])
def test_a_broken_invariant_is_nobodys_fault_but_ours(hook: str) -> None:
    """It is not recorded as a driver's failure; it comes through."""

    class Breaking(Hooked):
        """Finds our bug."""

        raises = ((hook, "a"),)

        def _hook(self, hook: str, dev: Any) -> None:
            if (hook, device_of(dev).label) in self.raises:
                raise InvariantBroken("registers and tables disagree")

    table = with_driver(Breaking(), "v9", *THREE)

    with pytest.raises(InvariantBroken, match="registers and tables disagree"):
        table.step(EventSpec("rescan"))
    assert failures(table) == []


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
