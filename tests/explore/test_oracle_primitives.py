"""What the room's own primitives announce, against brute force: DPOR and sleep sets end where all schedules end."""

from __future__ import annotations

import pytest

from movsdk.explore import Dfs, Dpor
from tests.explore.primitive_programs import ACTS, Source, ends, generate

BLOCK, LIMIT = 20, 80
# Each was "proved" once, or ended in fewer states than there are: something was read or written without being announced.
KEPT = {
    "early time is seen by whoever reads the clock": ("impatient world", [("time", "reads the clock")], [("time", "sleeps 2")]),
    "who looks at a lock depends on its holder": ("none", [("lock", "is it locked")], [("lock", "adds, locked")]),
    "who counts readers depends on them": ("none", [("lock", "who reads")], [("lock", "reads, reading")]),
    "who peeks at a counter depends on its writers": ("none", [("count", "peeks at n")], [("count", "n += 1")]),
    "who asks for work depends on the worker": (
        "none",
        [("work", "is it pending")],
        [("work", "queues"), ("work", "is it pending")],
    ),
    "who looks at a line depends on its handler": ("none", [("interrupt", "is it raised")], [("interrupt", "raises")]),
    "who asks for a completion depends on it": ("none", [("wait", "is it done")], [("wait", "completes")]),
    "who asks for a timer depends on its end": (
        "tasks",
        [("count", "n = 0"), ("time", "sets a timer"), ("count", "n = 1"), ("time", "cancels")],
        [("time", "is the other's pending")],
    ),
    "when the next timer is due depends on timers": (
        "tasks",
        [("count", "n = 0"), ("time", "sets a timer")],
        [("time", "when is the next")],
    ),
}


def judged(source: Source, limit: int) -> bool:
    """Compare; False where there are too many schedules."""
    every = ends(source, Dfs, limit)
    if every is None:
        return False
    for name, strategy in (("dpor", Dpor), ("sleep sets", lambda: Dfs(is_sleeping=True))):
        found = ends(source, strategy, 2 * limit)
        assert found == every, f"{name} ends in {len(found or ())} of {len(every)} states: {source}"
    return True


@pytest.mark.parametrize("start", range(0, 200, BLOCK))
def test_primitives_announce_what_they_do(start: int) -> None:
    """Random programs of clocks, timers, waiting, work, interrupts and locks."""
    assert sum(judged(generate(seed), LIMIT) for seed in range(start, start + BLOCK)) > BLOCK // 3


@pytest.mark.parametrize("what", KEPT)
def test_what_was_once_left_out(what: str) -> None:
    """Small programs in which the order of two operations matters, and was once not tried."""
    clock, *tasks = KEPT[what]
    source = Source(str(clock), tuple(tuple(acts) for acts in tasks))
    assert judged(source, 2000)
    assert len(ends(source, Dpor, 2000) or ()) > 1, "nothing depends on the order here"


def test_every_act_is_drawn() -> None:
    """The programs of the suite use all there is."""
    drawn = {act for seed in range(400) for acts in generate(seed).tasks for act in acts}
    assert drawn == {(group, name) for group, names in ACTS.items() for name in names}
