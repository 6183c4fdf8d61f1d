"""Experiments with sleep: 1 a device sleeps while its BAR moves, 20 a bridge sleeps while something comes behind it.

Twin: runtime power management, which is on wherever nobody looks.
"""

from __future__ import annotations

from typing import Final

from movsdk.bench.experiments.card import VALUE
from movsdk.bench.experiments.experiment import Experiment, Run, Seen, played, scenario
from movsdk.bench.state import bar_register_value
from movsdk.clock import NS_PER_MS
from movsdk.kernel.pcidev import view_of
from movsdk.kernel.runtime_pm import pm_of
from movsdk.ops import FaultKind
from movsdk.rescan.rules.record import Rules


def _restore(rules: Rules) -> Seen:
    run = played("01-restore.yaml", rules)
    card = run.find("card")
    if card is None or card.driver is None:
        return Seen((run.place("card"), run.driver("card")), False)
    span, register = card.bar_span(0), bar_register_value(card, 0)
    value = view_of(card).iomap(0).readl(0) if span is not None else 0
    facts = (
        run.place("card"),
        ("register after waking", f"{register:#x}"),
        ("its driver reads", f"{value:#010x}"),
    )
    return Seen(facts, span is not None and register == span.start and value == VALUE)


def _sleeping_bridge(rules: Rules) -> Seen:
    run = Run(scenario("20-sleeping-bridge.yaml"), rules)
    engine = run.player.world.engine
    clock, faults = engine.system.ops.clock, engine.system.ops.faults
    engine.boot()
    card, port = run.find("card"), run.find("a")
    if card is None or port is None or card.driver is None:
        return Seen((run.place("card"), run.driver("card")), False)
    for device in (card, port):
        pm_of(device).allow()
        clock.advance(NS_PER_MS)
    before, states = len(faults), [port.current_state.name]

    def pass_time(step: str) -> None:
        clock.advance(NS_PER_MS)  # a step of a rescan takes its time
        if step == "attempts":
            states.append(port.current_state.name)

    engine.before_step = pass_time
    engine.rescan()
    lost = sum(fault.kind is FaultKind.ASLEEP for fault in faults[before:])
    pm_of(port).get_sync()
    span, register = card.bar_span(0), bar_register_value(card, 0)
    facts = (
        ("port before, during", ", ".join(states)),
        ("config cycles lost", str(lost)),
        run.place("card"),
        ("register in the card", f"{register:#x}"),
    )
    return Seen(facts, span is not None and register == span.start and not lost)


SLEEPING: Final = (
    Experiment(1, "A device sleeps (D3hot) while its BAR moves, and is woken.", _restore, "01-restore.yaml"),
    Experiment(20, "A rescan moves the BAR of a card whose port sleeps.", _sleeping_bridge),
)
