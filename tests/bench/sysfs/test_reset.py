"""Reset by file: which ways there are, and that everything is in its place afterwards."""

from __future__ import annotations

import pytest

from mockbus import Pm
from mockbus.capabilities import Pcie
from movsdk.bench.bench import Bench
from movsdk.bench.sysfs import reset
from movsdk.bench.sysfs.view import SysfsView
from movsdk.kernel.pcidev import device_of
from tests.bench.sysfs.cards import Card, MemoryCard


@pytest.mark.parametrize(
    ("capabilities", "methods"),
    [
        pytest.param((Pm(no_soft_reset=False), Pcie(flr=True)), ["flr", "pm", "bus"], id="all"),
        pytest.param((Pm(no_soft_reset=False),), ["pm", "bus"], id="power"),
        pytest.param((Pm(no_soft_reset=True), Pcie()), ["bus"], id="bus alone"),
    ],
)
def test_a_reset_puts_the_card_to_power_on_state_and_its_addresses_back(
    bench: Bench, capabilities: tuple[object, ...], methods: list[str]
) -> None:
    """BARs as the kernel knows them now, COMMAND as it was, the model reset once."""
    model = MemoryCard()
    model.capabilities = capabilities  # type: ignore[assignment]
    dev = bench.plug(Card, model)
    bench.force_move(dev, bar=0)
    view = SysfsView(bench.world)
    before = (view.read(f"/sys/bus/pci/devices/{dev.name}/config"), model.resets)

    assert reset.methods(device_of(dev)) == methods
    view.write(f"/sys/bus/pci/devices/{dev.name}/reset", "1")

    after = (view.read(f"/sys/bus/pci/devices/{dev.name}/config"), model.resets)
    assert after[1] == before[1] + 1
    assert after[0][:0x40] == before[0][:0x40]
    assert not bench.referee.check(bench.rescan())


def test_what_cannot_be_reset_has_no_file(bench: Bench) -> None:
    """A port with a bus behind it, on the root bus."""
    view = SysfsView(bench.world)
    assert view.lookup("/sys/devices/pci0000:00/0000:00:01.0/reset") is None
