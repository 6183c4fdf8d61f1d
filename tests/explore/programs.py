"""Random little concurrent programs: one machine that both the explorer and the brute-force reference execute.

Twin: none. An instruction is a tuple, a task a list of them, with jumps. Knows neither the explorer nor the reference.
"""

from __future__ import annotations

from collections.abc import Hashable
from random import Random
from typing import Any

from attrs import define, evolve, field, frozen

Instruction = tuple[Any, ...]
Code = tuple[Instruction, ...]
CELLS, LOCKS = 4, 2  # variables v0..v3 (v0 is also the address that routed accesses follow), locks


@frozen
class Source:
    """A program: the code of each task (the first `started` run from the beginning, others are spawned), and a predicate."""

    tasks: tuple[Code, ...]
    started: int
    always: tuple[int, int, int] | None = None  # variables a, b and a value: never v[a] + v[b] == value
    implicit: frozenset[int] = frozenset()  # tasks that use the hidden variable, which nobody announces
    idle: frozenset[int] = frozenset()  # tasks that run only when no other can

    @property
    def uses_any(self) -> bool:
        """Whether some operation looks at anything."""
        return bool(self.idle) or any(step[0] == "guess" for code in self.tasks for step in code)

    def __str__(self) -> str:
        lines = [f"task {n}{'' if n < self.started else ' (spawned)'}: {list(code)}" for n, code in enumerate(self.tasks)]
        return "\n".join([*lines, f"always: {self.always}, implicit: {set(self.implicit)}, idle: {set(self.idle)}"])


@define(eq=False)
class Machine:
    """The state of a program: variables, a hidden one, lock owners (-1: free), readers, program counters, registers, failures."""

    source: Source
    v: list[int] = field(factory=lambda: [0] * CELLS)
    owner: list[int] = field(factory=lambda: [-1] * LOCKS)
    readers: list[int] = field(factory=lambda: [0] * LOCKS)
    hidden: int = 0
    pc: list[int] = field(factory=list)
    reg: list[int] = field(factory=list)
    failures: set[str] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        if not self.pc:
            self.pc = [0 if n < self.source.started else -1 for n in range(len(self.source.tasks))]
            self.reg = [0] * len(self.source.tasks)
            for task in range(len(self.pc)):
                self.settle(task)

    def copy(self) -> Machine:
        """An independent machine in the same state."""
        return evolve(
            self,
            v=self.v[:],
            owner=self.owner[:],
            readers=self.readers[:],
            pc=self.pc[:],
            reg=self.reg[:],
            failures=set(self.failures),
        )

    def state(self) -> Hashable:
        """Everything a user could see at the end."""
        return (*self.v, self.hidden, *self.owner, *self.pc, *self.reg, frozenset(self.failures))

    def pending(self, task: int) -> Instruction | None:
        """The instruction that `task` stands before; None: not started or ended."""
        return None if self.pc[task] < 0 else self.source.tasks[task][self.pc[task]]

    def cells(self, task: int) -> tuple[tuple[Hashable, ...], tuple[Hashable, ...]]:
        """What the next instruction of `task` reads and writes if it runs now."""
        what, *rest = self.source.tasks[task][self.pc[task]]
        if what in ("read", "touch read"):
            return (("v", rest[0]),), ()
        if what in ("write", "store", "touch write"):
            return (), (("v", rest[0]),)
        if what in ("add", "consume"):
            return (("v", rest[0]),), (("v", rest[0]),)
        if what == "wait":
            return tuple(("v", cell) for cell, _ in rest[1]), ()
        if what == "read through":
            return (("v", 0), ("v", 2 + self.v[0] % 2)), ()
        if what == "write through":
            return (("v", 0),), (("v", 2 + self.v[0] % 2),)
        if what in ("read lock", "read unlock"):
            return (("m", rest[0]),), ()
        if what in ("lock", "unlock", "try lock"):
            return (), (("m", rest[0]),)
        return (), ()  # "spawn", "nothing", "begin", "guess"

    def is_ready(self, task: int) -> bool:
        """Whether the next instruction of `task` can run now."""
        what, *rest = self.source.tasks[task][self.pc[task]]
        if what in ("wait", "guess"):
            holds = [self.v[cell] == value for cell, value in rest[1]]
            return all(holds) if rest[0] == "all" else any(holds)
        if what == "consume":
            return self.v[rest[0]] > 0
        if what == "lock":
            return self.owner[rest[0]] < 0 and not self.readers[rest[0]]
        if what == "read lock":
            return self.owner[rest[0]] < 0
        return True

    def is_guarded(self, task: int) -> bool:
        """Whether the next instruction of `task` may have to wait."""
        return self.source.tasks[task][self.pc[task]][0] in ("wait", "guess", "consume", "lock", "read lock")

    def step(self, task: int) -> None:
        """Run the next instruction of `task` and what follows it locally."""
        what, *rest = self.source.tasks[task][self.pc[task]]
        self.pc[task] += 1
        if what in ("read", "touch read"):
            self.reg[task] = self.v[rest[0]]
        elif what in ("write", "touch write"):
            self.v[rest[0]] = rest[1]
        elif what == "store":
            self.v[rest[0]] = self.reg[task] + rest[1]
        elif what == "add":
            self.v[rest[0]] += rest[1]
            self.reg[task] = self.v[rest[0]]
        elif what == "consume":
            self.v[rest[0]] -= 1
        elif what == "read through":
            self.reg[task] = self.v[2 + self.v[0] % 2]
        elif what == "write through":
            self.v[2 + self.v[0] % 2] = rest[0]
        elif what == "lock":
            self.owner[rest[0]] = task
        elif what == "try lock":
            is_free = self.owner[rest[0]] < 0 and not self.readers[rest[0]]
            self.reg[task] = int(is_free)
            if is_free:
                self.owner[rest[0]] = task
        elif what == "unlock":
            self.owner[rest[0]] = -1
        elif what == "read lock":
            self.readers[rest[0]] += 1
        elif what == "read unlock":
            self.readers[rest[0]] -= 1
        elif what == "spawn":
            self.pc[rest[0]] = 0
            self.settle(rest[0])
        self.settle(task)

    def settle(self, task: int) -> None:
        """Run local instructions of `task` until it stands before one that others can see, or has ended."""
        while self.pc[task] >= 0:
            what, *rest = self.source.tasks[task][self.pc[task]]
            if what == "end":
                self.pc[task] = -2
            elif what == "jump unless":
                value, target = rest
                self.pc[task] = self.pc[task] + 1 if self.reg[task] == value else target
            elif what in ("peek", "poke", "check"):
                if what == "peek":
                    self.reg[task] = self.hidden
                elif what == "poke":
                    self.hidden = rest[0]
                elif self.reg[task] == rest[0]:
                    self.failures.add(f"task {task} saw {rest[0]}")
                self.pc[task] += 1
            else:
                return

    def breaks_always(self) -> bool:
        """Whether the predicate of the program fails in this state."""
        if self.source.always is None:
            return False
        a, b, value = self.source.always
        return self.v[a] + self.v[b] == value


# Programs that once showed a bug in the explorer, shortened; `generate` knows them as -1, -2 and so on.
KEPT = (
    Source(((("write", 0, 0), ("end",)), (("read", 2), ("end",)), (("read through",), ("write through", 2), ("end",))), 3),
    Source(
        (
            (("spawn", 3), ("write", 0, 1), ("end",)),
            (("read through",), ("end",)),
            (("read", 0), ("end",)),
            (("read", 0), ("end",)),
        ),
        3,
    ),
    Source(
        (
            (("read lock", 1), ("write", 0, 1), ("read unlock", 1), ("end",)),
            (("write", 1, 2), ("read through",), ("end",)),
            (("store", 2, 2), ("end",)),
        ),
        3,
    ),
    Source(
        (
            (("write through", 0), ("read", 3), ("end",)),
            (("write", 2, 2), ("end",)),
            (("read through",), ("jump unless", 0, 3), ("write", 0, 1), ("read through",), ("end",)),
        ),
        3,
    ),
)


def generate(seed: int) -> Source:
    """Return the program of a seed: two or three tasks of a few instructions, sometimes one that is spawned."""
    if seed < 0:
        return KEPT[-1 - seed]
    random = Random(seed)
    started = random.choice((2, 2, 2, 3, 3))
    length = {2: 6, 3: 4}[started]
    style = random.choice(("all", "all", "locks", "guards", "plain", "routes", "hidden", "guess"))
    bodies = [_block(random, random.randint(1, length), style, 0) for _ in range(started)]
    if random.random() < 0.15:
        bodies.append(_block(random, random.randint(1, 2), style, 0))
        bodies[0].insert(random.randint(0, len(bodies[0])), ("spawn", started))
    always = None
    if random.random() < 0.2:
        a, b = random.sample(range(CELLS), 2)
        always = (a, b, random.randint(1, 3))
    implicit = frozenset(n for n, body in enumerate(bodies) if "peek" in str(body) or "poke" in str(body))
    for n in implicit:
        bodies[n].insert(0, ("begin",))
    idle = frozenset([random.randrange(len(bodies))] if random.random() < 0.04 else [])
    return Source(tuple(_flat(body) for body in bodies), started, always, implicit, idle)


_FIELDS = {
    "read": "cell",
    "consume": "cell",
    "write through": "value",
    "poke": "value",
    "peek": "",
    "read through": "",
    "nothing": "",
}
_KINDS = {
    "plain": ("read", "write", "write", "store", "add", "if", "check", "touch", "nothing"),
    "locks": ("read", "write", "store", "lock", "lock", "lock", "read lock", "try", "if", "check"),
    "guards": ("read", "write", "write", "write", "wait", "wait", "add", "consume", "if", "check"),
    "routes": ("write through", "read through", "write", "write0", "write0", "read", "check", "if"),
    "hidden": ("read", "write", "peek", "poke", "poke", "lock", "wait", "if", "check"),
    "guess": ("write", "write", "guess", "wait", "read", "lock", "add"),
    "all": ("read", "write", "store", "add", "lock", "read lock", "try", "wait", "write0", "read through", "write through", "if"),
}


def _block(random: Random, length: int, style: str, depth: int) -> list[Any]:
    """A list of instructions; an inner list is a block that needs jumps."""
    block: list[Any] = []
    while len(block) < length:
        kind = random.choice(_KINDS[style])
        cell, value = random.randrange(CELLS if style not in ("guards", "guess") else 2), random.randint(0, 2)
        if kind in _FIELDS or kind in ("write", "store", "add"):
            fields = {name: (cell,) * (which == "cell") + (value,) * (which == "value") for name, which in _FIELDS.items()}
            block.append((kind, *fields.get(kind, (cell, value))))
        elif kind == "write0":
            block.append(("write", 0, random.randrange(2)))
        elif kind == "touch":
            block.append((f"touch {random.choice(('read', 'write'))}", cell, value))
        elif kind in ("wait", "guess"):
            pairs = tuple((random.randrange(2), random.randint(0, 2)) for _ in range(random.choice((1, 1, 2))))
            block.append((kind, random.choice(("all", "any")), pairs))
        elif kind == "check":
            block.append(("check", value))
        elif depth < 2 and kind in ("lock", "read lock", "try", "if"):
            inner = _block(random, random.randint(1, 2), style, depth + 1)
            lock = random.randrange(LOCKS)
            if kind == "lock":
                block += [("lock", lock), *inner, ("unlock", lock)]
            elif kind == "read lock":
                block += [("read lock", lock), *inner, ("read unlock", lock)]
            elif kind == "try":
                block += [("try lock", lock), [1, *inner, ("unlock", lock)]]
            else:
                block.append([value, *inner])
    return block


def _flat(block: list[Any], base: int = 0, *, is_inner: bool = False) -> Code:
    """Turn inner blocks into jumps; an inner block begins with the register value it needs."""
    code: list[Instruction] = []
    for item in block:
        if isinstance(item, list):
            inner = _flat(item[1:], base + len(code) + 1, is_inner=True)
            code += [("jump unless", item[0], base + len(code) + 1 + len(inner)), *inner]
        else:
            code.append(item)
    return tuple(code) if is_inner else (*code, ("end",))
