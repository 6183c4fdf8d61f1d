"""From a failing run to the shortest story that still fails.

Twin: dejafu's trace simplification (commute), delta debugging (drop), CHESS (lower the bound). Three passes: move independent
operations together; leave out switches one by one; look for a run with fewer preemptions, which, when there is none, proves it
least.
"""

from __future__ import annotations

from attrs import evolve, frozen

from movsdk.explore.causes import Causes, bits_of
from movsdk.explore.record import Drift
from movsdk.explore.run import Run
from movsdk.explore.schedule import Replay, Schedule, write
from movsdk.explore.session import Session, has, length_to
from movsdk.explore.strategies import Dfs


@frozen
class Shortest:
    """A failing run, and whether no run with fewer preemptions fails in this way."""

    run: Run
    schedule: Schedule
    preemptions: int
    is_least: bool
    replays: int


def shorten(session: Session, run: Run, name: str, replays: int = 2000) -> Shortest:
    """Shorten `run`, which fails in the way called `name`, with at most about `replays` more runs."""
    best, left = run, replays
    moved = session.again(gathered(run, length_to(run, name)))
    if has(moved, name) and _cost(moved, name) < _cost(best, name):
        best = moved
    best, left = _drop(session, best, name, left - 1)
    best, left, is_least = _lower(session, best, name, left)
    return Shortest(best, write(best, length_to(best, name)), preemptions(best, length_to(best, name)), is_least, replays - left)


def preemptions(run: Run, length: int) -> int:
    """How often a task was taken off that could have gone on."""
    order = run.order
    return sum(order[at] != order[at - 1] and bool(run.enabled_at[at] >> order[at - 1] & 1) for at in range(1, length))


def _cost(run: Run, name: str) -> tuple[int, int, int]:
    length = length_to(run, name)
    return preemptions(run, length), len(write(run, length).switches), length


def gathered(run: Run, length: int) -> list[int]:
    """The first operations of a run in an equivalent order that stays with each task as long as it can."""
    causes = causes_of(run, length)
    order: list[int] = []
    done, running = 0, -1
    left = list(range(length))
    while left:
        ready = [at for at in left if not causes.past[at] & ~done & ~(1 << at)]
        chosen = next((at for at in ready if run.order[at] == running), None)
        if chosen is None:  # whoever can go furthest; of equals, who came first
            chosen = max(ready, key=lambda at: (_reach(causes, at, done, left), -at))
        running = run.order[chosen]
        order.append(running)
        done |= 1 << chosen
        left.remove(chosen)
    return order


def _reach(causes: Causes, start: int, done: int, left: list[int]) -> int:
    """How many operations the task of `start` can do in a row."""
    count = 0
    for at in left:
        if at >= start and causes.order[at] == causes.order[start]:
            if causes.past[at] & ~done & ~(1 << at):
                break
            done |= 1 << at
            count += 1
    return count


def causes_of(run: Run, length: int) -> Causes:
    """The happens-before order of the first operations of a run."""
    causes = Causes()
    causes.learn(run.order[:length], run.ops[:length], run.births, run.book.cell_count)
    return causes


def _drop(session: Session, run: Run, name: str, left: int) -> tuple[Run, int]:
    """Leave switches out, first many, then one by one, as long as the run still fails."""
    best = write(run, length_to(run, name))
    size = max(1, len(best.switches) // 2)
    while size and left > 0:
        at = 0
        while at < len(best.switches) and left > 0:
            shorter = evolve(best, switches=best.switches[:at] + best.switches[at + size :])
            left -= 1
            tried = session.follow(Replay(shorter, is_checked=False))
            if has(tried, name) and _cost(tried, name) < _cost(run, name):
                run, best = tried, write(tried, length_to(tried, name))
            else:
                at += size
        size //= 2
    return run, left


def _lower(session: Session, run: Run, name: str, left: int) -> tuple[Run, int, bool]:
    """Search all runs with fewer preemptions than the best has, from none upwards."""
    for bound in range(preemptions(run, length_to(run, name))):
        search = Dfs(preemptions=bound)
        while (forced := search.begin()) is not None:
            if left <= 0:
                return run, left, False
            left -= 1
            tried = session.run(forced, search.choose)
            if has(tried, name):
                return tried, left, True
            search.finish(tried)
    return run, left, True


def _met_by_the_last(run: Run, causes: Causes, length: int) -> list[tuple[int, int]]:
    """The last of `length` operations, with each earlier one of another task that it depends on, the nearest first."""
    last = length - 1
    if not 0 <= last < len(run.ops):  # a failure of the set-up, or at the end
        return []
    met = bits_of(causes.meeting(run.ops[last]) & (1 << last) - 1)
    return [(rival, last) for rival in reversed(met) if run.order[rival] != run.order[last]]


def deciding_pair(session: Session, run: Run, name: str) -> tuple[int, int] | None:
    """Two dependent operations of a failing run whose order matters: the other way round, it does not fail.

    The latest such pair of neighbours; else the failing operation and an earlier one that it depends on. None: turning single
    pairs round does not help, or the run does not do the same again.
    """
    length = length_to(run, name)
    causes = causes_of(run, length)
    near = [(rival, at) for at in range(length - 1, -1, -1) for rival in sorted(causes.rivals[at], reverse=True)]
    for rival, at in dict.fromkeys((*near, *_met_by_the_last(run, causes, length))):
        others = [event for event in range(rival + 1, at) if not causes.past[event] >> rival & 1]
        order = [*run.order[:rival], *(run.order[event] for event in others), run.order[at]]
        try:
            turned = session.again(order)
        except Drift:
            return None
        if turned.order[: len(order)] == order and not has(turned, name):
            return rival, at
    return None
