"""The table of the enable race: scenarios down, variants across, and in each cell what exploring it came to.

Twin: none. Text out of `RaceResult` values; explores only in `rows`, with a limit that keeps the whole table in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from movsdk.bench.enable_race import RaceResult, race
from movsdk.bench.race_scenario import DISABLES, RaceScenario
from movsdk.explore.runner import Budget

TOLD: Final = ("mainline", "mutex-2017", "bits-first", "v5", "v9", "v9+reenable", "all-writers")
"""The variants of the table; v2 is v5's code."""

ENABLE_SIDE: Final = (
    RaceScenario(),
    RaceScenario(bridges=3),
    RaceScenario(drivers=3, bridges=2),
    RaceScenario(drivers=1, port_driver=True),
    RaceScenario(port_driver=True),
)
DISABLE_SIDE: Final = tuple(RaceScenario(disable=name) for name in DISABLES)
_FIRST, _OTHER = 35, 13


def rows(scenarios: tuple[RaceScenario, ...], limit: Budget) -> Iterator[list[RaceResult]]:
    """Explore each scenario under every variant, past the first failure, until the limit."""
    for scenario in scenarios:
        yield [race(scenario.under(variant), budget=limit, stop=False, shorten=False) for variant in TOLD]


def cell(found: RaceResult) -> str:
    """``proved 2``, ``bug 14/134``: the run of the first bug, and how many runs were tried (+: there are more)."""
    result = found.result
    tried = f"{result.runs}{'+' if result.note else ''}"
    return f"{result.verdict} {tried}" if result.first_bug is None else f"bug {result.first_bug}/{tried}"


def heading(title: str) -> str:
    """The line above the rows."""
    return f"{title:<{_FIRST}}" + "".join(f"{variant:<{_OTHER}}" for variant in TOLD).rstrip()


def line(row: list[RaceResult]) -> str:
    """One scenario."""
    return f"{row[0].scenario!s:<{_FIRST}}" + "".join(f"{cell(found):<{_OTHER}}" for found in row).rstrip()
