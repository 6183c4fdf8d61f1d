"""The bench: failures, time, I/O, and its own terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from movsdk.bench.bench import Bench
from movsdk.errors import BadInput, HookFailed
from movsdk.kernel.pcidev import PciDev
from movsdk.trace import What
from tests.bench.cards import CrashingDone, Driver, Model

Make = Callable[..., Bench]


# --- failures --------------------------------------------------------------------------------------------
def test_what_a_hook_raised_reaches_the_author_afterwards(bench: Bench) -> None:
    """The operation is complete: everybody was woken, the report is there."""
    other = bench.plug(Driver, Model)
    bench.plug(CrashingDone, Model)

    with pytest.raises(HookFailed, match="rescan_done raised KeyError"):
        bench.rescan()

    assert bench.driver(other).log[-1] == "done"
    assert bench.reports[-1].op == "rescan"
    assert len(bench.failures) == 1


def test_a_lenient_bench_only_collects(make_bench: Make) -> None:
    """strict=False: the test looks at `failures` itself."""
    bench = make_bench(strict=False)
    bench.plug(CrashingDone, Model)

    bench.rescan()

    assert [failure.fields["hook"] for failure in bench.failures] == ["rescan_done"]


def test_a_failure_is_told_once(bench: Bench) -> None:
    """The next operation is not blamed for it."""
    bench.plug(CrashingDone, Model)
    with pytest.raises(HookFailed):
        bench.rescan()

    bench.run(1)
    bench.hotadd("port4")


# --- time, I/O, looking ----------------------------------------------------------------------------------
def test_time_passes_when_told(bench: Bench) -> None:
    """Virtual milliseconds; timers of drivers run in them."""
    dev, heard = bench.plug(Driver, Model), list[int]()
    dev.queue_work(lambda: heard.append(bench.timeline.clock.now), delay_ms=5)
    before = bench.timeline.clock.now

    bench.run(4)
    assert heard == []
    bench.run(2)

    assert [now - before for now in heard] == [5_000_000]
    with pytest.raises(BadInput, match="time does not run backwards: -1 ms"):
        bench.run(-1)


def test_io_is_the_drivers_own_or_the_authors(bench: Bench) -> None:
    """`exercise(dev)` of the driver, or a function that is passed."""
    dev, seen = bench.plug(Driver, Model), list[PciDev]()

    bench.run_io(dev, times=3)
    bench.run_io(dev, seen.append, times=2)

    assert bench.model(dev).cells == {0x10: 0xC0FFEE}
    assert seen == [dev, dev]


def test_a_driver_without_exercise(bench: Bench) -> None:
    """The message says what to pass."""

    class Plain(Driver):
        """No I/O of its own."""

        name = "plain"
        exercise = None  # type: ignore[assignment]

    with pytest.raises(BadInput, match=r"its driver has no exercise\(dev\); pass io="):
        bench.run_io(bench.plug(Plain, Model))


def test_everything_is_in_the_timeline(bench: Bench) -> None:
    """Hooks, steps, writes and moves; `trace` is the same thing."""
    dev = bench.plug(Driver, Model)
    bench.force_move(dev)

    kinds = {event.what for event in bench.timeline.events}
    assert kinds >= {What.STEP, What.HOOK, What.ATTEMPT, What.WRITE, What.MOVE, What.LOG}
    assert bench.trace is bench.timeline
    assert list(bench.faults) == []


# --- making one ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("terms", "message"),
    [
        pytest.param({"ports": 0}, "a bench has 1 to 31 ports, not 0", id="no port"),
        pytest.param({"ports": 32}, "a bench has 1 to 31 ports, not 32", id="too many"),
        pytest.param({"faults": "maybe"}, "faults='maybe'; use 'raise' or 'hardware'", id="faults"),
        pytest.param({"rules": "v99"}, "rules 'v99' are not known; use one of v9", id="rules"),
    ],
)
def test_terms_that_make_no_sense(make_bench: Make, terms: dict[str, Any], message: str) -> None:
    """Refused at the door."""
    with pytest.raises(BadInput, match=message):
        make_bench(**terms)


@pytest.mark.parametrize("rules", ["v9", "v5", "off"])
def test_every_version_has_a_bench(make_bench: Make, rules: str) -> None:
    """Ports bound to the port driver, slots empty, first card at home."""
    bench = make_bench(rules=rules)
    dev = bench.plug(Driver, Model)

    bench.run_io(dev)

    assert {str(device.driver) for device in bench.world.system.devices()} == {"port", "driver"}
    assert bench.reports[0].rules == rules
