"""Pairs that answer one address during an event: who they are, whom it concerns, and what does not count."""

from __future__ import annotations

from typing import Any

import pytest

from movsdk.bench.meanwhile import Meanwhile, Pair
from movsdk.bench.player import Player
from movsdk.bench.scenario_schema import parse
from movsdk.kernel.setup import write_bar
from movsdk.pci_regs import COMMAND
from movsdk.rescan.rules import by_name

B, M = 0x8000_0000, 1 << 20


def watched(driver: str = "movable", kind: str = "mem32", size: int = M) -> tuple[Player, Meanwhile]:
    """Two booted cards on the root bus, watched from now on; the first has a movable driver."""
    bars = [{"n": 0, "type": kind, "size": size}]
    scenario = {
        "windows": [{"type": "mem", "start": B, "last": B + 8 * M - 1}, {"type": "io", "start": 0x1000, "last": 0x1FFF}],
        "devices": [
            {"id": "one", "slot": "01.0", "driver": "movable", "bars": bars},
            {"id": "two", "slot": "02.0", "driver": driver, "bars": bars},
        ],
    }
    player = Player(parse(scenario, "a test"), by_name("v9"), "hardware")
    list(player.play())
    return player, Meanwhile(player.world)


def put(player: Player, label: str, start: int) -> None:
    device = player.world.find(label)
    assert device is not None
    write_bar(device, 0, start)


def start(player: Player, label: str) -> int:
    device = player.world.find(label)
    assert device is not None
    return device.resources[0].start


@pytest.mark.parametrize(("kind", "size"), [("mem32", M), ("mem64", M), ("io", 256)])
@pytest.mark.parametrize(("driver", "unaware"), [("movable", False), ("portlike", False), ("none", False), ("fixed", True)])
def test_a_pair_that_comes_and_goes(kind: str, size: int, driver: str, unaware: bool) -> None:
    """Named with its BARs, once; of all drivers only one without hooks does not know."""
    player, watch = watched(driver, kind, size)
    old = start(player, "one")

    if driver == "none":  # nobody has enabled it
        device = player.world.find("two")
        assert device is not None
        device.config_write(COMMAND, 2, 3)
    for _ in range(2):
        put(player, "one", start(player, "two"))
        put(player, "one", old)

    pairs = watch.take()
    assert pairs == (Pair(("one", 0), ("two", 0), unaware),)
    assert pairs[0].unaware is unaware
    assert ("in use" in str(pairs[0])) is unaware
    assert watch.take() == ()


def test_a_pair_that_stands_afterwards_is_the_referees() -> None:
    """And one that stood before is old news, also in the event that ends it."""
    player, watch = watched()
    old = start(player, "one")

    put(player, "one", start(player, "two"))
    assert watch.take() == ()
    put(player, "one", old)
    assert watch.take() == ()


def test_who_does_not_decode_shares_nothing() -> None:
    """Overlapping registers are legal while decoding is off."""
    player, watch = watched()
    device: Any = player.world.find("one")
    command, old = device.config_read(COMMAND, 2), start(player, "one")

    device.config_write(COMMAND, 2, command & ~3)
    put(player, "one", start(player, "two"))
    put(player, "one", old)
    device.config_write(COMMAND, 2, command)

    assert watch.take() == ()
