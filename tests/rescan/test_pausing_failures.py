"""What becomes of a driver that raises in a hook of the rescan, and of the others."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.bench.player import Player
from movsdk.bench.scenario import EventSpec
from movsdk.errors import HookFailed, InvariantBroken
from movsdk.kernel.pcidev import device_of
from movsdk.trace import What
from tests.rescan.hooked import THREE, Hooked, hooks_of, moved_with_newcomer, with_driver

BOTH = pytest.mark.parametrize("rules", ["v9", "v5"])


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
