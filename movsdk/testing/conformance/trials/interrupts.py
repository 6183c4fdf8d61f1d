"""Stories about interrupts that are others after the move: another message address, fewer vectors."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from movsdk.bench.bench import Bench
from movsdk.errors import NoSpace
from movsdk.kernel.actor import NOWHERE, Site, show
from movsdk.kernel.irq import irq_domain
from movsdk.kernel.pcidev import device_of, view_of
from movsdk.testing.conformance.driver_calls import method_site
from movsdk.testing.conformance.room import windows_for
from movsdk.testing.conformance.stage import Stage
from movsdk.testing.conformance.trial import NotChecked, Trial, all_of, modelled, movable, trial


@trial("other vectors", blames="C14", needs=all_of(movable, modelled), owns=True)
def other_vectors(stage: Stage) -> None:
    """As many vectors with another address, then only one for one of two cards: the driver copes, or says that it cannot."""
    dev = stage.plug()
    stage.io(dev)
    had = [vector for vector in dev.held.vectors if vector.kind != "intx"]
    if not had:
        raise NotChecked("the driver uses no message interrupts")
    stage.force(dev, vectors=len(had))
    stage.io(dev)
    if len(had) > 1:
        with suppress(NotChecked, NoSpace):  # no room for a second one
            stage.io(stage.plug())
        with stage.excusing(dev):  # who needs more vectors may say so
            stage.force(dev, vectors=1)
        if device_of(dev).is_gone:
            stage.excuse(dev)
            if beyond := _asks_for_more(stage):
                stage.note("C14", f"{dev}: {beyond[0]}", ("a vector that was not given",), beyond[1])
            elif _lives_with_one(stage):
                site = method_site(stage.driver, "rescan_done")
                stage.note(
                    "C14",
                    f"{dev}: rescan_done ({show(site)}) gives up with one vector instead of {len(had)}, though probe makes do "
                    "with one; go by what alloc_irq_vectors() returns, each time",
                    ("fewer vectors",),
                    site,
                )
        for card in stage.cards:
            if not device_of(card).is_gone:
                stage.io(card)
        stage.rescan()  # both are paused and woken, each with its own number
    stage.finish()


def _asks_for_more(stage: Stage) -> tuple[str, Site] | None:
    """What is wrong, and where, if the driver took one vector, and then asked for another one."""
    for failure in stage.bench.failures:
        error = failure.fields.get("error")
        fields = getattr(error, "fields", {})
        if fields.get("vectors") == 1 and failure.fields.get("hook") == "rescan_done":
            site = failure.fields.get("site", NOWHERE)
            text = f"rescan_done asks at {show(site)} for irq {fields['index']}, though alloc_irq_vectors() gave only 1"
            return f"{text}; go by what it returns, each time", site
    return None


def _lives_with_one(stage: Stage) -> bool:
    """Whether a card that gets one vector from the start works, on a bench of its own."""
    bench = Bench(strict=False, **windows_for(stage.subject.bars))
    label = bench.insert(stage.subject.make_driver(), stage.subject.make_model(), slot="port1")
    port = bench.world.find("port1")
    if port is None:
        return False
    irq_domain(port).limits[label] = 1
    with suppress(Exception):  # whatever a driver raises is a no
        bench.world.machine.plug(label, told=False)
        bench.hotadd("port1")
        device = bench.world.find(label)
        if device is None or device.driver is None or bench.failures:
            return False
        if stage.subject.does_io:
            bench.run_io(view_of(device))
        return True
    return False


TRIALS: Final[tuple[Trial, ...]] = (other_vectors,)
