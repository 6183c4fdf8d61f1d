"""Stories in which something is lost: a BAR, the card, the power, the way back."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from attrs import evolve

from movsdk.kernel.actor import show
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.pci_regs import PowerState
from movsdk.testing.conformance.accesses import counting
from movsdk.testing.conformance.driver_calls import method_site, ran
from movsdk.testing.conformance.keeping import remembers
from movsdk.testing.conformance.rule import Weight
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import NotChecked, Trial, all_of, movable, sleeps, trial

_STEPS: Final = ("pause", "release", "bridges", "resume")


@trial("a BAR is lost", blames="C07", needs=movable, owns=True)
def bar_lost(stage: Stage) -> None:
    """Each BAR in turn finds no place; the driver says so and touches nothing."""
    first = stage.plug()
    neighbour = stage.plug()
    for bar in stage.movable_bars(first):
        dev = stage.plug()
        with counting(dev) as accesses:
            stage.io(dev)
        stage.excuse(dev)
        stage.do("rescan", lambda dev=dev, bar=bar: stage.bench.lose_bar(dev, bar))  # type: ignore[misc]  # bound now
        stage.settle()
        with stage.blaming("C35"):
            stage.io(neighbour)
        _goes_on(stage, dev, f"BAR {bar} was lost", bool(accesses))
        with stage.blaming("C35"):
            stage.remove(dev)
        stage.cards.remove(dev)
    stage.finish()


def _goes_on(stage: Stage, dev: PciDev, trouble: str, touches: bool = False) -> None:
    """If rescan_done returned, the driver says that the device works; it is advised not to say so if it does not.

    `touches`: a round of I/O needs the registers; one that ends well without any of them only pretends.
    """
    if device_of(dev).is_gone or not stage.subject.does_io:
        return
    answers: list[bool] = []

    def work() -> None:
        ran(stage.driver.exercise(dev))
        answers.append(True)

    with counting(dev) as accesses:
        is_quiet = stage.call(dev, "exercise", work)
    if answers and touches and not accesses:
        site = method_site(stage.driver, "exercise")
        stage.note(
            stage.blame,
            f"{dev}: {trouble}, and exercise ({show(site)}) ends well without touching the device, which it did before; I/O that "
            "cannot be done must fail, and rescan_done raise the PciError",
            ("pretends", stage.blame),
            site,
        )
    if is_quiet and not answers:
        site = method_site(stage.driver, "rescan_done")
        stage.note(
            stage.blame,
            f"{dev}: rescan_done ({show(site)}) returned although {trouble}, and the device does not work; raise the PciError "
            "there, so that the kernel knows that the device is gone",
            ("says nothing", stage.blame),
            site,
            weight=Weight.ADVICE,
        )


@trial("a BAR shrinks", blames="C07", needs=movable, owns=True)
def bar_shrinks(stage: Stage) -> None:
    """Each BAR in turn comes back elsewhere and with half its size; the driver copes, or says so.

    Who touches what is not there any more is wrong if it remembers the old length, else advised to look at it.
    """
    neighbour = stage.plug()
    refused = ""
    for bar in stage.movable_bars(neighbour):
        dev = stage.plug()
        stage.io(dev)
        stage.excuse(dev)
        since, length = len(stage.violations), dev.resource_len(bar)
        try:
            stage.force(dev, bars=bar, shrink=bar)
        except NotChecked as why:  # as small as it can be, or no second place
            refused = str(why)
        stage.settle()
        with stage.blaming("C35"):
            stage.io(neighbour)
        if not device_of(dev).is_gone:
            stage.io(dev)
        if not remembers(dev, length):
            for n, seen in enumerate(stage.violations[since:], since):
                if seen.symptom[0] == "AccessFault":  # beyond the mapping
                    stage.violations[n] = evolve(seen, weight=Weight.ADVICE)
        stage.remove(dev)
        stage.cards.remove(dev)
    stage.finish()
    if refused:
        raise NotChecked(refused)


@trial("rescan_done fails", blames="C35", needs=movable, owns=True)
def done_fails(stage: Stage) -> None:
    """Mapping fails in rescan_done, then interrupts do."""
    neighbour = stage.plug()
    for call in ("iomap", "alloc_irq_vectors", "request_regions"):
        dev = stage.plug()
        stage.io(dev)
        stage.excuse(dev)
        with stage.bench.failing(dev, call):
            stage.move(dev, stage.movable_bars(dev))
        stage.settle()
        stage.io(neighbour)
        _goes_on(stage, dev, f"{call}() failed")
        _is_paused_again(stage, dev)
        stage.remove(dev)
        stage.cards.remove(dev)
    stage.finish()


def _is_paused_again(stage: Stage, dev: PciDev) -> None:
    """The next rescan pauses a device that is gone, too. What it still reserves then is in its neighbours' way: advice, for it is
    between the driver and the kernel who takes that back before `remove`.
    """
    since = len(stage.violations)
    with suppress(NotChecked):
        stage.move(dev, stage.movable_bars(dev))
    for n, seen in enumerate(stage.violations[since:], since):
        stage.violations[n] = evolve(seen, weight=Weight.ADVICE)


@trial("pulled in the middle", blames="C43", rules="C31", needs=movable, faults="hardware", owns=True)
def pulled(stage: Stage) -> None:
    """The card is pulled before each step of the rescan, and nobody says so; reads answer all-ones, as on hardware."""
    for step in _STEPS:
        dev = stage.plug()
        stage.io(dev)
        stage.excuse(dev)
        with suppress(NotChecked):  # a card that is gone cannot be forced anywhere
            stage.during(step, lambda dev=dev: stage.bench.pull(dev, told=False), dev)  # type: ignore[misc]  # bound now
        stage.settle()
        stage.remove(dev)
        stage.cards.remove(dev)


@trial("asleep while it moves", blames="C45", needs=all_of(movable, sleeps), owns=True)
def asleep(stage: Stage) -> None:
    """D3hot, then a move, then back; the registers hold the new place and the driver works."""
    for state in (PowerState.D3HOT, PowerState.D3COLD):
        dev = stage.plug()
        stage.io(dev)
        rc = stage.do("suspend", lambda dev=dev, state=state: stage.bench.suspend(dev, state))  # type: ignore[misc]  # bound now
        if rc == 0:
            stage.move(dev, stage.movable_bars(dev))
            stage.do("resume", lambda dev=dev: stage.bench.resume(dev))  # type: ignore[misc]  # bound now
        stage.io(dev)
        stage.settle()
        stage.remove(dev)
        stage.cards.remove(dev)


TRIALS: Final[tuple[Trial, ...]] = (bar_lost, bar_shrinks, done_fails, pulled, asleep)
