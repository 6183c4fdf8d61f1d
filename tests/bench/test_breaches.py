"""What drivers did wrong, and what they could only report."""

from __future__ import annotations

import errno

import pytest

from movsdk.address import Span
from movsdk.bench.breaches import Breaches, Excuses, breaches
from movsdk.bench.player import Player
from movsdk.bench.scenario import EventSpec
from movsdk.bench.scenario_schema import parse
from movsdk.errors import DeviceGone, HookFailed, PciError, StaleMapping
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
