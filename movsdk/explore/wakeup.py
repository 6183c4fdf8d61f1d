"""Wake-up trees: the sequences that are still to be explored at one place, none of them covered by another.

Twin: the trees of optimal DPOR (Abdulla, Aronis, Jonsson, Sagonas, JACM 2017). Does not know where sequences come from.
"""

from __future__ import annotations

from attrs import define, field

from movsdk.explore.causes import Causes, bits_of
from movsdk.explore.footprint import Op


@define(eq=False)
class Branch:
    """A planned step, and what follows it."""

    task: int
    op: Op
    is_sure: bool = True  # False: a guard may be closed there, or the operation may lead elsewhere
    next: list[Branch] = field(factory=list)


@define(eq=False)
class Sequence:
    """Operations of a run, to be done again in their order but for `last`, which comes last.

    `is_sure`: nothing is in doubt about the last one. `is_blind`: not even which cells it will touch.
    """

    causes: Causes
    events: int
    last: int
    is_sure: bool
    is_blind: bool

    def can_start(self, task: int, op: Op) -> int | None:
        """Whether `task`, about to do `op`, may come first without changing what the sequence means.

        Returns its operation in the sequence, -1 if it has none, None if it may not.
        """
        causes, events = self.causes, self.events
        mine = causes.of_task.get(task, 0) & events
        if mine:
            event = (mine & -mine).bit_length() - 1
            return event if causes.past[event] & events == 1 << event else None
        if self.is_blind and events >> self.last & 1 and op.rw:
            return None
        return None if causes.meeting(op) & events or op.rw < 0 else -1


def plan(branches: list[Branch], new: Sequence, blind: Op, *, is_doubtful: bool) -> None:
    """Add a sequence to a tree, unless one there covers it.

    `blind` stands for an operation of which nothing is known. A sequence that is doubtful covers no other by being a part of it.
    """
    while True:
        for branch in branches:
            found = new.can_start(branch.task, branch.op)
            if found is None or (found < 0 and not branch.is_sure):
                is_doubtful = is_doubtful or not branch.is_sure
                continue
            if found >= 0:
                new.events &= ~(1 << found)
            if not new.events or (branch.is_sure and not branch.next):
                return
            branches = branch.next
            break
        else:
            break
    causes, last = new.causes, new.last
    is_last_left = new.events >> last & 1
    events = bits_of(new.events & ~(1 << last))
    for event in [*events, last] if is_last_left else events:
        op = blind if new.is_blind and event == last else causes.ops[event]
        branch = Branch(causes.order[event], op, not is_doubtful and (new.is_sure or event != last))
        branches.append(branch)
        branches = branch.next
