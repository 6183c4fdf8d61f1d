"""Who answers one address while an event goes on: pairs of decoders that neither begin nor end with it.

Twin: a bus analyser. Rules E01 at every instant and E06; the referee looks only when the event is over. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from attrs import define, field, frozen

from movsdk.bench.world import World
from movsdk.ops import Space

_ASKED = ("rescan_prepare", "bar_fixed")


@frozen
class Pair:
    """Two BARs (device, number) at one address. `unaware`: one of them is in use by a driver that is told nothing."""

    first: tuple[str, int]
    second: tuple[str, int]
    unaware: bool = field(eq=False)

    def __str__(self) -> str:
        (one, number), (other, another) = self.first, self.second
        unaware = ", one of them in use by a driver that knows nothing of it" if self.unaware else ""
        return f"{one} BAR {number} and {other} BAR {another} answered one address for a while{unaware}"


@define(eq=False)
class Meanwhile:
    """Watches the silicon of `world` from now on."""

    world: World
    _seen: dict[Pair, None] = field(factory=dict, init=False)
    _standing: frozenset[Pair] = field(default=frozenset(), init=False)

    def __attrs_post_init__(self) -> None:
        self.world.machine.fabric.watchers.append(self._look)

    def take(self) -> tuple[Pair, ...]:
        """Return the pairs of the event that is over, as they were first seen; not those that stood before it or stand now."""
        standing = frozenset(self._answering())
        passing = tuple(pair for pair in self._seen if pair not in standing | self._standing)
        self._seen, self._standing = {}, standing
        return passing

    def _look(self) -> None:
        self._seen.update(dict.fromkeys(self._answering()))

    def _answering(self) -> Iterator[Pair]:
        for space in Space:
            for segment in self.world.machine.fabric.decode_map(space).segments:
                if len(segment.bars) > 1:
                    bars = sorted((bar.function.label, bar.spec.n) for bar in segment.bars)
                    for one, other in combinations(bars, 2):
                        yield Pair(one, other, self._is_unaware(one[0]) or self._is_unaware(other[0]))

    def _is_unaware(self, label: str) -> bool:
        device = self.world.find(label)
        return device is not None and device.driver is not None and not any(map(device.driver.has, _ASKED))
