"""Rules `off`: the kernel without the series, or with ``pci=no_movable_bars``. Nothing moves; see `rescan.mainline`."""

from __future__ import annotations

from movsdk.kernel.enable import BASE
from movsdk.rescan.rules.record import Rules

OFF = Rules(
    name="off",
    about="linux 5.10 unpatched: a hot-added device takes what its own bridge has left",
    enable=BASE,
)
