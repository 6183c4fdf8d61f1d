"""Stories with several devices of one driver: three cards, two functions of one card."""

from __future__ import annotations

from itertools import permutations
from typing import Final

from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import NotChecked, Trial, all_of, movable, sleeps, trial


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


@trial("two functions", blames="C38", needs=movable, owns=True)
def two_functions(stage: Stage) -> None:
    """Two functions of one card and another card, paused and resumed in every order."""
    first, second = stage.plug_functions(2)
    devices = (first, second, stage.plug())
    for order in permutations(devices):
        for dev in devices:
            stage.io(dev)
        stage.force(first, order=order)
    stage.finish()


@trial("one function sleeps", blames="C38", needs=all_of(movable, sleeps), owns=True)
def one_function_sleeps(stage: Stage) -> None:
    """One function of a card is in D3hot while the other one moves, each in turn and in either order."""
    pair = stage.plug_functions(2)
    for awake, sleeper in permutations(pair):
        stage.io(sleeper)
        if stage.do("suspend", lambda dev=sleeper: stage.bench.suspend(dev)):  # type: ignore[misc]  # bound now
            raise NotChecked("the driver refuses to suspend")
        for order in permutations(pair):
            stage.force(awake, order=order)
            stage.io(awake)
        stage.do("resume", lambda dev=sleeper: stage.bench.resume(dev))  # type: ignore[misc]  # bound now
    stage.finish()


TRIALS: Final[tuple[Trial, ...]] = (three_cards, two_functions)
ASLEEP: Final[tuple[Trial, ...]] = (one_function_sleeps,)
