"""A gate before a driver's I/O path: users pass freely, until somebody wants them all outside.

Twin: ``blk_queue_enter()``, ``blk_mq_freeze_queue()`` and ``blk_mark_disk_dead()`` (a ``percpu_ref``). Knows no tasks: whoever
listens at `movsdk.points` keeps a user waiting while the gate is frozen. In an ordinary run nobody can wait: a user gets EBUSY.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define, field

from movsdk.errors import ContractError, PciError
from movsdk.kernel.actor import might_sleep
from movsdk.points import checkpoint


@define(eq=False)
class Gate:
    """`name` is unique (``gpu0.io``), `users` are inside, `depth` counts those who keep others out.

    >>> gate = Gate("gpu0.io")
    >>> gate.freeze()
    >>> with gate.entered():
    ...     pass
    Traceback (most recent call last):
    movsdk.errors.PciError: [EBUSY] gpu0.io is frozen; try again after the rescan, or when it is awake
    """

    name: str
    users: int = field(default=0, init=False)
    depth: int = field(default=0, init=False)
    is_dead: bool = field(default=False, init=False)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be a user inside. Raises as `enter`."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def enter(self) -> None:
        """Become a user; under an explorer, wait while the gate is frozen.

        Raises:
            PciError: ENODEV (dead), EBUSY (frozen, and nobody else runs who could open it).
        """
        checkpoint(f"enter {self.name}", reads=self._cells, guard=self._is_passable)
        if self.is_dead:
            raise PciError(errno.ENODEV, f"{self.name} is closed for good: the device was removed")
        if self.depth:
            raise PciError(errno.EBUSY, f"{self.name} is frozen; try again after the rescan, or when it is awake")
        self.users += 1

    def leave(self) -> None:
        """Be a user no longer."""
        checkpoint(f"leave {self.name}", reads=self._cells)
        self.users -= 1

    def freeze(self) -> None:
        """Let nobody in, and wait until nobody is inside; each call needs one `unfreeze`.

        Raises:
            ContractError: a user is inside and cannot leave, because that user is us.
        """
        might_sleep(f"{self.name}.freeze")
        self._deepen(+1)
        try:
            self._wait()
        except ContractError:
            self.depth -= 1
            raise

    def unfreeze(self) -> None:
        """Take one `freeze` back.

        Raises:
            ContractError: nobody froze it.
        """
        self._deepen(-1)
        if self.depth < 0:
            self.depth = 0
            text = f"{self.name}: unfrozen, but nobody froze it; each unfreeze() undoes one freeze()"
            raise ContractError(text, gate=self.name)

    def kill(self) -> None:
        """Refuse every user from now on, those that wait included, and wait until nobody is inside. Raises as `freeze`."""
        checkpoint(f"kill {self.name}", writes=self._cells)
        self.is_dead = True
        self._wait()

    def _deepen(self, step: int) -> None:
        """Add to the depth, in one step."""
        checkpoint(f"{'freeze' if step > 0 else 'unfreeze'} {self.name}", writes=self._cells)
        self.depth += step

    def _wait(self) -> None:
        checkpoint(f"wait until {self.name} is empty", writes=self._cells, guard=self._is_empty)
        if self.users:
            text = f"{self.name}: frozen with {self.users} inside, in one task: it would wait for itself forever; leave first"
            raise ContractError(text, gate=self.name)

    @property
    def _cells(self) -> tuple[tuple[str, str]]:
        # Users only read it: they do not depend on each other.
        return (("gate", self.name),)

    def _is_passable(self) -> bool:
        return self.is_dead or not self.depth

    def _is_empty(self) -> bool:
        return not self.users
