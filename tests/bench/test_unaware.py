"""A driver without rescan hooks is the same driver otherwise."""

from __future__ import annotations

from movsdk.bench import reference
from movsdk.bench.unaware import without_rescan_hooks
from movsdk.kernel.binding import BoundDriver


def test_only_the_rescan_hooks_are_gone() -> None:
    """The NVMe driver before patch 18: it probes, removes and sleeps as before."""
    aware = BoundDriver.of(reference.load("nvme").driver)
    unaware = BoundDriver.of(without_rescan_hooks(reference.load("nvme").driver))

    assert aware.hooks - unaware.hooks == {"rescan_prepare", "rescan_done", "bar_fixed"}
    assert unaware.hooks < aware.hooks
    assert (unaware.name, unaware.id_table) == (aware.name, aware.id_table)
