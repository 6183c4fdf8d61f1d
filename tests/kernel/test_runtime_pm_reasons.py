"""Why a device does not fall asleep, in words."""

from __future__ import annotations

import pytest

from movsdk.hooks import PciId
from movsdk.kernel.binding import BoundDriver, bind, release
from movsdk.kernel.pcidev import PciDev
from movsdk.kernel.runtime_pm import pm_of
from tests.kernel.sleepers import device, run, world


class NoSleep:
    """A driver that knows nothing of sleep."""

    name, id_table = "sleepless", [PciId(0x1234)]

    def probe(self, dev: PciDev, id: PciId) -> None:
        dev.enable_device()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param("nothing", "", id="free to go"),
        pytest.param("allowed", "nobody allowed it to sleep", id="not allowed"),
        pytest.param("usage", "1 need it awake", id="in use"),
        pytest.param("driver", "driver sleepless has no suspend() and needs it awake", id="a driver without suspend"),
        pytest.param("child", "awake behind it: card", id="a bridge with somebody awake behind it"),
    ],
)
def test_what_keeps_a_device_awake_has_a_name(spoil: str, why: str) -> None:
    """The core takes a count before probe that only a driver with `suspend` gives back."""
    made, _ = world()
    card = device(made, "p1" if spoil == "child" else "card")
    pm = pm_of(card)
    if spoil == "driver":
        release(made.system, card)
        bind(made.system, card, BoundDriver.of(NoSleep()))
    pm.usage += spoil == "usage"
    if spoil != "allowed":
        pm.allow(delay_ms=10)

    told = pm.why_awake()
    run(made, 100)

    assert (told, pm.is_suspended) == (why, not why)
