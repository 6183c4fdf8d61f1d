"""Stories with several cards of one driver."""

from __future__ import annotations

from typing import Final

from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import Trial, movable, trial


@trial("three cards", blames="C37", rules="C01 C05", needs=movable, owns=True)
def three_cards(stage: Stage) -> None:
    """Three cards with one driver object; each moves while the others are paused with it."""
    cards = [stage.plug() for _ in range(3)]
    for dev in cards:
        stage.io(dev)
    for dev in (cards[1], cards[0], cards[2]):
        stage.move(dev, stage.movable_bars(dev))
        for other in cards:
            stage.io(other)
    stage.remove(cards[0])
    stage.cards.remove(cards[0])
    stage.rescan()
    stage.finish()


TRIALS: Final[tuple[Trial, ...]] = (three_cards,)
