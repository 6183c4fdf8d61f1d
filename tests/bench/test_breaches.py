"""What drivers did wrong, and what they could only report."""

from __future__ import annotations

import errno

import pytest

from movsdk.bench.breaches import Breaches, breaches
from movsdk.errors import DeviceGone, HookFailed, PciError, StaleMapping
from movsdk.trace import Event, What

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
    found = breaches([failed(error)], [], [], excused)

    line = (f"card: rescan_done raised {type(error).__name__}",)
    assert found == (Breaches(broken=line) if is_broken else Breaches(reported=line))


def test_a_bad_access_that_nobody_raised_is_a_breach() -> None:
    """With faults="hardware", or where the driver caught it; but not a read of a pulled device, and nothing is told twice."""
    assert breaches([], [event(STALE)], [], ()).broken == (str(STALE),)
    assert breaches([], [event(GONE), event(STALE, What.NOTE), event(None)], [], ()) == Breaches()
    failure = failed(STALE)
    assert breaches([failure], [event(STALE), event(failure)], [], ()).broken == (str(failure),)


def test_io_that_went_wrong_is_a_breach_unless_the_bar_was_lost() -> None:
    """Lost requests are the driver's, whatever the rescan did; a device without BARs does no I/O."""
    problems = [("card", "never answered"), ("disk", "exercise 2 raised PciError")]

    found = breaches([], [], problems, {"disk"})

    assert found == Breaches(("card: never answered",), ("disk: exercise 2 raised PciError",))
