"""Stories of a driver of bridges: it has no card; cards come, move and go below its ports."""

from __future__ import annotations

from typing import Final

from movsdk.bench import reference
from movsdk.kernel.pcidev import PciDev, view_of
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import NotChecked, Trial, trial


def _ports(stage: Stage) -> list[PciDev]:
    """The ports, which are watched from now on as cards are."""
    devices = [stage.bench.world.find(f"port{number}") for number in range(1, stage.bench.ports + 1)]
    bound = [view_of(device) for device in devices if device is not None and device.driver is not None]
    if len(bound) < stage.bench.ports:
        stage.collect()
        raise NotChecked("the driver did not take every port of the machine")
    stage.cards.extend(bound)
    return bound


def _plug(stage: Stage) -> PciDev:
    edu = reference.load("edu")
    dev = stage.do("plug", lambda: stage.bench.plug(edu.driver, edu.model))
    assert isinstance(dev, PciDev)
    return dev


def _use(stage: Stage, dev: PciDev) -> None:
    stage.call(dev, "I/O of the card below", lambda: stage.bench.driver(dev).exercise(dev))


@trial("a card below", blames="base", rules="C30 C32", is_plain=True)
def a_card_below(stage: Stage) -> None:
    """The ports are bound, a card below one works, interrupts included, and is removed."""
    _ports(stage)
    dev = _plug(stage)
    _use(stage, dev)
    stage.do("remove", lambda: stage.bench.remove(dev))


@trial("cards move below", blames="C34", rules="C05 C30 C31 C32", is_plain=True)
def cards_move_below(stage: Stage) -> None:
    """Rescans with and without a move; a second card comes, the first is pulled."""
    _ports(stage)
    first = _plug(stage)
    stage.rescan()
    _use(stage, first)
    stage.move(first, (0,))
    second = _plug(stage)
    for dev in (first, second):
        _use(stage, dev)
    stage.do("pull", lambda: stage.bench.pull(first))
    stage.move(second, (0,))
    _use(stage, second)


@trial("ports are removed", blames="C48")
def ports_removed(stage: Stage) -> None:
    """Each port is removed, with a card below it: the driver leaves nothing behind."""
    ports = _ports(stage)
    _plug(stage)
    for port in ports:
        stage.remove(port)


TRIALS: Final[tuple[Trial, ...]] = (a_card_below, cards_move_below, ports_removed)
