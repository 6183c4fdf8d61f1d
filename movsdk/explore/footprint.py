"""Operations: what a task announces before it acts, as sets of cells that can be compared in two instructions.

Twin: none. A cell is any hashable value that is the same in every run (a name, not an `id()`). Two operations are dependent when
one writes a cell the other reads or writes; independent ones commute, and that is all the strategies know. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Final, NamedTuple

from attrs import define, field, frozen

from movsdk.errors import MovError

Cells = tuple[Hashable, ...]
ANY: Final = ("anything",)
"""The cell of an operation that cannot say what it looks at; dependent on every other operation."""


class Restart(MovError):
    """What was learnt in this run makes the runs before it worthless: begin again. Never seen by a user."""


@frozen
class Mark:
    """What an operation means to the oracles; passed where `checkpoint()` takes a guard (it is always ready).

    `action`: "acquire", "release", "busy" (tried in vain), "enter" and "leave" (between them nobody may sleep), or "sleep".
    `cell`: the lock's. `kind`: the lock's class, for the order of locks; None keeps it out. `nesting`: level inside the class.
    `is_atomic`: while held, nobody may sleep. `is_exclusive`: the guard is exactly "no operation before holds the cell".
    `waits`: whoever does it would have waited, had the lock been held, although there is no guard.
    """

    action: str
    cell: Hashable = None
    kind: str | None = None
    nesting: int = 0
    sleeps: bool = False
    is_atomic: bool = False
    is_exclusive: bool = False
    waits: bool = False

    def __call__(self) -> bool:
        """Hold; a mark keeps nobody waiting."""
        return True


@define(eq=False)
class Claim:
    """A guard that carries a `Mark`: the operation waits until `ready` and then means `mark`."""

    mark: Mark
    ready: Callable[[], bool]

    def __call__(self) -> bool:
        """Whether the operation can go on."""
        return self.ready()


class Announced(NamedTuple):
    """What was said of an operation; a plain value, that can be written down and sent."""

    label: str
    reads: Cells = ()
    writes: Cells = ()
    implicit: Cells = ()  # read and written
    mark: Mark | None = None
    is_guarded: bool = False
    is_idle: bool = False  # it runs only when nobody else can
    is_live: bool = False  # its cells depend on what it sees


@define(eq=False)
class Op:
    """One operation, with its cells as bits: `r` read only, `w` written, `rw` both; `seen` read, whether written or not."""

    said: Announced
    number: int
    r: int
    w: int
    seen: int
    holds: int = -1  # the cell of an exclusive lock that somebody holds after it, or -1
    looks_anywhere: bool = False

    label: str = field(init=False)
    reads: Cells = field(init=False)
    writes: Cells = field(init=False)
    implicit: Cells = field(init=False)
    mark: Mark | None = field(init=False)
    is_guarded: bool = field(init=False)
    is_idle: bool = field(init=False)
    is_live: bool = field(init=False)
    rw: int = field(init=False)
    read_cells: tuple[int, ...] = field(init=False)
    written_cells: tuple[int, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        # Copies, because the inner loops ask for them a million times a second.
        self.label, self.reads, self.writes, self.implicit, self.mark, self.is_guarded, self.is_idle, self.is_live = self.said
        self.rw = self.r | self.w
        self.read_cells, self.written_cells = _bits(self.r), _bits(self.w)

    def conflicts(self, other: Op) -> bool:
        """Whether the order of the two matters."""
        return bool(self.w & other.rw or self.r & other.w)

    def described(self) -> str:
        """The label and the cells."""
        return f"{self.label!r} (reads {list(self.reads)}, writes {list(self.writes)})"

    def __str__(self) -> str:
        return self.label


@frozen
class Watch:
    """A predicate that is looked at after every step: every step that can change it writes `bit`."""

    name: str
    reads: Cells | None
    mask: int | None
    bit: int


@define(eq=False)
class Book:
    """Every operation ever announced in one exploration, each once: equal operations are one object."""

    uses_any: bool = False
    has_live: bool = False
    has_marks: bool = field(default=False, init=False)
    plain: dict[str, Op] = field(factory=dict, init=False)  # the last operation of each label
    guarded: dict[str, Op] = field(factory=dict, init=False)  # and with a guard or a mark
    watches: dict[str, Watch] = field(factory=dict, init=False)
    ops: dict[Announced, Op] = field(factory=dict, init=False)
    _cells: dict[Hashable, int] = field(factory=dict, init=False)

    @property
    def cell_count(self) -> int:
        """How many cells have been named so far."""
        return len(self._cells)

    def cell(self, cell: Hashable) -> int:
        """The number of a cell."""
        return self._cells.setdefault(cell, len(self._cells))

    def mask(self, cells: Iterable[Hashable]) -> int:
        """Cells as bits."""
        bits = 0
        for cell in cells:
            bits |= 1 << self.cell(cell)
        return bits

    def watch(self, name: str, reads: Iterable[Hashable] | None) -> Watch:
        """Make every step that writes one of `reads` (None: every step) dependent on every other such step."""
        known = self.watches.get(name)
        if known is None:
            cells = None if reads is None else tuple(reads)
            mask = None if cells is None else self.mask(cells)
            known = self.watches[name] = Watch(name, cells, mask, 1 << self.cell(("always", name)))
            if self.ops:
                raise Restart(f"always {name!r} is new to operations made before")
        return known

    def renewed(self) -> Book:
        """Return an empty book that knows the predicates and the kinds of operations there will be."""
        book = Book(self.uses_any, self.has_live)
        for name, watch in self.watches.items():
            book.watch(name, watch.reads)
        return book

    def op(self, said: Announced) -> Op:
        """Return the operation of which this was said."""
        found = self.ops.get(said)
        if found is None:
            found = self.ops[said] = self._new(said)
        return found

    def merged(self, op: Op, reads: Iterable[Hashable], writes: Iterable[Hashable], mark: Mark | None = None) -> Op:
        """Return `op` with more cells: what it touched while it ran."""
        more_reads = (*op.reads, *(cell for cell in reads if cell not in op.reads))
        more_writes = (*op.writes, *(cell for cell in writes if cell not in op.writes))
        is_live = op.is_live or more_reads != op.reads or more_writes != op.writes
        return self.op(op.said._replace(reads=more_reads, writes=more_writes, mark=mark or op.mark, is_live=is_live))

    def _new(self, said: Announced) -> Op:
        r, w = self.mask(said.reads), self.mask(said.writes) | self.mask(said.implicit)
        looks_anywhere = said.is_idle or ANY in said.reads or ANY in said.writes or (said.is_guarded and not r | w)
        self._admit(said, looks_anywhere)
        if looks_anywhere:
            w |= 1 << self.cell(ANY)
        elif self.uses_any:
            r |= 1 << self.cell(ANY)
        for watch in self.watches.values():
            if watch.mask is None or w & watch.mask:
                w |= watch.bit
        seen = r | self.mask(said.implicit) | (1 << self.cell(ANY) if self.uses_any else 0)
        mark = said.mark
        holds = self.cell(mark.cell) if mark is not None and mark.action in ("acquire", "busy") and mark.is_exclusive else -1
        return Op(said, len(self.ops), r & ~w, w, seen, holds, looks_anywhere)

    def _admit(self, said: Announced, looks_anywhere: bool) -> None:
        """Note what kinds of operations there are; a new kind can make the runs before it worthless."""
        self.has_marks = self.has_marks or said.mark is not None
        if (looks_anywhere and not self.uses_any) or (said.is_live and not self.has_live):
            self.uses_any, self.has_live = self.uses_any or looks_anywhere, self.has_live or said.is_live
            raise Restart("a new kind of operation")


def announced(
    label: str,
    reads: Iterable[Hashable],
    writes: Iterable[Hashable],
    implicit: Cells,
    guard: Callable[[], bool] | None,
    *,
    is_idle: bool = False,
    is_live: bool = False,
) -> Announced:
    """Make the value of what was said at a checkpoint."""
    mark = guard.mark if isinstance(guard, Claim) else guard if isinstance(guard, Mark) else None
    is_guarded = guard is not None and not isinstance(guard, Mark)
    return Announced(label, tuple(reads), tuple(writes), implicit, mark, is_guarded, is_idle, is_live)


def _bits(mask: int) -> tuple[int, ...]:
    return tuple(bit for bit in range(mask.bit_length()) if mask >> bit & 1)
