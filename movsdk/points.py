"""Checkpoints: the places where another task may run.

Every operation at the seam and every kernel primitive announces itself *before* it happens: a label, the cells it reads,
the cells it writes, and a guard that says when it can go on. Without an explorer this is one test of a module variable.
Cells are hashable values, for example ``("config", bus, devfn, offset)``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol


class Listener(Protocol):
    """What an explorer installs to hear every checkpoint."""

    def __call__(
        self,
        label: str,
        reads: Iterable[Hashable],
        writes: Iterable[Hashable],
        guard: Callable[[], bool] | None,
    ) -> None:
        """Called before the operation; may switch to another task."""


Scope = Callable[[Hashable], AbstractContextManager[None]]

_listener: Listener | None = None
_scope: Scope | None = None
_NOTHING: Final = nullcontext()


def checkpoint(
    label: str,
    reads: Iterable[Hashable] = (),
    writes: Iterable[Hashable] = (),
    guard: Callable[[], bool] | None = None,
) -> None:
    """Announce an operation. A no-op unless somebody listens."""
    if _listener is not None:
        _listener(label, reads, writes, guard)


def mentioned() -> bool:
    """The guard of what is `mention`-ed."""
    return True


def mention(label: str, reads: Iterable[Hashable] = (), writes: Iterable[Hashable] = ()) -> None:
    """Say what memory the step that runs looks at or changes: no operation, unless a task begins with it."""
    if _listener is not None:
        _listener(label, reads, writes, mentioned)


def install(listener: Listener | None) -> Listener | None:
    """Make `listener` hear every checkpoint; None stops it. Returns the one before, to be put back."""
    global _listener  # noqa: PLW0603  one explorer a process: a parameter on every seam call would cost each access
    before = _listener
    _listener = listener
    return before


def inside(cell: Hashable) -> AbstractContextManager[None]:
    """Inside, code runs whose state nobody declares: each of its steps reads and writes `cell`, if somebody wants to know."""
    return _NOTHING if _scope is None else _scope(cell)


def install_scope(scope: Scope | None) -> Scope | None:
    """Make `scope` be asked by `inside`; None stops it. Returns the one before, to be put back."""
    global _scope  # noqa: PLW0603  as above
    before = _scope
    _scope = scope
    return before


def is_watched() -> bool:
    """True while an explorer listens; lets callers skip building footprints."""
    return _listener is not None
