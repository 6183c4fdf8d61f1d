"""Plain stories: nothing moves, everything moves, each set of BARs moves alone."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from movsdk.errors import NoSpace
from movsdk.kernel.actor import show
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.testing.conformance.driver_calls import method_site
from movsdk.testing.conformance.inspecting import fire_vectors
from movsdk.testing.conformance.keeping import constants_in
from movsdk.testing.conformance.rule import Weight
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import NotChecked, Trial, movable, movable_and_io, trial

SLOW_TIMER_MS: Final = 1_500  # longer than hwmon and watchdog periods
_QUICK_MS: Final = 100
_PAUSE_RULES: Final = "C02 C05 C10 C12 C30 C31 C50"
_MOST_SUBSETS: Final = 15


@trial("works", blames="base", rules="C32 C41 C48", is_plain=True)
def works(stage: Stage) -> None:
    """Probe, I/O, some time, remove; nothing moves. The card has other addresses than in later trials."""
    dev = stage.plug()
    stage.io(dev)
    stage.settle()
    stage.io(dev)
    stage.subject.constants |= constants_in(dev)
    stage.remove(dev)


@trial("nothing moves", blames="C34", rules="C39", needs=movable, is_plain=True, owns=True)
def nothing_moves(stage: Stage) -> None:
    """A rescan without a reason: the driver is paused and woken at the same addresses."""
    dev = stage.plug()
    stage.io(dev)
    stage.rescan()
    if stage.hook_ms > _QUICK_MS:
        stage.note(
            "C39",
            f"{dev}: rescan_prepare and rescan_done of an idle device take {stage.hook_ms:.0f} ms; "
            "wait for events, not for fixed times",
            ("slow",),
            weight=Weight.ADVICE,
        )
    stage.finish()


@trial("every BAR moves", blames="C03", rules=f"C01 C03 C04 C06 C13 C20 C41 {_PAUSE_RULES}", needs=movable, is_plain=True)
def every_bar_moves(stage: Stage) -> None:
    """All movable BARs of an idle device go elsewhere at once; afterwards it works."""
    dev = stage.plug()
    stage.io(dev)
    stage.settle(1)  # its last interrupt arrives
    stage.move(dev, stage.movable_bars(dev))
    stage.finish()


@trial("every vector fires", blames="C13", needs=movable)
def every_vector_fires(stage: Stage) -> None:
    """Each interrupt vector is raised before and after a move, by silicon alone; no I/O, as a driver may count interrupts."""
    dev = stage.plug()
    fired = _fired(stage, dev)
    if not fired:
        raise NotChecked("no interrupt vector has a handler")
    stage.move(dev, stage.movable_bars(dev))
    silent = fired - _fired(stage, dev) if dev.held.vectors else set()
    if silent and not device_of(dev).is_gone:
        site = method_site(stage.driver, "rescan_done")
        stage.note(
            "C13",
            f"{dev}: interrupt vectors {sorted(silent)} reached their handlers before the move and do not after it; "
            f"request them again in rescan_done ({show(site)}), and leave masks and the MSI-X table to the core",
            ("silent vectors",),
            site,
        )
    with stage.blaming("C41"):
        stage.remove(dev)


def _fired(stage: Stage, dev: PciDev) -> set[int]:
    """The vectors that work now."""
    fired: set[int] = set()
    stage.do("an interrupt", lambda: fired.update(fire_vectors(stage, dev)))
    return fired


@trial("one set of BARs moves", blames="C04", rules="C01 C03 C20", needs=movable, is_plain=True, owns=True)
def each_subset_moves(stage: Stage) -> None:
    """Every set of BARs moves alone, each with a card of its own."""
    dev = stage.plug()
    subsets = stage.bar_subsets(dev)
    if len(subsets) < 2:
        raise NotChecked("only one BAR of the device can move")
    refused: list[str] = []
    for number, bars in enumerate(subsets := [*subsets[:_MOST_SUBSETS], *subsets[_MOST_SUBSETS:][-1:]]):
        with stage.blaming("C37" if number else "C04"):  # nothing of the card before may be left in the driver
            stage.io(dev)
        try:
            stage.move(dev, bars)
        except NotChecked as why:  # no second place, as the others stay; the next set may have one
            refused.append(str(why))
        stage.settle()
        if not device_of(dev).is_gone:
            stage.io(dev)
        stage.remove(dev)
        stage.cards.remove(dev)
        dev = stage.plug()
    stage.finish()
    if len(refused) == len(subsets):
        raise NotChecked(refused[0])


@trial("a long pause", blames="C05", rules="C10 C12", needs=movable)
def a_long_pause(stage: Stage) -> None:
    """Paused for seconds: slow timers and polling work would touch the device now."""
    dev = stage.plug()
    stage.io(dev)
    stage.pause_ms, stage.waits_for_work = SLOW_TIMER_MS, True
    stage.move(dev, stage.movable_bars(dev))
    stage.settle(SLOW_TIMER_MS)
    stage.finish()


@trial("two moves", blames="C47", rules="C01 C03", needs=movable, is_plain=True, owns=True)
def two_moves(stage: Stage) -> None:
    """A second rescan right after the first, then one with nothing to do."""
    dev = stage.plug()
    stage.io(dev)
    for _ in range(2):
        stage.move(dev, stage.movable_bars(dev))
    stage.rescan()
    stage.finish()


@trial("immovable", blames="C01", needs=lambda subject: None if not subject.is_movable else "its BARs are movable", is_plain=True)
def stays(stage: Stage) -> None:
    """A driver without the hooks: rescans pass it by, and a second card finds room beside it."""
    dev = stage.plug()
    stage.io(dev)
    before = dev.resources
    stage.rescan()
    with suppress(NotChecked, NoSpace):  # no room for a second one: nothing to learn about the first
        stage.plug()
    stage.rescan()
    if device_of(dev).driver is not None and dev.resources != before:
        stage.note("C01", f"{dev}: moved from {before} to {dev.resources} though its driver has no rescan hooks", ("moved",))
    stage.finish()


@trial("state lost", blames="C16", needs=movable_and_io, owns=True)
def state_lost(stage: Stage) -> None:
    """The device is reset while it is paused, as if power had gone."""
    dev = stage.plug()
    if stage.subject.is_generic:
        raise NotChecked("needs a model")
    stage.io(dev)
    stage.during("bridges", lambda: stage.bench.model(dev).reset(), dev)
    stage.finish()


FIRST: Final[tuple[Trial, ...]] = (works, stays)
TRIALS: Final[tuple[Trial, ...]] = (
    every_bar_moves,
    every_vector_fires,
    nothing_moves,
    two_moves,
    each_subset_moves,
    a_long_pause,
    state_lost,
)
