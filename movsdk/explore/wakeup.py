"""Wake-up trees: the sequences that are still to be explored at one place, none of them covered by another.

Twin: the trees of optimal DPOR (Abdulla, Aronis, Jonsson, Sagonas, JACM 2017). Does not know where sequences come from.
"""

from __future__ import annotations

from attrs import define, field

from movsdk.explore.causes import Causes
from movsdk.explore.footprint import Op


@define(eq=False)
class Branch:
    """A planned step, and what follows it."""

    task: int
    op: Op
    is_sure: bool = True  # False: a guard may be closed there, or the operation may lead elsewhere
    next: list[Branch] = field(factory=list)


def can_start(causes: Causes, task: int, op: Op, events: list[int], bits: int) -> int | None:
    """Whether `task`, about to do `op`, may come first in `events` without changing what they mean.

    Returns its operation among them, -1 if it has none, None if it may not. `bits` are the events as a set.
    """
    order, ops = causes.order, causes.ops
    for event in events:
        if order[event] == task:
            return event if causes.past[event] & bits == 1 << event else None
    w, rw = op.w, op.rw
    for event in events:
        other = ops[event]
        if w & other.rw or rw & other.w:
            return None
    return -1


def plan(causes: Causes, branches: list[Branch], events: list[int], bits: int, *, is_sure: bool) -> None:
    """Add the sequence `events` to a tree, unless a sequence there covers it. `is_sure`: so is its last step."""
    is_doubtful = False
    while True:
        for branch in branches:
            found = can_start(causes, branch.task, branch.op, events, bits)
            if found is None or (found < 0 and not branch.is_sure):
                is_doubtful = is_doubtful or not branch.is_sure
                continue
            if found >= 0:
                events.remove(found)
                bits &= ~(1 << found)
            if not events or (branch.is_sure and not branch.next):
                return
            branches = branch.next
            break
        else:
            for event in events:
                branch = Branch(causes.order[event], causes.ops[event], not is_doubtful and (is_sure or event != events[-1]))
                branches.append(branch)
                branches = branch.next
            return
