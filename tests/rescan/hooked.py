"""A driver that counts, and fails at a hook where told to; machines on which it serves every endpoint.

Twin: none. Asserts nothing about a rescan.
"""

from __future__ import annotations

from typing import Any

from movsdk.bench.player import Player
from movsdk.bench.recorded import Movable
from movsdk.bench.scenario import EventSpec
from movsdk.kernel.binding import register_driver
from movsdk.kernel.pcidev import device_of
from tests.rescan.stories import M, Story, card, late, player, port

THREE = [port(), card("a"), card("b", slot="01.0"), late(card("new", 4 * M, slot="02.0"))]


class Hooked(Movable):
    """The recorder's movable driver; `raises` says at which hook of which device it fails, `asked` whom it was asked about."""

    name = "hooked"
    raises: tuple[tuple[str, str], ...] = ()

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def _hook(self, hook: str, dev: Any) -> None:
        if (hook, device_of(dev).label) in self.raises:
            raise ValueError(f"{hook} on purpose")

    def rescan_prepare(self, dev: Any) -> None:
        self._hook("prepare", dev)

    def rescan_done(self, dev: Any) -> None:
        self._hook("done", dev)

    def bar_fixed(self, dev: Any, bar: int) -> bool:
        self.asked.append((device_of(dev).label, bar))
        self._hook(f"fixed {bar}", dev)
        return False


def with_driver(driver: Hooked, rules: str, *devices: Story, **facts: Any) -> Player:
    """A booted machine on which every endpoint is served by `driver`."""
    table = player(rules, *devices, **facts)
    bound = register_driver(table.world.system, driver)
    table.world.system.match_of = lambda device: None if device.row.is_bridge else bound
    table.step(EventSpec("boot"))
    table.world.take_hooks()
    return table


def hooks_of(table: Player, op: str = "rescan", device: str | None = None) -> list[list[str]]:
    outcome = table.step(EventSpec(op, device))
    assert outcome is not None
    return outcome.hooks


def moved_with_newcomer(table: Player) -> list[str]:
    """Plug a BAR of 4 MiB that everybody would make room for, and see who moved."""
    table.world.machine.plug("new")
    outcome = table.step(EventSpec("hotadd", "hp"))
    assert outcome is not None
    return [move.device for move in outcome.report.moves]
