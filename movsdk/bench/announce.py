"""Announcements in a kernel developer's words: between kernel and silicon, which announce, and the explorer, which listens.

Twin: the text of a trace point. It names config cycles by register (``R br0.COMMAND``), makes one operation of what an access
announces (the driver its meaning, silicon its way, the sanitizer its second look), tells values to the timeline, hands
the kernel's mutexes over as locks, and lets `checks` look at operations as they happen.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

from attrs import define, evolve, field, frozen

from mockbus.topology import Machine
from movsdk import points
from movsdk.bench.world import World
from movsdk.explore import current
from movsdk.explore.footprint import Claim, Mark
from movsdk.kernel.mutex import Acquire
from movsdk.ops import FaultKind
from movsdk.pci_regs import COMMAND, COMMAND_IO, COMMAND_MASTER, COMMAND_MEMORY, VENDOR_ID

Cells = tuple[Hashable, ...]
_FIXED: Final = (tuple, list, set, frozenset)
Check = Callable[[str, Cells, Cells], None]
_BITS: Final = ((COMMAND_IO, "IO"), (COMMAND_MEMORY, "MEMORY"), (COMMAND_MASTER, "MASTER"))
_CONFIG: Final = {"config_read": "R", "config_write": "W"}
_STATE: Final = ("enable_cnt", "is_busmaster")
_ACCESSES: Final = ("mem_read", "mem_write", "io_read", "io_write")
_UNANSWERED: Final = (FaultKind.NO_DECODER, FaultKind.DECODE_OFF, FaultKind.WINDOW_CLOSED)
_REQUESTS: Final = {"dma_read": "DMA read", "dma_write": "DMA write", "message": "interrupt message"}


def command_text(value: int) -> str:
    """COMMAND in words.

    >>> command_text(6), command_text(0)
    ('6 (MEMORY|MASTER)', '0')
    """
    names = "|".join(name for bit, name in _BITS if value & bit)
    return f"{value:x} ({names})" if names else f"{value:x}"


@frozen
class Words:
    """An announcement in words. `told`: the cell whose value is worth telling. `is_meant`: what a driver means by an access."""

    label: str
    reads: Cells
    writes: Cells
    told: Hashable = None
    is_meant: bool = False
    is_access: bool = False
    is_vendor: bool = False  # a read of the vendor id
    unlocks: Mark | None = None


@define(eq=False)
class Announcer:
    """Renames what `machine` and its kernel announce. `values` gives the text of a kernel cell such as ("enable_cnt", "br0").

    `covers_drivers`: what a device does with memory meets each step of its driver, which may have kept a view of that memory.
    """

    machine: Machine
    values: Callable[[Hashable], str] | None = None
    checks: list[Check] = field(factory=list)
    covers_drivers: bool = field(default=False, kw_only=True)
    _inner: points.Listener | None = field(default=None, init=False, repr=False)
    _told: Hashable = field(default=None, init=False, repr=False)
    _meant: Words | None = field(default=None, init=False, repr=False)
    _faults: int | None = field(default=None, init=False, repr=False)  # how many there were before the access that happened last
    _is_one_step: bool = field(default=False, init=False, repr=False)
    _known: dict[Hashable, Words] = field(factory=dict, init=False, repr=False)

    def listen(self) -> None:
        """Put itself before whoever listens now; whoever installed that one takes both away."""
        self._told = self._meant = self._faults = None
        self._inner = points.install(self)

    def __call__(
        self, label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Callable[[], bool] | None
    ) -> None:
        """Hear an operation, pass it on in words, and look at it as soon as its turn has come."""
        if not label or guard is points.mentioned:  # more cells of the operation that runs
            self._pass_on(label, reads, writes, guard)
            return
        is_fixed = type(reads) in _FIXED and type(writes) in _FIXED
        words = self._in_words(label, tuple(reads), tuple(writes))
        if words.is_meant:  # silicon announces the same access at once; nobody can come between
            self._meant = words
            return
        if self._is_second_look(words):
            return
        if self._meant is not None and words.is_access:
            reads, writes = _Both(self._meant.reads, reads), _Both(self._meant.writes, writes)
            words = self._joined(self._meant, words)
        self._meant = None
        self.tell()
        if is_fixed:
            reads, writes = words.reads, words.writes
        self._pass_on(words.label, reads, writes, words.unlocks or _as_lock(guard))
        self._told = words.told
        self._faults = len(self.machine.fabric.faults) if words.is_access else None
        for check in self.checks:
            check(label, words.reads, words.writes)

    def _pass_on(
        self, label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Callable[[], bool] | None
    ) -> None:
        if self._inner is not None:
            if self._is_one_step:
                self._inner("", reads, writes, None)
            else:
                self._inner(label, reads, writes, guard)

    @contextmanager
    def one_step(self) -> Iterator[None]:
        """Inside, what is announced belongs to the step that runs: nobody comes between what silicon decides and does."""
        self._is_one_step = True
        try:
            yield
        finally:
            self._is_one_step = False

    def tell(self) -> None:
        """Say what the operation that happened last read or wrote; it is the running task's own."""
        if self._told is not None:
            current.told(_Value(self, self._told))
            self._told = None

    def value(self, cell: Hashable) -> str:
        """The text of a cell now: COMMAND for ("config", label, ...), else what `values` says."""
        if isinstance(cell, tuple) and cell[0] == "config":
            return command_text(self.machine.function(cell[1]).command)
        return self.values(cell) if self.values is not None else ""

    def _is_second_look(self, words: Words) -> bool:
        """Whether the sanitizer reads the vendor after an access that nobody answered: no step of the driver's."""
        seen, self._faults = self._faults, None
        if seen is None or not words.is_vendor:
            return False
        return any(fault.by == "cpu" and fault.kind in _UNANSWERED for fault in self.machine.fabric.faults[seen:])

    def _in_words(self, label: str, reads: Cells, writes: Cells) -> Words:
        key = (label, reads, writes)
        words = self._known.get(key)
        if words is None:
            words = _in_words(label, reads, writes)
            if self.covers_drivers and label in _REQUESTS:
                own = (("hook", cell[1]) for cell in writes if isinstance(cell, tuple) and cell[0] == "device")
                words = evolve(words, writes=(*writes, *own))
            self._known[key] = words
        return words

    def _joined(self, meant: Words, way: Words) -> Words:
        key = (meant, way)
        words = self._known.get(key)
        if words is None:
            reads, writes = (*meant.reads, *way.reads), (*meant.writes, *way.writes)
            words = self._known[key] = Words(meant.label, reads, writes, is_access=True)
        return words


@frozen
class _Both:
    """Cells of which some are looked up again when the operation happens."""

    fixed: Cells
    live: Iterable[Hashable]

    def __iter__(self) -> Iterator[Hashable]:
        yield from self.fixed
        yield from self.live


@frozen
class _Value:
    """The value of a cell, looked up if somebody wants to see it."""

    announcer: Announcer
    cell: Hashable

    def __str__(self) -> str:
        return self.announcer.value(self.cell)


def _kind(cell: Hashable) -> Hashable:
    return cell[0] if isinstance(cell, tuple) and cell else None


def _in_words(label: str, reads: Cells, writes: Cells) -> Words:
    """What an announcement says, with the value that is worth telling."""
    if reads and _kind(reads[0]) == "paused":
        return Words(label, reads, writes, is_meant=True)
    if label.startswith(_ACCESSES):
        return Words(label, reads, writes, is_access=True)
    for cell in (*writes, *reads):
        if not isinstance(cell, tuple):
            continue
        if label in _CONFIG and cell[0] == "config":
            name, told = ("COMMAND", cell) if cell[2] == COMMAND else (f"config {cell[2]:#x}", None)
            is_vendor = label == "config_read" and cell[2] == VENDOR_ID
            return Words(f"{_CONFIG[label]} {cell[1]}.{name}", reads, writes, told, is_vendor=is_vendor)
        if cell[0] in _STATE:
            return Words(label.replace(cell[0], f"{cell[1]}.{cell[0]}"), reads, writes, cell)
        if cell[0] == "route" and label in _REQUESTS:
            return Words(f"{_REQUESTS[label]} by {cell[1]}", reads, writes)
        if cell[0] == "mutex" and label.startswith("unlock "):
            return Words(label, reads, writes, unlocks=Mark("release", cell))
    return Words(label, reads, writes)


@cache
def _lock_mark(cell: Hashable, kind: str, nesting: int) -> Mark:
    return Mark("acquire", cell, kind, nesting, sleeps=True, is_exclusive=True)


def _as_lock(guard: Callable[[], bool] | None) -> Callable[[], bool] | None:
    """The explorer's word for taking a kernel mutex; any other guard as it is."""
    if not isinstance(guard, Acquire):
        return guard
    return Claim(_lock_mark(guard.mutex.cell, guard.mutex.kind, guard.nesting), guard)


def kernel_values(world: World) -> Callable[[Hashable], str]:
    """The `values` of an `Announcer`: enable counts and flags of the devices that the kernel knows."""

    def value(cell: Hashable) -> str:
        label = cell[1] if isinstance(cell, tuple) else cell
        device = next((device for device in world.system.discovered if device.label == label), None)
        if device is None or not isinstance(cell, tuple):
            return "?"
        return str(device.row.enable_cnt if cell[0] == "enable_cnt" else int(device.is_busmaster))

    return value
