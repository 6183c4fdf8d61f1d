"""The table of life cycles: what meets a rescan down, drivers across, and in each cell what exploring it came to.

Twin: none. Explores while it prints, so that a long table is read as it grows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from movsdk.bench.lifecycle import ACTS, DRIVERS, LifeCycle, live
from movsdk.explore.runner import Result

RUNS: Final = 300
_FIRST, _OTHER = 22, 20


def rows(runs: int = RUNS) -> Iterator[list[tuple[LifeCycle, Result]]]:
    """Explore each act against a rescan, for each driver, with at most `runs` runs."""
    for against in ACTS:
        yield [(cycle, live(cycle, runs=runs)) for cycle in (LifeCycle(driver, against) for driver in DRIVERS)]


def heading() -> str:
    """The first line."""
    return f"{'a rescan against':{_FIRST}}" + "".join(f"{driver:{_OTHER}}" for driver in DRIVERS).rstrip()


def line(row: list[tuple[LifeCycle, Result]]) -> str:
    """One row as text."""
    return f"{row[0][0].against:{_FIRST}}" + "".join(f"{_cell(result):{_OTHER}}" for _, result in row).rstrip()


def as_json(cycle: LifeCycle, result: Result) -> dict[str, Any]:
    """One cell as a JSON object."""
    return {
        "driver": cycle.driver,
        "against": cycle.against,
        "verdict": result.verdict,
        "runs": result.runs,
        "first_bug": result.first_bug,
        "schedule": result.schedule,
        "message": result.failure.message if result.failure else "",
    }


def _cell(result: Result) -> str:
    """``proved 2``, ``bounded 228``, ``bounded 300+`` (the runs ended before the schedules), ``failed 14``."""
    return f"{result.verdict} {result.runs}{'+' if result.note else ''}"
