"""Stories about interrupts that are others after the move: another message address, fewer vectors."""

from __future__ import annotations

from typing import Final

from movsdk.kernel.pcidev import device_of
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import NotChecked, Trial, all_of, modelled, movable, trial


@trial("other vectors", blames="C14", needs=all_of(movable, modelled), owns=True)
def other_vectors(stage: Stage) -> None:
    """The same number of vectors with another address, then only one: the driver copes with it, or says that it cannot."""
    dev = stage.plug()
    stage.io(dev)
    had = [vector for vector in dev.held.vectors if vector.kind != "intx"]
    if not had:
        raise NotChecked("the driver uses no message interrupts")
    stage.force(dev, vectors=len(had))
    stage.io(dev)
    if len(had) > 1:
        with stage.excusing(dev):  # who needs more vectors may say so
            stage.force(dev, vectors=1)
        if device_of(dev).is_gone:
            stage.excuse(dev)
    stage.finish()


TRIALS: Final[tuple[Trial, ...]] = (other_vectors,)
