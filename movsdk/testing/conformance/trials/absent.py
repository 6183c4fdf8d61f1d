"""Stories in which the card is pulled while its driver works or wakes: reads answer all-ones, and nobody raises anything."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from movsdk.kernel.actor import Site, show
from movsdk.kernel.pcidev import PciDev
from movsdk.testing.conformance.accesses import counting
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import NotChecked, Trial, does_io, movable, trial

_PATIENCE_MS: Final = 100_000  # storage drivers wait 30 s for an answer
_MOMENTS: Final = (0, 0.1, 0.3, 0.5, 0.7, 0.9)  # of the accesses of a round


@trial("pulled at work", blames="C08", needs=does_io, owns=True, faults="hardware", ports=8)
def pulled_at_work(stage: Stage) -> None:
    """The card is pulled at several accesses of a round of I/O; the round ends with an error, and soon."""
    stage.patience_ms = _PATIENCE_MS
    dev = stage.plug()
    stage.io(dev)
    with counting(dev) as seen:
        stage.io(dev)
    if not seen:
        raise NotChecked("a round of I/O touches no register")
    total = len(seen)
    stage.remove(dev)
    stage.cards.remove(dev)
    for moment in sorted({int(total * part) for part in _MOMENTS}):
        if not _pulled_at(stage, moment):
            break


def _pulled_at(stage: Stage, moment: int) -> bool:
    """Pull a fresh card before access `moment` of its second round. Returns whether all went well."""
    dev = stage.plug()
    stage.io(dev)
    answered: list[bool] = []

    def work() -> None:
        stage.bench.driver(dev).exercise(dev)
        answered.append(True)

    stage.excuse(dev)
    with counting(dev, lambda: stage.bench.pull(dev, told=False), moment) as seen:
        is_well = stage.call(dev, "exercise", work)
    reads = sum("read" in label or "fromio" in label for label in seen[moment:])
    if answered and not moment and reads:
        site = _exercise_of(stage, dev)
        stage.note(
            "C08",
            f"{dev}: exercise ({show(site)}) found nothing wrong, though the card was pulled before its first access and all "
            f"{reads} reads came back as all-ones",
            ("all-ones believed",),
            site,
        )
        is_well = False
    stage.settle()
    stage.remove(dev)
    stage.cards.remove(dev)
    return is_well


def _exercise_of(stage: Stage, dev: PciDev) -> Site:
    code = getattr(getattr(stage.bench.driver(dev), "exercise", None), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("?", 0)


@trial("pulled while it wakes", blames="C43", rules="C31", needs=movable, owns=True, faults="hardware", ports=8)
def pulled_while_waking(stage: Stage) -> None:
    """The card is pulled in the middle of rescan_done: at its first access to the BARs, half-way, and at the last."""
    total = len(_woken(stage, -1))
    if not total:
        raise NotChecked("rescan_done touches no register")
    for moment in sorted({0, total // 2, total - 1}):
        _woken(stage, moment)


def _woken(stage: Stage, moment: int) -> list[str]:
    """Move a fresh card and pull it before access `moment` of its rescan_done; returns the accesses there were in it."""
    dev = stage.plug()
    stage.io(dev)
    if moment >= 0:
        stage.excuse(dev)
    began: list[bool] = []
    with counting(dev, lambda: stage.bench.pull(dev, told=False), moment, lambda: bool(began)) as seen, suppress(NotChecked):
        stage.during("resume", lambda: began.append(True), dev)
    accesses = list(seen)
    stage.settle()
    stage.remove(dev)
    stage.cards.remove(dev)
    return accesses


TRIALS: Final[tuple[Trial, ...]] = (pulled_at_work, pulled_while_waking)
