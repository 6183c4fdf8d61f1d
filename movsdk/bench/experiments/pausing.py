"""Experiment 4: a driver looks at its registers between any two steps of a rescan that moves them.

Twin: a watchdog timer, an interrupt, another CPU.
"""

from __future__ import annotations

from typing import Final

from movsdk.bench.experiments.card import Watch
from movsdk.bench.experiments.experiment import Experiment, Run, Seen, scenario
from movsdk.rescan.rules.record import Rules


def _pause(rules: Rules) -> Seen:
    run = Run(scenario("04-pause.yaml"), rules)
    engine = run.player.world.engine
    engine.boot()
    card = run.find("card")
    if card is None or card.driver is None:
        return Seen((run.place("card"), run.driver("card")), False)
    watch: Watch = card.drvdata
    engine.before_step = lambda _step: watch.look()
    engine.rescan()
    meanwhile = _counts(watch)
    watch.look()
    after = _counts(watch)
    facts = (
        run.place("card"),
        ("its driver's mapping", str(watch.regs.span)),
        ("looks during the rescan", meanwhile),
        ("looks until after it", after),
    )
    return Seen(facts, not watch.bad and watch.good > 0)


def _counts(watch: Watch) -> str:
    return f"{watch.good} good, {watch.bad} bad"


PAUSING: Final = (Experiment(4, "A driver looks at its registers all the time while they move.", _pause),)
