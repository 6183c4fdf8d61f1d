"""Announcements in a kernel developer's words: between kernel and silicon, which announce, and the explorer, which listens.

Twin: the text of a trace point. It names config cycles by register (``R br0.COMMAND``), tells their values to the timeline, hands
the kernel's mutexes to the explorer as locks, and lets `checks` look at each operation when it happens. Changes no cell.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Final

from attrs import define, field

from mockbus.topology import Machine
from movsdk import points
from movsdk.explore import current
from movsdk.explore.footprint import Claim, Mark
from movsdk.kernel.mutex import Acquire
from movsdk.pci_regs import COMMAND, COMMAND_IO, COMMAND_MASTER, COMMAND_MEMORY

Cells = tuple[Hashable, ...]
Check = Callable[[str, Cells, Cells], None]
_BITS: Final = ((COMMAND_IO, "IO"), (COMMAND_MEMORY, "MEMORY"), (COMMAND_MASTER, "MASTER"))
_STATE: Final = ("enable_cnt", "is_busmaster")
_CONFIG: Final = {"config_read": "R", "config_write": "W"}


def command_text(value: int) -> str:
    """COMMAND in words.

    >>> command_text(6), command_text(0)
    ('6 (MEMORY|MASTER)', '0')
    """
    names = "|".join(name for bit, name in _BITS if value & bit)
    return f"{value:x} ({names})" if names else f"{value:x}"


@define(eq=False)
class Announcer:
    """Renames what `machine` and its kernel announce. `values` gives the text of a cell; a cell it does not know has none."""

    machine: Machine
    values: Callable[[Hashable], str | None] = field(default=lambda _cell: None)
    checks: list[Check] = field(factory=list)
    _inner: points.Listener | None = field(default=None, init=False, repr=False)
    _last: Hashable = field(default=None, init=False, repr=False)

    def listen(self) -> None:
        """Put itself before whoever listens now; whoever installed that one takes both away."""
        self._last = None
        self._inner = points.install(self)

    def __call__(
        self, label: str, reads: Iterable[Hashable], writes: Iterable[Hashable], guard: Callable[[], bool] | None
    ) -> None:
        """Hear an operation, pass it on in words, and look at it as soon as its turn has come."""
        reads, writes = tuple(reads), tuple(writes)
        cell, words = self._named(label, reads, writes)
        self.tell()
        if self._inner is not None:
            self._inner(words, reads, writes, _locked(label, writes, guard))
        self._last = cell
        for check in self.checks:
            check(label, reads, writes)

    def tell(self) -> None:
        """Say what the operation that happened last read or wrote."""
        cell, self._last = self._last, None
        if cell is not None and (value := self._value(cell)) is not None:
            current.told(value)

    def _value(self, cell: Hashable) -> str | None:
        if isinstance(cell, tuple) and cell[0] == "config":
            return command_text(self.machine.function(cell[1]).command)
        return self.values(cell)

    @staticmethod
    def _named(label: str, reads: Cells, writes: Cells) -> tuple[Hashable, str]:
        """The cell whose value is worth telling, and the operation in words."""
        if label in _CONFIG:
            for cell in (*writes, *reads):
                if isinstance(cell, tuple) and cell[0] == "config":
                    name = "COMMAND" if cell[2] == COMMAND else f"config {cell[2]:#x}"
                    return cell if cell[2] == COMMAND else None, f"{_CONFIG[label]} {cell[1]}.{name}"
            return None, label
        for cell in (*writes, *reads):
            if isinstance(cell, tuple) and cell[0] in _STATE:
                return cell, label.replace(cell[0], f"{cell[1]}.{cell[0]}")
        return None, label


def _locked(label: str, writes: Cells, guard: Callable[[], bool] | None) -> Callable[[], bool] | None:
    """The explorer's word for what a kernel mutex does; anything else as it is."""
    if isinstance(guard, Acquire):
        mutex = guard.mutex
        mark = Mark("acquire", mutex.cell, mutex.kind, guard.nesting, sleeps=True, is_exclusive=True)
        return Claim(mark, guard)
    if guard is None and label.startswith("unlock ") and writes and isinstance(writes[0], tuple) and writes[0][0] == "mutex":
        return Mark("release", writes[0])
    return guard
