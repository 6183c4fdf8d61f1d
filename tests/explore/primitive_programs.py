"""Random little programs of what `movsdk.explore` offers: clocks, timers, wait queues, completions, work, interrupts, locks.

Twin: none. Where `programs` checks the strategies with one machine of its own, these check what the room's own primitives
announce: an operation that forgets a cell makes two tasks look independent, and DPOR then misses states.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from random import Random
from typing import Any, Final

from attrs import define, field, frozen

from movsdk.clock import Clock
from movsdk.errors import BadInput, ContractError
from movsdk.explore import (
    Atomic,
    Completion,
    InterruptLine,
    Mutex,
    RwSem,
    SpinLock,
    WaitQueue,
    Work,
    WorkQueue,
    World,
    WorldClock,
    wait_for,
)
from movsdk.explore.footprint import Restart
from movsdk.explore.session import Session
from movsdk.explore.strategies import Strategy
from movsdk.explore.time_task import TimeTask
from movsdk.points import mention

CLOCKS: Final = ("world", "impatient world", "tasks", "impatient tasks", "none")


@define(eq=False)
class Desk:
    """The primitives of a program, what each task saw, and the timers that each task has set."""

    world: World
    kind: str
    groups: frozenset[str]
    clock: Clock = field(init=False)
    n: Atomic = field(factory=lambda: Atomic("n"))
    m: Atomic = field(factory=lambda: Atomic("m"))
    done: Completion = field(factory=lambda: Completion("done"))
    bed: WaitQueue = field(factory=lambda: WaitQueue("bed"))
    lock: Mutex = field(factory=lambda: Mutex("lock"))
    twin: Mutex = field(factory=lambda: Mutex("lock"))  # another lock of the same name
    spin: SpinLock = field(factory=lambda: SpinLock("spin"))
    sem: RwSem = field(factory=lambda: RwSem("sem"))
    queue: WorkQueue = field(init=False)
    other_queue: WorkQueue = field(init=False)
    works: list[Work] = field(init=False)
    line: InterruptLine = field(init=False)
    timers: dict[int, Any] = field(factory=dict)
    seen: dict[str, list[str]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        is_patient = not self.kind.startswith("impatient")
        if self.kind.endswith("world"):
            self.clock = WorldClock(world=self.world, is_patient=is_patient)
        else:
            self.clock = Clock()
            if self.kind != "none":
                TimeTask(self.world, self.clock, is_patient=is_patient)
        if "work" in self.groups:
            self.queue, self.other_queue = WorkQueue(self.world, "queue"), WorkQueue(self.world, "other")
            self.works = [
                Work("adds", lambda: self.say("adds", self.n.add(1))),
                Work("sets", lambda: self.say("sets", self.n.exchange(2))),
            ]
        if "interrupt" in self.groups:
            self.line = InterruptLine(self.world, "line", lambda: self.say("line", self.n.add(1)))

    def say(self, who: str, what: object) -> None:
        """Note what somebody saw."""
        self.seen.setdefault(who, []).append(str(what))

    def arm(self, task: int, delay: int, *, adds: bool) -> None:
        """Set a timer of `task`."""

        def ring() -> None:
            self.say(f"bell {task}", self.clock.now)
            if adds:
                self.n.add(1)

        self.timers[task] = self.clock.call_later(delay, ring, f"bell {task}")
        mention("remembers a timer", (), (("desk", task),))

    def of_timer(self, task: int, act: Callable[[Any], object]) -> object:
        """Do something to the timer of `task`, after an operation that has nothing to do with it."""
        self.m.read()
        mention("remembers a timer", (("desk", task),))
        return act(self.timers[task]) if task in self.timers else "no timer"

    def look(self, what: Callable[[], object]) -> object:
        """See something that is no operation, after an operation that has nothing to do with it."""
        self.m.read()
        return what()

    def holding(self, lock: Any, act: Callable[[], object]) -> object:
        """Act with a lock held."""
        with lock:
            return act()

    def try_lock(self) -> object:
        """Take the lock if it is free, and look."""
        if not self.lock.try_lock():
            return False
        found = self.n.read()
        self.lock.unlock()
        return found

    def end(self) -> Hashable:
        """All that could differ."""
        return tuple(sorted((who, *what) for who, what in self.seen.items())), self.clock.now, self.n.value, self.m.value


Act = Callable[[Desk, int], object]
"""What a task, 0 or 1, does."""

ACTS: Final[dict[str, dict[str, Act]]] = {
    "time": {
        "sleeps 1": lambda desk, _task: desk.clock.advance(1),
        "sleeps 2": lambda desk, _task: desk.clock.advance(2),
        "reads the clock": lambda desk, _task: desk.look(lambda: desk.clock.now),
        "sets a timer": lambda desk, task: desk.arm(task, 1, adds=True),
        "sets a slow timer": lambda desk, task: desk.arm(task, 2, adds=False),
        "cancels": lambda desk, task: desk.of_timer(task, lambda timer: timer.cancel()),
        "cancels the other's": lambda desk, task: desk.of_timer(1 - task, lambda timer: timer.cancel()),
        "is the other's pending": lambda desk, task: desk.of_timer(1 - task, lambda timer: timer.is_pending),
        "when is the next": lambda desk, _task: desk.look(desk.clock.next_due),
        "waits with a timeout": lambda desk, _task: desk.clock.run_until(lambda: desk.n.read() == 1, 2),
        "lets what is due happen": lambda desk, _task: desk.clock.run_pending(),
        "starts a sleeper": lambda desk, task: (
            desk.world.spawn(
                f"child {task}",
                lambda: (desk.clock.advance(1), desk.say(f"child {task}", desk.clock.now)),  # type: ignore[func-returns-value]
            ).name
        ),
    },
    "wait": {
        "waits for n": lambda desk, _task: desk.bed.wait_event(lambda: desk.n.read() > 0),
        "waits for m": lambda desk, _task: desk.bed.wait_event(lambda: desk.m.read() > 0),
        "wakes": lambda desk, _task: desk.bed.wake_up(),
        "sleeps blindly": lambda desk, _task: desk.bed.sleep(),
        "completes": lambda desk, _task: desk.done.complete(),
        "completes for all": lambda desk, _task: desk.done.complete_all(),
        "begins anew": lambda desk, _task: desk.done.reinit(),
        "waits for done": lambda desk, _task: desk.done.wait(),
        "is it done": lambda desk, _task: desk.look(desk.done.is_complete),
        "polls n": lambda desk, _task: wait_for("n", lambda: desk.n.value == 1, [("atomic", "n")]),
    },
    "count": {
        "n = 1": lambda desk, _task: desk.n.set(1),
        "n = 0": lambda desk, _task: desk.n.set(0),
        "m = 1": lambda desk, _task: desk.m.set(1),
        "n += 1": lambda desk, _task: desk.n.add(1),
        "n?": lambda desk, _task: desk.n.read(),
        "peeks at n": lambda desk, _task: desk.look(lambda: desk.n.value),
    },
    "work": {
        "queues": lambda desk, _task: desk.queue.queue(desk.works[0]),
        "queues the other work": lambda desk, _task: desk.queue.queue(desk.works[1]),
        "queues it elsewhere": lambda desk, _task: desk.other_queue.queue(desk.works[0]),
        "cancels work": lambda desk, _task: desk.queue.cancel(desk.works[0]),
        "cancels the other work": lambda desk, _task: desk.queue.cancel(desk.works[1]),
        "flushes": lambda desk, _task: desk.queue.flush(desk.works[0]),
        "is it pending": lambda desk, _task: desk.look(lambda: (desk.works[0].is_pending, desk.works[0].is_running)),
    },
    "interrupt": {
        "raises": lambda desk, _task: desk.line.raise_(),
        "disables": lambda desk, _task: desk.line.disable(),
        "disables and goes on": lambda desk, _task: desk.line.disable_nosync(),
        "enables": lambda desk, _task: desk.line.enable(),
        "synchronizes": lambda desk, _task: desk.line.synchronize(),
        "frees": lambda desk, _task: desk.line.free(),
        "is it raised": lambda desk, _task: desk.look(lambda: (desk.line.is_raised, desk.line.is_running, desk.line.depth)),
    },
    "lock": {
        "adds, locked": lambda desk, _task: desk.holding(desk.lock, lambda: desk.n.add(1)),
        "adds, under a lock of that name": lambda desk, _task: desk.holding(desk.twin, lambda: desk.n.add(1)),
        "adds, spinning": lambda desk, _task: desk.holding(desk.spin, lambda: desk.n.add(1)),
        "reads, reading": lambda desk, _task: desk.holding(desk.sem.reading(), desk.n.read),
        "adds, writing": lambda desk, _task: desk.holding(desk.sem.writing(), lambda: desk.n.add(1)),
        "lock, then sem": lambda desk, _task: desk.holding(desk.lock, lambda: desk.holding(desk.sem.writing(), lambda: 0)),
        "sem, then lock": lambda desk, _task: desk.holding(desk.sem.reading(), lambda: desk.holding(desk.lock, lambda: 0)),
        "tries": lambda desk, _task: desk.try_lock(),
        "is it locked": lambda desk, _task: desk.look(lambda: desk.lock.is_locked),
        "who reads": lambda desk, _task: desk.look(lambda: (desk.sem.readers, desk.sem.is_written)),
    },
}


@frozen
class Source:
    """What each of two tasks does, and by which clock."""

    clock: str
    tasks: tuple[tuple[tuple[str, str], ...], ...]

    def __str__(self) -> str:
        return f"{self.clock}: " + " || ".join(", ".join(name for _, name in acts) for acts in self.tasks)


def generate(seed: int) -> Source:
    """Return the program of a seed: one to three acts a task, out of up to three groups."""
    random = Random(seed)
    clock = random.choice(CLOCKS)
    groups = random.sample([group for group in ACTS if group != "time"], random.choice((1, 2)))
    if clock != "none":
        groups.append("time")
    names = [(group, name) for group in groups for name in ACTS[group]]
    return Source(clock, tuple(tuple(random.choice(names) for _ in range(random.choice((1, 2, 2, 3)))) for _ in "ab"))


def program(source: Source, desks: list[Desk]) -> Callable[[World], None]:
    """Return a source as a program; `desks` gets the desk of each run."""

    def set_up(world: World) -> None:
        desk = Desk(world, source.clock, frozenset(group for acts in source.tasks for group, _ in acts))
        desks[:] = [desk]
        for number, acts in enumerate(source.tasks):
            world.spawn("ab"[number], body, desk, number, acts)

    def body(desk: Desk, number: int, acts: tuple[tuple[str, str], ...]) -> None:
        for group, name in acts:
            try:
                found = ACTS[group][name](desk, number)
            except (BadInput, ContractError) as error:
                found = error
            desk.say("ab"[number], f"{name}: {found}")

    return set_up


def ends(source: Source, strategy: Callable[[], Strategy], limit: int) -> set[Hashable] | None:
    """In what the runs of a strategy end, findings of the oracles included; None: there are more than `limit`."""
    desks: list[Desk] = []
    session = Session(program(source, desks), step_limit=200)
    while True:
        chosen, found, runs = strategy(), set[Hashable](), 0
        try:
            while (forced := chosen.begin()) is not None:
                run, runs = session.run(forced, chosen.choose), runs + 1
                if run.is_complete:
                    found.add((desks[0].end(), frozenset((one.name, one.message) for one in run.findings)))
                if runs > limit:
                    return None
                chosen.finish(run)
        except Restart:
            continue
        return found
