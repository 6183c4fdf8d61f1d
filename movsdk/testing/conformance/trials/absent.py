"""Stories in which the card is pulled while its driver works: reads answer all-ones, and nobody raises anything."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from movsdk import points
from movsdk.kernel.actor import Site, show
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import NotChecked, Trial, does_io, trial

_PATIENCE_MS: Final = 100_000  # storage drivers wait 30 s for an answer
_MOMENTS: Final = (0, 0.1, 0.3, 0.5, 0.7, 0.9)  # of the accesses of a round


@trial("pulled at work", blames="C08", needs=does_io, owns=True, faults="hardware", ports=8)
def pulled_at_work(stage: Stage) -> None:
    """The card is pulled at several accesses of a round of I/O; the round ends with an error, and soon."""
    stage.patience_ms = _PATIENCE_MS
    dev = stage.plug()
    stage.io(dev)
    with _counting(dev, lambda: None, -1) as seen:
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
    with _counting(dev, lambda: stage.bench.pull(dev, told=False), moment) as seen:
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


@contextmanager
def _counting(dev: PciDev, pull: Callable[[], None], moment: int) -> Iterator[list[str]]:
    """While inside, note each access of the driver to a BAR of `dev`, and `pull` before the one with number `moment`."""
    seen: list[str] = []
    start = f"{device_of(dev).label} "

    def listen(label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Callable[[], bool] | None) -> None:
        if before is not None:
            before(label, reads, writes, guard)
        if not label.startswith(start) or " BAR " not in label or " + 0x" not in label:
            return
        seen.append(label)
        if len(seen) == moment + 1:
            pull()

    before = points.install(listen)
    try:
        yield seen
    finally:
        points.install(before)


def _exercise_of(stage: Stage, dev: PciDev) -> Site:
    code = getattr(getattr(stage.bench.driver(dev), "exercise", None), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code is not None else ("?", 0)


TRIALS: Final[tuple[Trial, ...]] = (pulled_at_work,)
