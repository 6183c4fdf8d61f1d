"""Stories in which something else goes on: another card is probed, this one is removed, the machine sleeps, a second rescan.

The rescan lock keeps remove, hot-add and a second rescan out of a rescan, as in Linux: who asks in its middle comes right after
it, before any other work. So nobody can be unbound while paused.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from movsdk.kernel.pcidev import device_of
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import NotChecked, Trial, all_of, movable, sleeps, trial

_SLOW_TIMER_MS: Final = 1_500
_STEPS: Final = ("pause", "attempts", "resume")


@trial("a rescan right after probe", blames="C40", rules="C31", needs=movable, owns=True)
def probed_meanwhile(stage: Stage) -> None:
    """Somebody asks for a rescan while the card is probed; it comes as soon as probe has returned."""
    engine = stage.bench.world.engine

    def rescan() -> None:
        stage.do("rescan", stage.bench.rescan)

    with stage.bench.before_step("bind", lambda: engine.when_unlocked(rescan)):
        dev = stage.plug()
    stage.collect()
    stage.io(dev)
    stage.finish()


@trial("asked twice", blames="C47", rules="C01 C03", needs=movable, owns=True)
def asked_twice(stage: Stage) -> None:
    """A second rescan is asked for while the first goes on, and follows it at once."""
    dev = stage.plug()
    stage.io(dev)
    for step in _STEPS:
        stage.force(dev, again=step)
        stage.io(dev)
    stage.finish()


@trial("removed after a move", blames="C41", rules="C31", needs=movable, owns=True)
def removed(stage: Stage) -> None:
    """Removed right after a move, before any work it queued has run; then the same, asked for in the middle of the move."""
    engine = stage.bench.world.engine
    for step in ("", *_STEPS):
        dev = stage.plug()
        stage.io(dev)
        bars = stage.movable_bars(dev)
        if step:
            with suppress(NotChecked):  # who is removed by then is nowhere
                stage.during(step, lambda dev=dev: engine.when_unlocked(lambda: stage.remove(dev)), dev, bars)  # type: ignore[misc]  # bound now
        else:
            stage.move(dev, bars)
        if device_of(dev).driver is not None:
            stage.remove(dev)
        stage.cards.remove(dev)
        stage.settle(_SLOW_TIMER_MS)


@trial("the machine sleeps", blames="C46", needs=all_of(movable, sleeps), owns=True)
def machine_sleeps(stage: Stage) -> None:
    """All devices are suspended, BARs move, all are resumed."""
    cards = [stage.plug(), stage.plug()]
    for mover in cards:
        for dev in cards:
            stage.io(dev)
        if stage.do("suspend", stage.bench.sleep):
            raise NotChecked("the driver refuses to suspend")
        stage.move(mover, stage.movable_bars(mover))
        stage.do("resume", stage.bench.wake)
    stage.finish()


FIRST: Final[tuple[Trial, ...]] = (probed_meanwhile,)
"""With one card alone: later ones plug the second right after the first."""
TRIALS: Final[tuple[Trial, ...]] = (asked_twice, removed, machine_sleeps)
