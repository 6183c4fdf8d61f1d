"""Bugs put into the explorer on purpose: the table. Each is a patch of a line, and a random program that shows it.

Twin: mutation testing. Loaded by `tests.explore.breaking`, whose command looks for such programs anew when the explorer or the
programs change.
"""

from __future__ import annotations

from attrs import frozen


@frozen
class Mutant:
    """What is broken: `old` becomes `new` in a module; the program of `seed`, of at most `limit` schedules, shows it."""

    name: str
    module: str
    old: str
    new: str
    seed: int
    limit: int = 60


MUTANTS = [
    # --- happens-before
    Mutant("a read does not depend on writes", "causes", "met |= writers[cell]\n", "pass\n", 0),
    Mutant("a write does not depend on reads", "causes", "met |= writers[cell] | readers[cell]", "met |= writers[cell]", 0),
    Mutant("a write does not depend on writes", "causes", "met |= writers[cell] | readers[cell]", "met |= readers[cell]", 0),
    Mutant("a child does not follow its spawner", "causes", "births.get(task, -1)", "-1", 0),
    Mutant("the past is not transitive", "causes", "past |= pasts[rival]", "past |= 1 << rival", 0),
    Mutant("one race an operation", "causes", "latest.append(rival)", "latest[:] = latest or [rival]", 0),
    Mutant("a guard is raced with the last write only", "causes", "return bits_of(met)\n", "return bits_of(met)[-1:]\n", 0),
    Mutant("a lock is not raced with who took it", "causes", "return [*rivals, event]", "return rivals", 0),
    Mutant("a lock is raced with failed tries only", "causes", "and (before < 0 or", "and not (before < 0 or", 0),
    Mutant("undone writes stay", "causes", "[events & keep for events in self.writers]", "self.writers", 0),
    Mutant("undone operations of a task stay", "causes", "self.of_task[task] = events & keep", "pass", 0),
    # --- races
    Mutant("waiting operations are not raced", "dpor", "in run.stuck():", "in ():", 0),
    Mutant("they are raced in complete runs only", "dpor", "in run.stuck():", "in run.stuck() if run.is_complete else ():", 0),
    Mutant("who waits once waits for ever", "dpor", "return all(causes.past[other]", "return True or all(causes.past[other]", 0),
    Mutant("a lock is open when it is held", "dpor", "].holds != op.holds\n", "].holds == op.holds\n", 0),
    Mutant("a turned guard keeps its past", "dpor", "causes.past[at] = self._past_after(at, others)", "pass", 0),
    Mutant("an address leads where it led", "dpor", "is_sure, is_blind = False, True", "pass", 0),
    Mutant("races end where they are seen", "dpor", "count if run.book.has_live else at)", "at)", 0),
    Mutant("old races are not seen anew", "dpor", "range(0 if run.book.has_live else kept, count)", "range(kept, count)", 0),
    Mutant("nothing is turned round at the start", "dpor", "if at < len(self.path):", "if at <= len(self.path):", 0),
    Mutant("what is explored does not sleep", "dpor", "self._sleep.put(at, causes.order[at], causes.ops[at])", "pass", 0),
    Mutant("a plan wakes sleepers", "dpor", "able >> self._plan[depth]", "run.enabled_at[depth] >> self._plan[depth]", 0),
    Mutant("a closed plan ends those beside it", "dpor", "self._replan(depth, able)", "del self._plan[depth:], self._trees[depth:]", 0),
    Mutant("a shard trusts earlier sleepers", "dpor", "found >= 0 or self.sleep.get(task) is not op:", "True:", 0),
    Mutant("nobody sleeps on the way", "dpor", "run.is_free = not self._sleep.rows[depth]", "run.is_free = True", 0),
    # --- sleep and plans
    Mutant("sleepers never wake", "sleeping", "if not (op.w & r or op.r & w)", "if True", 0),
    Mutant("writes do not wake readers", "sleeping", "if not (op.w & r or op.r & w)", "if not (op.w & r)", 0),
    Mutant("one sleeper at a place", "sleeping", "{**self.rows[depth], task: op}", "{task: op}", 0),
    Mutant("anybody may come first", "wakeup", "if causes.past[event] & events == 1 << event else None", "", 0),
    Mutant("anybody absent may come first", "wakeup", "None if causes.meeting(op) & events or op.rw < 0 else -1", "-1", 0),
    Mutant("doubt does not spread", "wakeup", "is_doubtful = is_doubtful or not branch.is_sure", "pass", 0),
    Mutant("a doubtful plan covers what it begins", "wakeup", "(branch.is_sure and not branch.next)", "not branch.next", 0),
    Mutant("any plan covers what it begins", "wakeup", "if not new.events or (", "if True or (", 0),
    Mutant("plans forget the turned operation", "wakeup", "[*events, last] if is_last_left else events", "events", 0),
    # --- cells
    Mutant("predicates are blind", "footprint", "w |= watch.bit", "pass", 0),
    Mutant("what is touched is not seen", "footprint", "(cell for cell in writes if cell not in op.writes)", "()", 0),
    Mutant("cells are not looked up again", "run", "if self.live and task.number in self.live:", "if False:", 0),
    Mutant("implicit cells are not written", "footprint", "self.mask(said.writes) | self.mask(said.implicit)\n", "0\n", 0),
    # --- running
    Mutant("a write opens no guard", "aside", "(op.w & rw or op.rw & w)", "(op.w & rw)", 0),
    Mutant("a release lets one go on", "aside", "else self.enabled | tasks", "else self.enabled | (tasks & -tasks)", 0),
    Mutant("guards are not asked after known steps", "run", "for task in self.tasks:\n                if", "for task in ():\n                if", 0),
    Mutant("known steps are one too many", "session", "enabled_at[:count]", "enabled_at[: count + 1]", 0),
    Mutant("idle tasks do not let others go first", "run", "if self.idle and enabled & ~self.idle:", "if False:", 0),
]  # fmt: skip
