"""Stories about errors of the link that come in the middle of a move."""

from __future__ import annotations

from typing import Final

from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.subject import Subject
from movsdk.testing.conformance.trial import Trial, all_of, movable, trial

_STEPS: Final = ("release", "attempts", "bridges")  # all of them between rescan_prepare and rescan_done


def _recovers(subject: Subject) -> str | None:
    has_both = {"error_detected", "slot_reset"} <= subject.hooks
    return None if has_both else "the driver has no error_detected() and slot_reset()"


@trial("an error while paused", blames="C44", rules="C31", needs=all_of(movable, _recovers), owns=True)
def recovered(stage: Stage) -> None:
    """The link fails and recovers while the device is paused; the driver goes on afterwards, or gives the device up at once."""
    for step in _STEPS:
        dev = stage.plug()
        stage.io(dev)

        def look(dev: PciDev = dev) -> None:
            if device_of(dev).is_gone:  # a PciError of these two hooks is an answer
                stage.excuse(dev)

        with stage.bench.before_step("resume", look):
            stage.force(dev, recover=step)
        stage.settle()
        stage.io(dev)
        stage.remove(dev)
        stage.cards.remove(dev)


TRIALS: Final[tuple[Trial, ...]] = (recovered,)
