"""Operations: what a task announces before it acts, as sets of cells that can be compared in two instructions.

Twin: none. A cell is any hashable value that is the same in every run (a name, not an `id()`). Two operations are dependent when
one writes a cell the other reads or writes; independent ones commute, and that is all the strategies know. Runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, Final

from attrs import define, field, frozen

from movsdk.errors import BadInput, MovError

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
    """

    action: str
    cell: Hashable = None
    kind: str | None = None
    nesting: int = 0
    sleeps: bool = False
    is_atomic: bool = False
    is_exclusive: bool = False

    def __call__(self) -> bool:
        """Hold; a mark keeps nobody waiting."""
        return True


@frozen
class Claim:
    """A guard that carries a `Mark`: the operation waits until `ready` and then means `mark`."""

    mark: Mark
    ready: Callable[[], bool]

    def __call__(self) -> bool:
        """Whether the operation can go on."""
        return self.ready()


@define(eq=False)
class Op:
    """One operation as announced, with its cells as bits: `r` read only, `w` written, `rw` both."""

    label: str
    reads: Cells
    writes: Cells
    implicit: Cells
    mark: Mark | None
    is_guarded: bool
    is_plain: bool  # announced without a guard or a mark
    number: int
    r: int
    w: int
    rw: int
    read_cells: tuple[int, ...]
    written_cells: tuple[int, ...]
    holds: int  # the cell of an exclusive lock that somebody holds after it, or -1
    is_idle: bool = False  # runs only when nobody else can
    is_live: bool = False  # its cells depend on what it sees
    seen: int = 0  # the cells it reads, written or not
    looks_anywhere: bool = False

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
    mask: int | None
    bit: int


@define(eq=False)
class Book:
    """Every operation ever announced in one exploration, each once: equal operations are one object."""

    uses_any: bool = False
    has_live: bool = False
    has_marks: bool = field(default=False, init=False)
    labels: dict[str, Op] = field(factory=dict, init=False)
    watches: dict[str, Watch] = field(factory=dict, init=False)
    _ops: dict[Hashable, Op] = field(factory=dict, init=False)
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
        mask = None if reads is None else self.mask(reads)
        known = self.watches.get(name)
        if known is None:
            if self._ops:
                raise BadInput(f"always {name!r} came after the first operation; name it while the world is set up")
            known = self.watches[name] = Watch(name, mask, 1 << self.cell(("always", name)))
        return known

    def op(
        self,
        label: str,
        reads: Iterable[Hashable],
        writes: Iterable[Hashable],
        implicit: Cells = (),
        guard: Callable[[], bool] | None = None,
        is_idle: bool = False,
        is_live: bool = False,
    ) -> Op:
        """Return the operation with these cells; `implicit` ones are read and written."""
        reads, writes = tuple(reads), tuple(writes)
        mark = guard.mark if isinstance(guard, Claim) else guard if isinstance(guard, Mark) else None
        is_guarded = guard is not None and not isinstance(guard, Mark)
        key = (label, reads, writes, implicit, mark, is_guarded, is_idle, is_live)
        found = self._ops.get(key)
        if found is None:
            found = self._ops[key] = self._new(*key)
        self.labels[label] = found
        return found

    def restored(self, *key: Any) -> Op:
        """Return the operation with these fields, which another book gave out."""
        return self._ops.get(key) or self._ops.setdefault(key, self._new(*key))

    def merged(self, op: Op, reads: Iterable[Hashable], writes: Iterable[Hashable], mark: Mark | None = None) -> Op:
        """Return `op` with more cells: what it touched while it ran."""
        more_reads = (*op.reads, *(cell for cell in reads if cell not in op.reads))
        more_writes = (*op.writes, *(cell for cell in writes if cell not in op.writes))
        mark = mark or op.mark
        is_live = op.is_live or more_reads != op.reads or more_writes != op.writes
        key = (op.label, more_reads, more_writes, op.implicit, mark, op.is_guarded, op.is_idle, is_live)
        found = self._ops.get(key)
        if found is None:
            found = self._ops[key] = self._new(*key)
        return found

    def _admit(self, any_cell: bool, live: bool) -> None:
        """Note what kinds of operations there are; a new kind makes the runs before it worthless."""
        if (any_cell and not self.uses_any) or (live and not self.has_live):
            self.uses_any, self.has_live = self.uses_any or any_cell, self.has_live or live
            raise Restart("a new kind of operation")

    def _new(
        self,
        label: str,
        reads: Cells,
        writes: Cells,
        implicit: Cells,
        mark: Mark | None,
        is_guarded: bool,
        is_idle: bool,
        is_live: bool,
    ) -> Op:
        r, w = self.mask(reads), self.mask(writes) | self.mask(implicit)
        looks_at_anything = is_idle or ANY in reads or ANY in writes or (is_guarded and not r | w)
        holds = self.cell(mark.cell) if mark is not None and mark.action in ("acquire", "busy") and mark.is_exclusive else -1
        self.has_marks = self.has_marks or mark is not None
        self._admit(looks_at_anything, is_live)
        if looks_at_anything:
            w |= 1 << self.cell(ANY)
        elif self.uses_any:
            r |= 1 << self.cell(ANY)
        for watch in self.watches.values():
            if watch.mask is None or w & watch.mask:
                w |= watch.bit
        seen = r | self.mask(implicit) | (1 << self.cell(ANY) if self.uses_any else 0)
        r &= ~w
        cells = _bits(r), _bits(w)
        number = len(self._ops)
        return Op(
            label,
            reads,
            writes,
            implicit,
            mark,
            is_guarded,
            number,
            r,
            w,
            r | w,
            *cells,
            holds,
            is_idle,
            is_live,
            seen,
            looks_at_anything,
        )


def _bits(mask: int) -> tuple[int, ...]:
    return tuple(bit for bit in range(mask.bit_length()) if mask >> bit & 1)
