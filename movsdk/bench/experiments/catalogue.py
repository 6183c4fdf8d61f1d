"""All 21 experiments, by the number of their patch; each played with the patch and without it.

Twin: the test section that a cover letter of 21 patches would need.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from movsdk.bench.experiments.alignment import ALIGNMENT
from movsdk.bench.experiments.crash import CRASH
from movsdk.bench.experiments.experiment import Experiment, Seen
from movsdk.bench.experiments.newcomers import NEWCOMERS
from movsdk.bench.experiments.pausing import PAUSING
from movsdk.bench.experiments.race import RACE
from movsdk.bench.experiments.sleeping import SLEEPING
from movsdk.bench.experiments.switches import SWITCHES
from movsdk.bench.experiments.windows import WINDOWS
from movsdk.rescan.rules.record import Rules
from movsdk.rescan.rules.v2 import V2
from movsdk.rescan.rules.without import without
from movsdk.rescan.series import patch

_ALL: Final = (*ALIGNMENT, *CRASH, *NEWCOMERS, *PAUSING, *RACE, *SLEEPING, *SWITCHES, *WINDOWS)
EXPERIMENTS: Final[Mapping[int, Experiment]] = MappingProxyType({one.number: one for one in sorted(_ALL, key=lambda e: e.number)})


@frozen
class Comparison:
    """One experiment, played twice."""

    experiment: Experiment
    having: Seen
    lacking: Seen

    @property
    def tells(self) -> bool:
        """Whether the patch made the difference: kept with it, broken without it."""
        return self.having.is_kept and not self.lacking.is_kept

    @property
    def rows(self) -> list[tuple[str, str, str]]:
        """Facts side by side: what, with the patch, without it; "-" where one run did not come so far."""
        having, lacking = dict(self.having.facts), dict(self.lacking.facts)
        return [(what, having.get(what, "-"), lacking.get(what, "-")) for what in {**having, **lacking}]


def compare(number: int, rules: Rules = V2) -> Comparison:
    """Play experiment `number` under `rules` and under the same without the patch.

    Raises:
        BadInput: there is no such patch, or these rules do not have it.
    """
    experiment = EXPERIMENTS[patch(number).number]
    return Comparison(experiment, experiment.play(rules), experiment.play(without(rules, number)))
