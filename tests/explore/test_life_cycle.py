"""The life cycle of one device as a model: clean, and four ways of breaking it."""

from __future__ import annotations

import pytest

from movsdk.explore import explore, replay
from movsdk.explore.oracles import ALL, DEADLOCK, LOCK_ORDER
from tests.explore.life_cycle import ACTORS, LifeCycle


@pytest.mark.parametrize(
    ("actors", "complete"),
    [
        ("rescan io", 4),
        ("rescan io io", 52),
        ("rescan io irq", 24),
        ("rescan io aer remove", 36),
        ("rescan io rpm aer", 60),
        ("rescan io irq aer remove", 888),
    ],
)
def test_a_driver_that_drains_is_proved(actors: str, complete: int) -> None:
    """Each behaviour is run once; what is redundant comes from waiting alone."""
    result = explore(LifeCycle(tuple(actors.split())))
    assert (result.verdict, result.complete) == ("proved", complete)


@pytest.mark.parametrize(
    ("bug", "name", "actors"),
    [
        pytest.param("no drain", "stale", ("rescan", "io", "irq", "aer"), id="no drain"),
        pytest.param("irq not masked", "stale", ACTORS, id="irq not masked"),
        pytest.param("aer without device_lock", "unbound", ACTORS, id="aer without device_lock"),
        pytest.param("remove takes the locks the other way", DEADLOCK, ACTORS, id="ABBA"),
    ],
)
def test_a_seeded_bug_is_found_among_many_actors(bug: str, name: str, actors: tuple[str, ...]) -> None:
    """The bugs of explorer.md §3.3; the report replays."""
    program = LifeCycle(actors, bug)
    found = explore(program, oracles=ALL - {LOCK_ORDER})
    assert found.failure is not None
    assert found.failure.name == name
    assert found.schedule is not None
    assert replay(program, found.schedule, oracles=ALL - {LOCK_ORDER}).verdict == "failed"


def test_the_order_of_locks_is_judged_before_anybody_waits() -> None:
    """The first run shows the circle, although it does not deadlock."""
    result = explore(LifeCycle(("rescan", "remove"), "remove takes the locks the other way"))
    assert (result.first_bug, result.failure and result.failure.name) == (1, LOCK_ORDER)
    assert result.failure is not None
    assert "device -> rescan_remove -> device" in result.failure.message
