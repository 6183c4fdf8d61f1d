"""A mutex of the kernel model: one owner, a class and a nesting level, and an announcement before each step.

Twin: ``struct mutex``, ``mutex_lock_nested()``. Knows no tasks: whoever listens at `movsdk.points` keeps a locker waiting until
the guard holds. Nobody listens in an ordinary run; there is one task then, and a mutex that is taken twice waits for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define, field, frozen

from movsdk.errors import InvariantBroken
from movsdk.kernel.actor import current_actor
from movsdk.points import checkpoint


@frozen
class Acquire:
    """The guard of ``lock``: holds while nobody owns `mutex`. `nesting` is the level inside the mutex's class."""

    mutex: Mutex
    nesting: int

    def __call__(self) -> bool:
        """Whether the mutex is free."""
        return self.mutex.owner is None


@define(eq=False)
class Mutex:
    """`name` is unique (``br0.enable_mutex``), `kind` the class that lock order goes by (default: its own).

    `owner` holds it; None: nobody.

    >>> mutex = Mutex("br0.enable_mutex", kind="enable_mutex")
    >>> with mutex.held():
    ...     mutex.lock()
    Traceback (most recent call last):
    movsdk.errors.InvariantBroken: br0.enable_mutex: locked by the kernel while the kernel holds it, in one task: ...
    """

    name: str
    kind: str = field(default="", kw_only=True)
    owner: str | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.kind = self.kind or self.name

    @property
    def cell(self) -> tuple[str, str]:
        """What `lock` and `unlock` write."""
        return ("mutex", self.name)

    @property
    def is_locked(self) -> bool:
        """Whether somebody holds it."""
        return self.owner is not None

    def lock(self, *, nesting: int = 0) -> None:
        """Wait until nobody holds it, and take it.

        Args:
            nesting: level inside the class, as in ``mutex_lock_nested()``; two of one class may be held at different levels.
        Raises:
            InvariantBroken: it is held and nobody can make us wait: a deadlock of our own task.
        """
        checkpoint(f"lock {self.name}", writes=(self.cell,), guard=Acquire(self, nesting))
        who = current_actor() or "the kernel"
        if self.owner is not None:
            text = f"{self.name}: locked by {who} while {self.owner} holds it, in one task: it would wait for itself forever"
            raise InvariantBroken(text, mutex=self.name, owner=self.owner)
        self.owner = who

    def unlock(self) -> None:
        """Give it back. Raises `InvariantBroken` if nobody holds it."""
        checkpoint(f"unlock {self.name}", writes=(self.cell,))
        if self.owner is None:
            who = current_actor() or "the kernel"
            raise InvariantBroken(f"{self.name}: unlocked by {who}, but nobody holds it", mutex=self.name)
        self.owner = None

    @contextmanager
    def held(self, *, nesting: int = 0) -> Iterator[None]:
        """Hold it inside."""
        self.lock(nesting=nesting)
        try:
            yield
        finally:
            self.unlock()
