"""An exploration of the enable race, written down: the scenario, and the order that failed or how many were tried.

Twin: none. `recording` holds the values, `recording_file` the file; `enable_race` explores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import asdict, fields

from movsdk.bench.differences import differences
from movsdk.bench.enable_race import RaceResult, race, replay_race
from movsdk.bench.race_scenario import RaceScenario
from movsdk.bench.recording import Race, tidy
from movsdk.errors import BadInput
from movsdk.explore.record import Drift
from movsdk.explore.runner import Budget


def record_race(found: RaceResult, runs: int, *, stop: bool) -> Race:
    """Write down what was found within a budget of `runs`. A failure is played once more, as a replay will do."""
    schedule = found.result.schedule
    told = found if schedule is None else replay_race(found.scenario, schedule)
    return Race(asdict(found.scenario), runs, stop, _outcome(told))


def _outcome(found: RaceResult) -> dict[str, Any]:
    result = found.result
    if result.failure is None:
        return {"verdict": result.verdict, "runs": result.runs, "schedule": None}
    failure = result.failure
    told: dict[str, Any] = tidy(
        {
            "verdict": "failed",
            "schedule": str(failure.schedule),
            "failure": failure.name,
            "message": failure.message,
            "state": [f"{name} = {value}" for name, value in failure.state],
            "timeline": failure.timeline.splitlines(),
        }
    )
    return told


def race_scenario(recorded: Race) -> RaceScenario:
    """The scenario of a recorded race. Raises `BadInput`: it is none."""
    known = {each.name for each in fields(RaceScenario)}
    words: Mapping[str, Any] = recorded.scenario
    try:
        return RaceScenario(**words) if known.issuperset(words) else _refuse(words)
    except (TypeError, AttributeError):
        return _refuse(words)


def _refuse(words: object) -> RaceScenario:
    raise BadInput(f"race: scenario {words!r:.100} is none that this version knows")


def race_differences(recorded: Race) -> Iterator[str]:
    """Play the recorded order, or explore within the recorded budget; every difference, a line each."""
    scenario = race_scenario(recorded)
    schedule = recorded.outcome.get("schedule")
    try:
        if schedule is None:
            now = race(scenario, budget=Budget(runs=recorded.runs), stop=recorded.stop, shorten=False)
        else:
            now = replay_race(scenario, str(schedule))
    except Drift as drift:
        yield str(drift)
        return
    yield from differences(_outcome(now), recorded.outcome, "race")
