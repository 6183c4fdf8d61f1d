"""Every behaviour once: dynamic partial order reduction with sleep sets and wake-up trees.

Twin: optimal DPOR (Abdulla, Aronis, Jonsson, Sagonas, JACM 2017). Two runs that differ only in the order of independent
operations are one behaviour. After a run, each pair of dependent operations that could have come the other way round is a race;
the sequence that turns it round goes into the wake-up tree of the place where they part. Guards: an operation that waits is raced
with every earlier one it depends on; one that still waits when the run ends takes part as if it came last. Proves nothing about
what was not announced.
"""

from __future__ import annotations

from collections import abc
from typing import Final

from attrs import define, field

from movsdk.explore.causes import Causes, bits_of
from movsdk.explore.footprint import Announced, Op
from movsdk.explore.record import Drift, difference
from movsdk.explore.run import Run
from movsdk.explore.sleeping import AWAKE, Sleep
from movsdk.explore.wakeup import Branch, Sequence, plan

# An operation of which is not known where it leads: in conflict with all.
BLIND: Final = Op(Announced("anything"), -1, 0, -1, 0)


@define(eq=False)
class Dpor:
    """Exhaustive: when it ends without a failure, every interleaving of the announced operations is proved.

    For a campaign's shard: `path`, the tasks of the first operations, which are not turned round, and `sleep`, the tasks that
    need not be run there, with their operations.
    """

    claim = "proved"
    path: abc.Sequence[int] = ()
    sleep: dict[int, Op] = AWAKE

    complete: int = field(default=0, init=False)
    redundant: int = field(default=0, init=False)
    _is_done: bool = field(default=False, init=False)
    _kept: int = field(default=0, init=False)  # operations that the next run shares with the one before
    _plan: list[int] = field(factory=list, init=False)  # tasks: those, and the leftmost planned branch
    _causes: Causes = field(factory=Causes, init=False)
    _enabled: list[int] = field(factory=list, init=False)
    _afters: dict[int, int] = field(factory=dict, init=False)
    _sleep: Sleep = field(factory=Sleep, init=False)
    _trees: list[list[Branch]] = field(factory=list, init=False)  # at each depth

    def __attrs_post_init__(self) -> None:
        self._plan = list(self.path)
        self._trees = [[] for _ in self.path]
        self._sleep.rows = [*([AWAKE] * len(self.path)), self.sleep]

    # --- the strategy ------------------------------------------------------------------------------------
    def begin(self) -> abc.Sequence[int] | None:
        """Return the steps that the next run is to begin with; None when all is explored."""
        return None if self._is_done else self._plan[: max(self._kept, len(self.path))]

    def choose(self, run: Run) -> int:
        """Follow the plan; then go on with the running task, else the lowest; never with a sleeping one."""
        depth = len(run.ops)
        able = self._sleep.awake(run.ops, depth, run.enabled_at[depth])
        if depth < len(self._plan):
            if not able >> self._plan[depth] & 1:
                self._replan(depth, able)
            if depth < len(self._plan):
                return self._plan[depth]
        if not able:
            return -1
        run.is_free = not self._sleep.rows[depth]  # nobody sleeps, nothing is planned: the rest of the run needs no advice
        if depth and able >> run.order[-1] & 1:
            return run.order[-1]
        return (able & -able).bit_length() - 1

    def finish(self, run: Run) -> None:
        """Learn the races of a run and plan the next."""
        causes, kept, count = self._causes, self._kept, len(run.ops)
        if run.ops[:kept] != causes.ops or run.order[:kept] != causes.order:
            raise Drift(difference(run, causes.order, causes.ops))
        if run.is_complete:
            self.complete += 1
        else:
            self.redundant += 1
        self._enabled = run.enabled_at
        self._trees += [[] for _ in range(count - len(self._trees))]
        self._sleep.pass_on(run.ops, count)
        causes.learn(run.order[kept:], run.ops[kept:], run.births, run.book.cell_count)
        self._afters.clear()
        # With operations that look where they lead, a race is seen anew with every end of the run (`others` of _race).
        for at in range(0 if run.book.has_live else kept, count):
            if causes.rivals[at]:
                self._race(at, count if run.book.has_live else at)
        for task, op in run.stuck():
            causes.learn([task], [op], run.births, run.book.cell_count)
            self._race(count, count)
            causes.forget(count)
        self._back()

    # --- races -------------------------------------------------------------------------------------------
    def _race(self, at: int, count: int) -> None:
        """Plan, for each rival of operation `at`, the run in which it comes first, after the others up to `count`."""
        causes = self._causes
        op, truth = causes.ops[at], causes.past[at]
        for rival in causes.rivals[at]:
            if rival < len(self.path):
                continue
            if op.is_guarded and causes.starts[at] < rival and not self._enabled[rival] >> causes.order[at] & 1:
                between = causes.met[at] & -(2 << rival)
                if not between or not between & ~self._after(rival):
                    continue  # it stood there already, and waited, and nothing else could have let it go on
            others = (1 << count) - 1 & -(2 << rival) & ~self._after(rival)
            first = causes.order[(others & -others).bit_length() - 1 if others else at]
            if not self._enabled[rival] >> first & 1:
                continue
            is_sure, is_blind = True, False
            if op.is_guarded or op.is_idle:
                causes.past[at] = self._past_after(at, others)
                is_open = self._is_open(rival, at, others)
                if is_open is False:
                    causes.past[at] = truth
                    continue
                is_sure = is_open is True
            if op.is_live and self._lost(rival, at, others) & op.seen:
                is_sure, is_blind = False, True
                causes.past[at] |= others
            new = Sequence(causes, others | 1 << at, at, is_sure, is_blind)
            self._plan_at(rival, new)
            causes.past[at] = truth

    def _after(self, event: int) -> int:
        """What happens after an operation of this run."""
        found = self._afters.get(event)
        if found is None:
            found = self._afters[event] = self._causes.after(event)
        return found

    def _plan_at(self, depth: int, new: Sequence) -> None:
        """Plan a sequence, unless a task that sleeps at `depth` could come first in it.

        A task that slept already where a shard begins keeps out only what it begins itself: the races that would bring in the
        rest belong to other shards.
        """
        is_doubtful = False
        for task, op in self._sleep.rows[depth].items():
            found = new.can_start(task, op)
            if found is not None:
                if found >= 0 or self.sleep.get(task) is not op:
                    return
                is_doubtful = True
        plan(self._trees[depth], new, BLIND, is_doubtful=is_doubtful)

    def _past_after(self, at: int, others: int) -> int:
        """What happens before operation `at` when only `others` are between its rival and it."""
        causes = self._causes
        start = causes.starts[at]
        past = 1 << at | (causes.past[start] if start >= 0 else 0)
        for event in bits_of(causes.meeting(causes.ops[at]) & others):
            past |= causes.past[event]
        return past

    def _lost(self, rival: int, at: int, others: int) -> int:
        """The cells written by what no longer happens before operation `at` when it is turned round."""
        cells = 0
        for event in bits_of((1 << at) - (1 << rival) & ~others):
            cells |= self._causes.ops[event].w
        return cells

    def _is_open(self, rival: int, at: int, others: int) -> bool | None:
        """Whether operation `at` can go on when it comes before `rival`, after the others; None: not known."""
        causes = self._causes
        op, task = causes.ops[at], causes.order[at]
        before = others | (1 << rival) - 1
        if op.is_idle and not causes.ops[rival].is_idle:
            return False
        if op.holds >= 0:
            earlier = causes.writers[op.holds] & before
            return earlier == 0 or causes.ops[earlier.bit_length() - 1].holds != op.holds
        if not causes.past[at] & others and not self._enabled[rival] >> task & 1:
            return False
        return None

    # --- places ------------------------------------------------------------------------------------------
    def _back(self) -> None:
        """Return to the deepest place where something is planned; the next run parts there."""
        causes, trees = self._causes, self._trees
        at = len(causes.order) - 1
        while at >= len(self.path) and not trees[at]:
            at -= 1
        if at < len(self.path):
            self._is_done = True
            return
        self._sleep.put(at, causes.order[at], causes.ops[at])
        del trees[at + 1 :]
        self._plan = causes.order[:at]
        causes.forget(at)
        self._kept = at
        self._follow(at)

    def _replan(self, depth: int, able: int) -> None:
        """Leave a plan that cannot be followed at `depth`, along the next branch there that can."""
        del self._trees[depth + 1 :], self._plan[depth:]
        branches = self._trees[depth]
        while branches and not able >> branches[0].task & 1:
            branches.pop(0)
        self._follow(depth)

    def _follow(self, depth: int) -> None:
        """Plan the leftmost branches from `depth` on."""
        branches = self._trees[depth]
        while branches:
            branch = branches.pop(0)
            self._plan.append(branch.task)
            self._trees.append(branch.next)
            branches = branch.next
