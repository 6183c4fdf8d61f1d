"""Experiment 2: a BAR whose alignment stands where its address will be, released and placed again.

Twin: ``pci_reassigndev_resource_alignment()``, which PowerNV uses for every BAR smaller than a page.
"""

from __future__ import annotations

from typing import Final

from movsdk.bench.experiments.experiment import NO_PLACE, Experiment, Run, Seen, scenario
from movsdk.kernel.device import Device
from movsdk.layout.table import SIZEALIGN, STARTALIGN
from movsdk.rescan.rules.record import Rules

_PAGE: Final = 0x1_0000


def _align_to_page(device: Device) -> None:
    bar = device.resources[0]
    if bar.flags and bar.size < _PAGE:
        bar.flags = bar.flags & ~SIZEALIGN | STARTALIGN
        bar.set_span(_PAGE, _PAGE + bar.size - 1)


def _alignment(rules: Rules) -> Seen:
    run = Run(scenario("02-alignment.yaml"), rules)
    run.player.world.system.fixup_header = _align_to_page
    facts = []
    for event, when in zip(run.scenario.events, ("at boot", "after a rescan", "after another"), strict=True):
        run.player.step(event)
        facts.append((f"card BAR 0 {when}", str(run.span("card") or NO_PLACE)))
    return Seen(tuple(facts), all(place != NO_PLACE for _, place in facts))


ALIGNMENT: Final = (Experiment(2, "A small BAR, aligned to a page as PowerNV does, is released and placed again.", _alignment),)
