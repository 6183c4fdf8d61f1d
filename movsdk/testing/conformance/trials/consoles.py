"""A story about a hidden owner of a BAR: the console on a display that firmware lit."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from movsdk.kernel.actor import show
from movsdk.testing.conformance.driver_calls import method_site
from movsdk.testing.conformance.rule import Weight
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.subject import Subject
from movsdk.testing.conformance.trial import NotChecked, Trial, all_of, movable, trial

_DISPLAY: Final = 0x03


def display(subject: Subject) -> str | None:
    """A need: the card is a display, and has memory to show."""
    is_one = subject.class_code >> 16 == _DISPLAY and any(not bar.kind.is_io for bar in subject.bars)
    return None if is_one else "it drives no display (class 03)"


@trial("a console on the display", blames="C27", needs=all_of(movable, display), owns=True)
def console(stage: Stage) -> None:
    """Firmware lit the display and a console draws there; the driver takes it over, or keeps that BAR where it is."""
    lit = max((bar for bar in stage.subject.bars if not bar.kind.is_io), key=lambda bar: bar.size)
    with stage.bench.lit_by_firmware(lit.n):
        dev = stage.plug()
    stage.io(dev)
    system, site = stage.bench.world.system, method_site(stage.driver, "probe")

    def look() -> None:
        for framebuffer in system.framebuffers:
            if framebuffer.device.bar_span(framebuffer.bar) != framebuffer.span:
                text = f"{dev}: {framebuffer}; probe ({show(site)}) left it there"
                stage.note("C27", text, ("console", lit.n), site, weight=_weight(stage.subject))

    with suppress(NotChecked):  # who pins all its BARs keeps the console's place, too
        stage.during("resume", look, dev)  # rescan_done is too late to take it over
    look()
    system.log(None, "the console goes on")
    stage.finish()


def _weight(subject: Subject) -> Weight:
    """An error of who said that this BAR may move (v9's contract); who only has the two hooks may never meet a console."""
    return Weight.ERROR if "bar_fixed" in subject.hooks else Weight.ADVICE


TRIALS: Final[tuple[Trial, ...]] = (console,)
