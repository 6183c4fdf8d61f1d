"""What drivers did wrong, and what they could only report."""

from __future__ import annotations

import errno

import pytest

from movsdk.address import Span
from movsdk.bench.breaches import Breaches, Excuses, breaches
from movsdk.bench.player import Player
from movsdk.bench.scenario import EventSpec
from movsdk.bench.scenario_schema import parse
from movsdk.errors import AccessFault, DeviceGone, HookFailed, NotDecoded, PciError, StaleMapping, TwoDecoders
from movsdk.ops import Fault, FaultKind, Space
from movsdk.rescan.report import RescanReport
from movsdk.rescan.rules import by_name
from movsdk.trace import BarMove, Event, What

STALE = StaleMapping("card: readl through a stale mapping")
GONE = DeviceGone("card: pulled")


def failed(error: Exception) -> HookFailed:
    return HookFailed(f"card: rescan_done raised {type(error).__name__}", device="card", error=error)


def event(error: object, what: What = What.FAULT) -> Event:
    return Event(0, what, "card", str(error), error)


@pytest.mark.parametrize(
    ("error", "excused", "is_broken"),
    [
        pytest.param(KeyError("ring"), (), True, id="a bug"),
        pytest.param(KeyError("ring"), ("card",), True, id="a bug, BAR lost or not"),
        pytest.param(PciError(errno.EBUSY, "no BAR"), ("card",), False, id="an error because of a lost BAR"),
        pytest.param(PciError(errno.EBUSY, "no BAR"), ("disk",), True, id="an error without a reason"),
        pytest.param(GONE, ("card",), False, id="the device is gone"),
        pytest.param(STALE, ("card",), True, id="a stale mapping has no excuse"),
    ],
)
def test_a_lost_bar_excuses_an_error_and_nothing_else(error: Exception, excused: tuple[str, ...], is_broken: bool) -> None:
    """The kernel took the BAR: what the driver returns then is a report. A KeyError is its own doing."""
    found = breaches([failed(error)], [], [], Excuses(lost=excused))

    line = (f"card: rescan_done raised {type(error).__name__}",)
    assert found == (Breaches(broken=line) if is_broken else Breaches(reported=line))


def test_a_bad_access_that_nobody_raised_is_a_breach() -> None:
    """With faults="hardware", or where the driver caught it; but not a read of a pulled device, and nothing is told twice."""
    assert breaches([], [event(STALE)], [], Excuses()).broken == (str(STALE),)
    assert breaches([], [event(GONE), event(STALE, What.NOTE), event(None)], [], Excuses()) == Breaches()
    failure = failed(STALE)
    assert breaches([failure], [event(STALE), event(failure)], [], Excuses()).broken == (str(failure),)


def test_the_same_line_is_told_once_with_its_number() -> None:
    """An interrupt that comes a hundred times through an old mapping is one line."""
    assert breaches([], [event(StaleMapping("card: readl")) for _ in range(3)], [], Excuses()).broken == (
        "card: readl (3 times)",
    )


def test_a_bad_access_of_the_io_is_told_once() -> None:
    """The line of the I/O holds it and says more: which round, which line of the driver."""
    problem = ("card", f"exercise 2 raised StaleMapping at mine.py:9: {STALE}")

    assert breaches([], [event(STALE)], [problem], Excuses()).broken == (f"card: {problem[1]}",)
    other = StaleMapping("card: writel through another")
    assert breaches([], [event(STALE), event(other)], [problem], Excuses()).broken == (str(other), f"card: {problem[1]}")


def test_who_was_not_told_of_a_move_may_use_its_old_mapping() -> None:
    """The kernel re-assigned its bridge behind its back; another error is still its own."""
    untold = Excuses(untold={"card"})

    assert breaches([], [event(STALE)], [], untold).reported == (str(STALE),)
    assert breaches([failed(STALE)], [], [], untold).reported == ("card: rescan_done raised StaleMapping",)
    assert breaches([failed(KeyError("ring"))], [], [], untold).broken == ("card: rescan_done raised KeyError",)


def test_io_that_went_wrong_is_a_breach_unless_the_bar_was_lost() -> None:
    """Lost requests are the driver's, whatever the rescan did; a device without BARs does no I/O."""
    problems = [("card", "never answered"), ("disk", "exercise 2 raised PciError")]

    found = breaches([], [], problems, Excuses(lost={"disk"}))

    assert found == Breaches(("card: never answered",), ("disk: exercise 2 raised PciError",))


# --- the account of a world ----------------------------------------------------------------------------------
MOVED = BarMove("card", 0, Span(0x1000, 0x1FFF), Span(0x2000, 0x2FFF))


@pytest.mark.parametrize(
    ("rules", "driver", "paused", "is_broken"),
    [
        pytest.param("off", "edu", (), False, id="unpatched kernels tell nobody"),
        pytest.param("v9", "edu", ("card",), True, id="it was paused and woken"),
        pytest.param("v9", "fixed", (), False, id="it never offered to move"),
        pytest.param("v9", "portlike", (), True, id="it offered to be moved without a word"),
    ],
)
def test_the_account_knows_who_was_told(rules: str, driver: str, paused: tuple[str, ...], is_broken: bool) -> None:
    """Of a BAR that moved; once untold, excused for good. Nothing is accounted for twice."""
    value = {
        "windows": [{"type": "mem", "start": "2G", "last": "3G"}],
        "devices": [{"id": "card", "slot": "01.0", "driver": driver}],
    }
    player = Player(parse(value), by_name(rules))
    player.step(EventSpec("boot"))
    system = player.world.system
    system.trace.add(What.FAULT, "card", str(STALE), STALE)

    found = player.account.settle(RescanReport("rescan", rules, 0, moves=(MOVED,), paused=paused))

    assert (found.broken, found.reported) == (((str(STALE),), ()) if is_broken else ((), (str(STALE),)))
    assert player.account.settle(RescanReport("rescan", rules, 0)) == Breaches()


# --- what lies above and beside a BAR ---------------------------------------------------------------------------
def access(kind: type[AccessFault], why: FaultKind, blocked: str = "card BAR 0 + 0x0", is_enabled: bool = True) -> AccessFault:
    fault = Fault(why, Space.MEM, "read", 0x8000_0000, 4, blocked=blocked)
    return kind("card: readl", device="card", fault=fault, is_enabled=is_enabled)


BEHIND = "card BAR 0 + 0x0 behind port"


@pytest.mark.parametrize(
    ("error", "is_excused"),
    [
        pytest.param(access(TwoDecoders, FaultKind.TWO_DECODERS), True, id="somebody else decodes there"),
        pytest.param(access(NotDecoded, FaultKind.WINDOW_CLOSED), True, id="a closed window above"),
        pytest.param(access(NotDecoded, FaultKind.DECODE_OFF, BEHIND), True, id="a bridge that is off"),
        pytest.param(access(NotDecoded, FaultKind.DECODE_OFF, BEHIND, is_enabled=False), False, id="nobody enabled it"),
        pytest.param(access(NotDecoded, FaultKind.DECODE_OFF), False, id="its own COMMAND"),
        pytest.param(STALE, False, id="an old mapping"),
        pytest.param(PciError(errno.ETIMEDOUT, "no answer"), True, id="a report"),
        pytest.param(KeyError("ring"), False, id="a bug"),
    ],
)
def test_a_device_that_is_cut_off_excuses_what_follows_from_that(error: Exception, is_excused: bool) -> None:
    """The address was right, the way is the kernel's; a device whose way is free has no such excuse."""
    excuses = Excuses(cut_off={"card"})

    assert excuses.cover("card", error) is is_excused
    assert not Excuses().cover("card", error)
    assert not breaches([], [], [("card", "never answered")], excuses).broken


STUCK = {
    "format": 1,
    "windows": [{"type": "mem", "start": 0x8000_0000, "last": 0x80FF_FFFF}],
    "devices": [
        {"id": "up", "slot": "01.0", "kind": "bridge", "prefetchable": None, "io": False},
        {"id": "port", "on": "up", "slot": "00.0", "kind": "bridge", "prefetchable": 64, "io": False},
        {"id": "card", "on": "port", "slot": "01.0", "driver": "none", "bars": [{"n": 0, "type": "pref64", "size": 65536}]},
        {"id": "disk", "on": "port", "slot": "00.0", "model": "nvme", "driver": "nvme", "load": {"reads": 4}},
    ],
    "events": [{"op": "boot"}, {"op": "rescan"}, {"op": "io", "id": "disk"}],
}


def test_a_driver_whose_dma_a_stuck_window_swallows_is_not_blamed() -> None:
    """v5 leaves an address in a window that has no place: the DMA of the disk below ends there, told as the port's finding."""
    _boot, rescan, work = Player(parse(STUCK, "stuck"), by_name("v5")).play()

    assert [f"{finding.rule} {finding.device}" for finding in rescan.findings] == ["E02 port"]
    assert "pref window [0x100000-0x1fffff] in its registers lies over host memory: DMA of disk" in rescan.findings[0].text
    assert any("dma-no-target" in fault and "held by port" in fault for fault in rescan.faults)
    assert (rescan.breaches.broken, work.breaches.broken) == ((), ())
    assert [line.split(" at ")[0] for line in rescan.breaches.reported] == ["disk (0000:02:00.0): rescan_done raised PciError"]


def test_dma_to_a_freed_buffer_is_no_windows_doing() -> None:
    """Only a buffer in use, and a bridge that has its address, cut a device off."""
    table = Player(parse(STUCK, "stuck"), by_name("v5"))
    table.step(EventSpec("boot"))
    port, account = table.world.machine.function("port"), table.account
    faults = table.world.machine.fabric.faults

    for address, blocked in ((0x3000_0000, "port"), (0x10_0000, "")):
        faults.record(FaultKind.DMA_NO_TARGET, Space.DMA, "read", address, 4, by="disk", blocked=blocked)

    assert account.settle(RescanReport("rescan", "v5", 0), [("disk", "never answered")]).broken == ("disk: never answered",)
    faults.record(FaultKind.DMA_NO_TARGET, Space.DMA, "read", 0x10_0000, 4, by="disk", blocked=port.label)
    assert account.settle(RescanReport("rescan", "v5", 0), [("disk", "never answered")]).broken == ()


# --- who follows from whom --------------------------------------------------------------------------------------
def test_an_address_that_an_untold_neighbour_still_holds_is_no_excuse_to_blame_who_wants_it() -> None:
    """The neighbour could not know that its BAR was taken away; one that knew has to answer for it elsewhere."""
    busy = PciError(errno.EBUSY, "can't reserve BAR 0", device="disk", holder="card")

    assert Excuses(lost={"card"}).cover("disk", busy)
    assert Excuses(untold={"card"}).cover("disk", busy)
    assert not Excuses().cover("disk", busy)
    assert not Excuses(lost={"other"}).cover("disk", busy)


def plugged(*events: dict[str, str], load: bool = True) -> Player:
    """An edu card below a port, and what happens to it after boot."""
    card = {
        "id": "card",
        "on": "port",
        "slot": "00.0",
        "model": "edu",
        "driver": "edu",
        **({"load": {"reads": 1}} if load else {}),
    }
    value = {
        "format": 1,
        "windows": [{"type": "mem", "start": 0x8000_0000, "last": 0x80FF_FFFF}],
        "devices": [{"id": "port", "slot": "01.0", "kind": "bridge", "hotplug": True}, card],
        "events": [{"op": "boot"}, *events],
    }
    return Player(parse(value, "one card"), by_name("v9"))


def test_who_was_pulled_silently_is_excused_when_it_is_removed() -> None:
    """When the event is over there is no device to look at: it has to be looked at before."""
    *_, removed = plugged({"op": "unplug", "id": "card"}, {"op": "remove", "id": "card"}).play()

    assert removed.breaches.broken == ()
    assert any("card: exercise 1 raised DeviceGone" in line for line in removed.breaches.reported)


def test_a_driver_that_is_bound_anew_has_nothing_to_excuse() -> None:
    """The card came back, was found and probed: what goes wrong from then on is told."""
    table = plugged({"op": "unplug", "id": "card"}, {"op": "remove", "id": "card"}, {"op": "plug", "id": "card"}, load=False)
    for _ in table.play():
        pass
    problem = [("card", "never answered")]

    assert table.account.settle(RescanReport("rescan", "v9", 0), problem).reported == ("card: never answered",)
    back = table.step(EventSpec("hotadd", "port"))
    assert back is not None
    assert [hook[0] for hook in back.hooks][-1] == "probe"
    assert table.account.settle(RescanReport("rescan", "v9", 0), problem).broken == ("card: never answered",)


def test_what_follows_from_an_excused_failure_is_excused() -> None:
    """Its rescan_done failed because a neighbour held its address: the device is gone then, and so is its I/O."""
    table = plugged(load=False)
    for _ in table.play():
        pass
    table.account.excuse("neighbour")
    busy = PciError(errno.EBUSY, "can't reserve BAR 0", device="card", holder="neighbour")
    table.world.system.failures.append(failed(busy))

    assert table.account.settle(RescanReport("rescan", "v9", 0), [("card", "never answered")]).broken == ()
    assert table.account.settle(RescanReport("rescan", "v9", 0), [("card", "never answered")]).broken == ()


def test_a_driver_that_offers_to_be_moved_is_untold_where_nothing_moves() -> None:
    """`bar_fixed` is an offer to the series; with it switched off, who re-assigns a bridge asks and tells nobody."""
    table = Player(parse(STUCK, "stuck"), by_name("v9"))
    table.step(EventSpec("boot"))
    at = Span(0x8000_0000, 0x8000_3FFF)
    report = RescanReport("rescan", "v9", 0, moves=(BarMove("disk", 0, at, None),))

    assert not table.account._is_untold("disk", report)
    table.world.system.can_move_bars = False
    assert table.account._is_untold("disk", report)
