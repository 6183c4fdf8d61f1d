"""Experiment 19: a BAR that found no place reaches the segment tables of PowerNV.

Twin: the crash that RFC patch 19 fixes. The model records where a real kernel would have died, and goes on.
"""

from __future__ import annotations

from typing import Final

from movsdk.bench.experiments.experiment import Experiment, Seen, played
from movsdk.rescan.rules.record import Rules


def _unset(rules: Rules) -> Seen:
    run = played("19-unset.yaml", rules)
    crashes = [crash for outcome in run.outcomes for crash in outcome.report.crashes]
    text = f"dies at {crashes[0].device} BAR {crashes[0].index}" if crashes else "lives"
    return Seen((run.place("new", 0), run.place("new", 1), ("the kernel", text)), not crashes)


CRASH: Final = (Experiment(19, "On PowerNV a card comes with a BAR too large for the machine.", _unset, "19-unset.yaml"),)
