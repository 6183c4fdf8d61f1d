"""Schedules: run a program of tasks in every order that matters, and tell the shortest story of what goes wrong.

General layout: `explore` and `replay` are the front door (runner); a program sets a `World` up (tasks) with locks (sync), waiting
(waiting), work and interrupts (deferred), time (timers) and declared driver state (shared). Strategies choose, oracles judge.
Knows tasks and announced operations (`movsdk.points`), nothing of PCI. Names load when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from movsdk.explore.current import fail, note, touch
    from movsdk.explore.deferred import InterruptLine, Work, WorkQueue
    from movsdk.explore.dpor import Dpor
    from movsdk.explore.footprint import ANY, Claim, Mark
    from movsdk.explore.record import Drift
    from movsdk.explore.runner import Budget, Result, explore, replay
    from movsdk.explore.schedule import Schedule
    from movsdk.explore.shards import campaign
    from movsdk.explore.shared import Shared, cell_of
    from movsdk.explore.strategies import Dfs, RandomWalk, Strategy, Twice
    from movsdk.explore.sync import Mutex, RwSem, SpinLock
    from movsdk.explore.tasks import Task, World
    from movsdk.explore.timeline import Failure
    from movsdk.explore.timers import WorldClock
    from movsdk.explore.waiting import Atomic, Completion, Refcount, WaitQueue, wait_for

__all__ = [
    "ANY",
    "Atomic",
    "Budget",
    "Claim",
    "Completion",
    "Dfs",
    "Dpor",
    "Drift",
    "Failure",
    "InterruptLine",
    "Mark",
    "Mutex",
    "RandomWalk",
    "Refcount",
    "Result",
    "RwSem",
    "Schedule",
    "Shared",
    "SpinLock",
    "Strategy",
    "Task",
    "Twice",
    "WaitQueue",
    "Work",
    "WorkQueue",
    "World",
    "WorldClock",
    "campaign",
    "cell_of",
    "explore",
    "fail",
    "note",
    "replay",
    "touch",
    "wait_for",
]

# The same as the imports above, for the running program (tests/explore/test_public_names.py compares the two).
_HOME: Final = {
    name: f"movsdk.explore.{module}"
    for module, names in {
        "shards": "campaign",
        "current": "fail note touch",
        "deferred": "InterruptLine Work WorkQueue",
        "dpor": "Dpor",
        "footprint": "ANY Claim Mark",
        "record": "Drift",
        "runner": "Budget Result explore replay",
        "schedule": "Schedule",
        "shared": "Shared cell_of",
        "strategies": "Dfs RandomWalk Strategy Twice",
        "sync": "Mutex RwSem SpinLock",
        "tasks": "Task World",
        "timeline": "Failure",
        "timers": "WorldClock",
        "waiting": "Atomic Completion Refcount WaitQueue wait_for",
    }.items()
    for name in names.split()
}

if not TYPE_CHECKING:  # a type checker must keep refusing names that are not there

    def __getattr__(name: str) -> object:
        """Load a public name on first use (PEP 562)."""
        if name not in _HOME:
            raise AttributeError(f"module 'movsdk.explore' has no attribute {name!r}; its names are {', '.join(__all__)}")
        from importlib import import_module  # noqa: PLC0415  with the names

        value = globals()[name] = getattr(import_module(_HOME[name]), name)
        return value
