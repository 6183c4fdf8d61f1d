"""Slots: names, and power by file, with a power controller and without."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from movsdk.bench.bench import Bench
from movsdk.bench.importers.story import import_story
from movsdk.bench.player import Player
from movsdk.bench.sysfs.node import Folder
from movsdk.bench.sysfs.view import SysfsView
from movsdk.bench.world import World
from movsdk.rescan.rules import by_name
from tests.bench.importers.dumps import BOOT
from tests.bench.sysfs.cards import Card, MemoryCard

SLOTS = "/sys/bus/pci/slots"


def on_the_bench() -> World:
    """Slots without numbers and without power controllers; a hot-plug driver listens."""
    bench = Bench()
    bench.plug(Card, MemoryCard)
    return bench.world


def on_q35() -> World:
    """The recorded machine: numbered slots with power controllers; nobody listens."""
    player = Player(import_story([BOOT]), by_name("v9"))
    player.step(player.scenario.events[0])
    return player.world


@pytest.mark.parametrize(
    ("make", "slot", "names", "card", "driver"),
    [
        pytest.param(on_the_bench, "0", ["0", "0-1", "0-2", "0-3"], "0000:01:00.0", "card", id="bench"),
        pytest.param(on_q35, "10", ["1", "10", "11", "12", "13", "2", "3"], "0000:03:00.0", "nvme", id="q35"),
    ],
)
def test_power_off_takes_the_card_and_power_on_gives_it_back(
    make: Callable[[], World], slot: str, names: list[str], card: str, driver: str
) -> None:
    """Off: removed and dark, but still in the slot. On: found and bound again. Twice: EINVAL."""
    view = SysfsView(make())
    folder = view.resolve(SLOTS)[1]
    assert isinstance(folder, Folder)
    assert sorted(folder.entries()) == names
    assert view.read(f"{SLOTS}/{slot}/address").decode().strip() == card[:-2]

    view.write(f"{SLOTS}/{slot}/power", "0")

    assert (view.read(f"{SLOTS}/{slot}/power"), view.read(f"{SLOTS}/{slot}/adapter")) == (b"0\n", b"1\n")
    assert view.find(card) is None
    with pytest.raises(OSError, match="already so"):
        view.write(f"{SLOTS}/{slot}/power", "0")

    view.write(f"{SLOTS}/{slot}/power", "1")

    assert (view.read(f"{SLOTS}/{slot}/power"), view.read(f"{SLOTS}/{slot}/adapter")) == (b"1\n", b"1\n")
    assert view.resolve(f"/sys/bus/pci/devices/{card}/driver")[0] == f"/sys/bus/pci/drivers/{driver}"
