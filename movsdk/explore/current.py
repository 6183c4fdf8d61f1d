"""The step that is running: who runs it, what it touches besides what it announced, and what the timeline should say of it.

Twin: none. Every function here is a no-op outside a run, so that code under test may call them anywhere. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Protocol

from movsdk.points import checkpoint, is_watched, mention


class Running(Protocol):
    """What a run offers to the code it runs."""

    def note(self, text: str) -> None:
        """Remember `text` beside the step that is running."""

    def fail(self, name: str, message: str) -> None:
        """Record a failure of the step that is running; the task goes on."""

    def place(self) -> tuple[int, ...]:
        """Name what the running task makes next."""


_running: Running | None = None
_hears_values = False


def install(running: Running | None, *, hears_values: bool = False) -> None:
    """Make `running` the run that notes go to; None: nobody listens."""
    global _running, _hears_values  # one run a process, as in movsdk.points
    _running, _hears_values = running, hears_values


def told(value: object) -> None:
    """Say what the step read or wrote; shown as ``= value`` in a timeline. Costs nothing while no timeline is drawn."""
    if _hears_values and _running is not None:
        _running.note(f"= {value}")


def note(text: str) -> None:
    """Put `text` beside the running step in the timeline."""
    if _hears_values and _running is not None:
        _running.note(text)


def fail(name: str, message: str) -> None:
    """Report a failure without ending the task; outside a run nothing happens."""
    if _running is not None:
        _running.fail(name, message)


def touch(reads: Iterable[Hashable] = (), writes: Iterable[Hashable] = (), mark: Callable[[], bool] | None = None) -> None:
    """Say that the running step reads and writes these cells too; no other task may run here.

    For what is known only when the operation happens, such as the register an address leads to now.
    """
    if is_watched():
        checkpoint("", reads, writes, mark)


def looked_at(what: str, reads: Iterable[Hashable], writes: Iterable[Hashable] = ()) -> None:
    """Say that the running step looks at `what`, for attributes that are read without an operation of their own."""
    if is_watched():
        mention(f"look at {what}", reads, writes)


def place() -> tuple[int, ...]:
    """Where something is made: the same in every run, and another for each task and each call; () where nothing runs."""
    return () if _running is None else _running.place()
