"""Experiment 15: two drivers probe below one bridge that nobody has enabled yet, in every order of their steps.

Twin: the two-CPU story in the message of patch 15. The explorer plays it; `enable_race` has it with more tasks and bridges.
"""

from __future__ import annotations

from typing import Final

from movsdk.bench.enable_race import race
from movsdk.bench.experiments.experiment import Experiment, Seen
from movsdk.bench.race_scenario import RaceScenario
from movsdk.kernel.enable import VARIANTS, EnableRules
from movsdk.rescan.rules.record import Rules


def _race(rules: Rules) -> Seen:
    result = race(RaceScenario(_variant(rules.enable))).result
    what = f"{result.failure.name}, {result.failure.task}" if result.failure is not None else "nothing"
    facts = (
        ("orders that matter", f"{result.verdict} after {result.runs} runs"),
        ("goes wrong", what),
        ("schedule", result.schedule or "-"),
    )
    return Seen(facts, result.verdict == "proved")


def _variant(rules: EnableRules) -> str:
    """The kernel of the race that counts and locks so; without patch 16, which hides the race from the eyes of some."""
    wanted = (rules.mutex, rules.counts_after_success)
    return next(name for name, variant in VARIANTS.items() if (variant.mutex, variant.counts_after_success) == wanted)


RACE: Final = (Experiment(15, "Two drivers probe below one bridge at the same time; every order is tried.", _race),)
