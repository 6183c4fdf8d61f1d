"""Bugs put into the explorer on purpose: the table. Each is a patch of a line, and a random program that shows it.

Twin: mutation testing. Loaded by `tests.explore.breaking`, whose command looks for such programs anew when the explorer or the
programs change. Left out are three that no program of 6000 has shown: a turned guard that keeps its past, an address that leads
where it led, a closed plan that ends all plans. They may cost runs or nothing at all; the code keeps to the careful side.
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
    Mutant("a read does not depend on writes", "causes", "met |= writers[cell]\n", "pass\n", -4),
    Mutant("a write does not depend on reads", "causes", "met |= writers[cell] | readers[cell]", "met |= writers[cell]", -4),
    Mutant("a write does not depend on writes", "causes", "met |= writers[cell] | readers[cell]", "met |= readers[cell]", -4),
    Mutant("a child does not follow its spawner", "causes", "births.get(task, -1)", "-1", 203),
    Mutant("the past is not transitive", "causes", "past |= pasts[rival]", "past |= 1 << rival", 795),
    Mutant("one race an operation", "causes", "latest.append(rival)", "latest[:] = latest or [rival]", -2),
    Mutant("a guard is raced with the last write only", "causes", "return bits_of(met)\n", "return bits_of(met)[-1:]\n", 88),
    Mutant("a lock is not raced with who took it", "causes", "return [*rivals, event]", "return rivals", 38),
    Mutant("a lock is raced with failed tries only", "causes", "and (before < 0 or", "and not (before < 0 or", 38),
    Mutant("undone writes stay", "causes", "[events & keep for events in self.writers]", "self.writers", -4),
    Mutant("undone operations of a task stay", "causes", "self.of_task[task] = events & keep", "pass", -4),
    # --- races
    Mutant("waiting operations are not raced", "dpor", "in run.stuck():", "in ():", 15),
    Mutant("they are, in complete runs only", "dpor", "in run.stuck():", "in run.stuck() if run.is_complete else ():", 2448, 300),
    Mutant("who waits once waits for ever", "dpor", "if not between or not between & ~self._after(rival):", "if True:", 301, 300),
    Mutant("a lock is open when it is held", "dpor", "].holds != op.holds\n", "].holds == op.holds\n", 138),
    Mutant("races end where they are seen", "dpor", "count if run.book.has_live else at)", "at)", -4),
    Mutant("old races are not renewed", "dpor", "range(0 if run.book.has_live else kept, count)", "range(kept, count)", 565, 300),
    Mutant("nothing is turned round at the start", "dpor", "if at < len(self.path):", "if at <= len(self.path):", -4),
    Mutant("what is explored does not sleep", "dpor", "self._sleep.put(at, causes.order[at], causes.ops[at])", "pass", -4),
    Mutant("a plan wakes sleepers", "dpor", "able >> self._plan[depth]", "run.enabled_at[depth] >> self._plan[depth]", 340),
    Mutant("a shard trusts earlier sleepers", "dpor", "found >= 0 or self.sleep.get(task) is not op:", "True:", 1323),
    Mutant("nobody sleeps on the way", "dpor", "run.is_free = not self._sleep.rows[depth]", "run.is_free = True", -4),
    # --- sleep and plans
    Mutant("sleepers never wake", "sleeping", "if not (op.w & r or op.r & w)", "if True", -4),
    Mutant("writes do not wake readers", "sleeping", "if not (op.w & r or op.r & w)", "if not (op.w & r)", -4),
    Mutant("one sleeper at a place", "sleeping", "{**self.rows[depth], task: op}", "{task: op}", -4),
    Mutant("anybody may come first", "wakeup", "if causes.past[event] & events == 1 << event else None", "", -2),
    Mutant("anybody absent may come first", "wakeup", "None if causes.meeting(op) & events or op.rw < 0 else -1", "-1", -4),
    Mutant("doubt does not spread", "wakeup", "is_doubtful = is_doubtful or not branch.is_sure", "pass", -2),
    Mutant("a doubtful plan covers what it begins", "wakeup", "(branch.is_sure and not branch.next)", "not branch.next", -2),
    Mutant("any plan covers what it begins", "wakeup", "if not new.events or (", "if True or (", -2),
    Mutant("plans forget the turned operation", "wakeup", "[*events, last] if is_last_left else events", "events", -4),
    # --- cells
    Mutant("predicates are blind", "footprint", "w |= watch.bit", "pass", 46),
    Mutant("what is touched is not seen", "footprint", "(cell for cell in writes if cell not in op.writes)", "()", 27),
    Mutant("cells are not looked up again", "run", "if self.live and task.number in self.live:", "if False:", 183),
    Mutant("implicit cells are not written", "footprint", "self.mask(said.writes) | self.mask(said.implicit)\n", "0\n", -4),
    # --- running
    Mutant("a write opens no guard", "aside", "(op.w & rw or op.rw & w)", "(op.w & rw)", 15),
    Mutant("a release lets one go on", "aside", "else self.enabled | tasks", "else self.enabled | (tasks & -tasks)", 653),
    Mutant("guards are not asked after known steps", "run", "self.expect(one)", "pass", -3),
    Mutant("known steps are one too many", "session", "enabled_at[:count]", "enabled_at[: count + 1]", -4),
    Mutant("idle tasks do not let others go first", "run", "if self.idle and enabled & ~self.idle:", "if False:", 0),
]  # fmt: skip
