"""Bugs put into the explorer on purpose, each of which the oracle must notice: a patch of one line, and a program that shows it.

Twin: mutation testing. ``python -m tests.explore.mutants`` looks for such programs anew and prints the table's numbers. A broken copy
of the room is loaded beside the good one.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from attrs import define, frozen

import movsdk
from tests.explore import oracle
from tests.explore.programs import generate
from tests.explore.reference import truth

ROOM = "movsdk.explore"


@frozen
class Mutant:
    """What is broken: `old` becomes `new` in a module; the program of `seed` shows it."""

    name: str
    module: str
    old: str
    new: str
    seed: int


MUTANTS = [
    # --- happens-before -----------------------------------------------------------------------------------
    Mutant("a read does not depend on writes", "causes", "met |= writers[cell]\n", "pass\n", 0),
    Mutant("a write does not depend on reads", "causes", "met |= writers[cell] | readers[cell]", "met |= writers[cell]", 0),
    Mutant("a write does not depend on writes", "causes", "met |= writers[cell] | readers[cell]", "met |= readers[cell]", 0),
    Mutant("a child does not follow its spawner", "causes", "births.get(task, -1)", "-1", 0),
    Mutant("the past is not transitive", "causes", "past |= pasts[rival]", "past |= 1 << rival", 0),
    Mutant("one race an operation", "causes", "latest.append(rival)", "latest[:] = latest or [rival]", 0),
    Mutant("a guard is raced with the last write only", "causes", "return bits_of(met)\n", "return bits_of(met)[-1:]\n", 0),
    Mutant("a lock is not raced with who took it", "causes", "return [*rivals, event]", "return rivals", 0),
    Mutant("a lock is raced with releases only", "causes", "and (before < 0 or", "and not (before < 0 or", 0),
    Mutant("undone writes stay", "causes", "[events & keep for events in self.writers]", "self.writers[:]", 0),
    Mutant("undone operations of a task stay", "causes", "self.of_task[task] = events & keep", "pass", 0),
    # --- races --------------------------------------------------------------------------------------------
    Mutant("waiting operations are not raced", "dpor", "in run.stuck():", "in ():", 0),
    Mutant("they are raced in complete runs only", "dpor", "in run.stuck():", "in run.stuck() if run.is_complete else ():", 0),
    Mutant("who waits once waits for ever", "dpor", "return all(causes.past[other]", "return True or all(causes.past[other]", 0),
    Mutant("a lock is open when it is held", "dpor", "].holds != op.holds\n", "].holds == op.holds\n", 0),
    Mutant("a turned guard keeps its past", "dpor", "causes.past[at] = self._past_after(at, others)", "pass", 0),
    Mutant("an address leads where it led", "dpor", "is_sure, is_blind = False, True", "pass", 0),
    Mutant("races end where they are seen", "dpor", "self._race(at, count if run.book.has_live else at)", "self._race(at, at)", 0),
    Mutant("old races are not seen anew", "dpor", "range(0 if run.book.has_live else kept, count)", "range(kept, count)", 0),
    Mutant("nothing is turned round at the start", "dpor", "while at >= len(self.path) and", "while at > len(self.path) and", 0),
    Mutant("what is explored does not sleep", "dpor", "self._sleep.put(at, causes.order[at], causes.ops[at])", "del self._sleep.rows[at + 1 :]", 0),
    Mutant("a plan wakes sleepers", "dpor", "able >> self._plan[depth] & 1", "run.enabled_at[depth] >> self._plan[depth] & 1", 0),
    Mutant("a closed plan ends the branches beside it", "dpor", "self._replan(depth, able)", "self._plan[depth:] = self._trees[depth:] = []", 0),
    Mutant("a shard trusts those who slept before it", "dpor", "if found >= 0 or self.sleep.get(task) is not op:", "if True:", 0),
    Mutant("nobody sleeps on the way", "dpor", "run.is_free = not self._sleep.rows[depth]", "run.is_free = True", 0),
    # --- sleep and plans ----------------------------------------------------------------------------------
    Mutant("sleepers never wake", "sleeping", "if not (op.w & r or op.r & w)", "if True", 0),
    Mutant("writes do not wake readers", "sleeping", "if not (op.w & r or op.r & w)", "if not (op.w & r)", 0),
    Mutant("one sleeper at a place", "sleeping", "{**self.rows[depth], task: op}", "{task: op}", 0),
    Mutant("anybody may come first", "wakeup", "if causes.past[event] & events == 1 << event else None", "", 0),
    Mutant("who is not in a sequence may always start it", "wakeup", "return None if causes.meeting(op) & events or op.rw < 0 else -1", "return -1", 0),
    Mutant("who is not in a sequence may never start it", "wakeup", "return None if causes.meeting(op) & events or op.rw < 0 else -1", "return None", 0),
    Mutant("doubt does not spread", "wakeup", "is_doubtful = is_doubtful or not branch.is_sure", "pass", 0),
    Mutant("a doubtful plan covers what it begins", "wakeup", "(branch.is_sure and not branch.next)", "not branch.next", 0),
    Mutant("any plan covers what it begins", "wakeup", "if not new.events or (", "if True or (", 0),
    Mutant("plans forget the turned operation", "wakeup", "[*events, last] if is_last_left else events", "events", 0),
    # --- cells --------------------------------------------------------------------------------------------
    Mutant("predicates are blind", "footprint", "w |= watch.bit", "pass", 0),
    Mutant("what is touched is not seen", "footprint", "(*op.writes, *(cell for cell in writes if cell not in op.writes))", "op.writes", 0),
    Mutant("cells are not looked up again", "run", "if self.live and task.number in self.live:", "if False:", 0),
    Mutant("implicit cells are not written", "footprint", "self.mask(said.writes) | self.mask(said.implicit)", "self.mask(said.writes)", 0),
    # --- running ------------------------------------------------------------------------------------------
    Mutant("a write opens no guard", "aside", "(op.w & rw or op.rw & w)", "(op.w & rw)", 0),
    Mutant("a release lets one go on", "aside", "else self.enabled | tasks", "else self.enabled | (tasks & -tasks)", 0),
    Mutant("guards are not asked after known steps", "run", "if task.op is not None and task.op.is_guarded:\n                    self.expect(task)", "if False:\n                    pass", 0),
    Mutant("known steps are one too many", "session", "return self._last.enabled_at[:count]", "return [*self._last.enabled_at[:count], -1]", 0),
]  # fmt: skip


@define
class _Patched(Loader):
    """Loads a module from patched source."""

    spec: ModuleSpec
    mutant: Mutant

    def exec_module(self, module: ModuleType) -> None:
        assert self.spec.origin is not None
        with open(self.spec.origin) as file:
            source = file.read()
        if module.__name__ == f"{ROOM}.{self.mutant.module}":
            assert source.count(self.mutant.old) == 1, f"{self.mutant.name}: {self.mutant.old!r} occurs {source.count(self.mutant.old)} times"
            source = source.replace(self.mutant.old, self.mutant.new)
        exec(compile(source, self.spec.origin, "exec"), module.__dict__)


@define
class _Finder(MetaPathFinder):
    mutant: Mutant

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not fullname.startswith(f"{ROOM}."):
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None:
            spec.loader = _Patched(spec, self.mutant)
        return spec


@contextmanager
def broken(mutant: Mutant) -> Iterator[oracle.Explorer]:
    """Load a broken copy of the room; the good one is back afterwards."""
    good = {name: module for name, module in sys.modules.items() if name == ROOM or name.startswith(f"{ROOM}.")}
    package = getattr(movsdk, "explore", None)
    finder = _Finder(mutant)
    for name in good:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module(f"{ROOM}.{mutant.module}")
        yield oracle.explorer()
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name == ROOM or name.startswith(f"{ROOM}.")]:
            del sys.modules[name]
        sys.modules.update(good)
        if package is not None:
            movsdk.explore = package  # type: ignore[attr-defined]  # the import system sets it


def judge(parts: oracle.Explorer, seed: int, limit: int) -> list[str]:
    """What is wrong with an explorer, as the program of `seed` shows it."""
    source = generate(seed)
    found = oracle.differences(source, parts, limit)
    if found is None:
        return []
    return found or oracle.shard_differences(source, parts, truth(source, limit), 6)


def main() -> None:
    """Find, for each mutant, the first program that shows it."""
    wanted = sys.argv[1:]
    for mutant in MUTANTS:
        if wanted and not any(word in mutant.name for word in wanted):
            continue
        with broken(mutant) as parts:
            seed = next((seed for seed in range(4000) if judge(parts, seed, 60)), None)
            print(f"{seed}: {mutant.name}", judge(parts, seed, 60) if seed is not None else "SURVIVES", flush=True)


if __name__ == "__main__":
    main()
