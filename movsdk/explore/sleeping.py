"""Sleep sets: at each place, the tasks that need not be run there because all that can follow has been explored elsewhere.

Twin: sleep sets (Godefroid 1996). A task sleeps with the operation it would do, until something that operation depends on
happens.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field

from movsdk.explore.footprint import Op

AWAKE: Final[dict[int, Op]] = {}


@define(eq=False)
class Sleep:
    """For each depth of the run, the sleeping tasks and their operations."""

    rows: list[dict[int, Op]] = field(factory=lambda: [AWAKE])

    def pass_on(self, ops: list[Op], depth: int) -> None:
        """Find out who sleeps at the depths up to `depth`."""
        rows = self.rows
        at = len(rows) - 1
        asleep = rows[at]
        while at < depth:
            if not asleep:
                rows += [AWAKE] * (depth - at)
                return
            done = ops[at]
            w, r = done.w, done.rw
            asleep = {task: op for task, op in asleep.items() if not (op.w & r or op.r & w)}
            rows.append(asleep)
            at += 1

    def awake(self, ops: list[Op], depth: int, able: int) -> int:
        """Take those who sleep at `depth` out of `able` (task numbers as bits)."""
        if len(self.rows) <= depth:
            self.pass_on(ops, depth)
        for task in self.rows[depth]:
            able &= ~(1 << task)
        return able

    def put(self, depth: int, task: int, op: Op) -> None:
        """Let `task` sleep at `depth` from now on; what was known of deeper places is forgotten."""
        self.rows[depth] = {**self.rows[depth], task: op}
        del self.rows[depth + 1 :]
