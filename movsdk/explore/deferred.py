"""Code that others start: work queues and interrupt lines, each a task that waits for something to do.

Twin: ``struct work_struct`` with kernel/workqueue.c, ``request_irq()`` with kernel/irq. Simplified: one worker a queue, one
handler a line, a handler may run at any moment its line lets it (no CPU masks its own interrupts).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

from attrs import define, field

from movsdk.errors import BadInput
from movsdk.explore import current
from movsdk.explore.footprint import ANY, Claim, Mark
from movsdk.explore.tasks import World
from movsdk.points import checkpoint

_SLEEP: Final = Mark("sleep", sleeps=True)
_ENTER: Final = Mark("enter")
_LEAVE: Final = Mark("leave")


@define(eq=False)
class Work:
    """A function that a queue calls later, at most once for each time it was queued."""

    name: str
    function: Callable[[], object]
    _is_pending: bool = field(default=False, init=False)
    _is_running: bool = field(default=False, init=False)
    _queue: WorkQueue | None = field(default=None, init=False, repr=False)  # the first that it was handed to

    @property
    def is_pending(self) -> bool:
        """Whether it was queued and has not begun."""
        self._seen()
        return self._is_pending

    @property
    def is_running(self) -> bool:
        """Whether the worker runs it."""
        self._seen()
        return self._is_running

    def _seen(self) -> None:
        current.looked_at(self.name, (ANY,) if self._queue is None else self._queue._cells)

    def __str__(self) -> str:
        return self.name


@define(eq=False)
class WorkQueue:
    """Work in the order it was queued, done by a worker task of its own.

    >>> from movsdk.explore import explore
    >>> def program(world):
    ...     queue, done = WorkQueue(world, "wq"), []
    ...     work = Work("reset", lambda: done.append(1))
    ...     world.spawn("driver", lambda: (queue.queue(work), queue.flush(work)))
    ...     world.finally_("the work was done", lambda: done == [1])
    >>> explore(program).verdict
    'proved'
    """

    world: World = field(repr=False)
    name: str
    _todo: list[Work] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.world.spawn(f"{self.name} worker", self._serve, daemon=True)

    def queue(self, work: Work) -> bool:
        """Let the worker call ``work.function``. Returns False if it was queued already (``queue_work()``)."""
        checkpoint(f"queue {work} on {self.name}", self._cells, self._cells)
        self._take_on(work)
        if work._is_pending:
            return False
        work._is_pending = True
        self._todo.append(work)
        return True

    def cancel(self, work: Work) -> bool:
        """Forget `work` unless it has begun; wait until it does not run (``cancel_work_sync()``). Returns if it was pending."""
        checkpoint(f"cancel {work}", self._cells, self._cells)
        self._take_on(work)
        was_pending = work._is_pending
        if was_pending:
            work._is_pending = False
            self._todo.remove(work)
        checkpoint(f"wait until {work} does not run", self._cells, (), lambda: not work._is_running)
        return was_pending

    def flush(self, work: Work) -> None:
        """Wait until `work` is neither pending nor running (``flush_work()``)."""
        self._take_on(work)
        checkpoint(f"flush {work}", self._cells, (), lambda: not work._is_pending and not work._is_running)

    def _take_on(self, work: Work) -> None:
        """Keep `work` to the queue that had it first: what is announced here says nothing to the users of another queue."""
        if work._queue not in (None, self):
            raise BadInput(f"work {work} belongs to {work._queue}, and is handed to {self}; give each queue works of its own")
        work._queue = self

    def __str__(self) -> str:
        return self.name

    @property
    def _cells(self) -> tuple[Hashable, ...]:
        return (("work queue", self.name),)

    def _serve(self) -> None:
        while True:
            checkpoint(f"{self.name} takes work", self._cells, self._cells, lambda: bool(self._todo))
            work = self._todo.pop(0)
            work._is_pending, work._is_running = False, True
            try:
                work.function()
            finally:
                checkpoint(f"{work} is done", (), self._cells)
                work._is_running = False


@define(eq=False)
class InterruptLine:
    """A line that hardware raises and a handler serves, in a context that may not sleep.

    >>> from movsdk.explore import explore
    >>> def program(world):
    ...     seen = []
    ...     line = InterruptLine(world, "irq 5", lambda: seen.append(1))
    ...     world.spawn("device", line.raise_)
    ...     world.finally_("served", lambda: seen == [1])
    >>> explore(program).verdict
    'proved'
    """

    world: World = field(repr=False)
    name: str
    handler: Callable[[], object]
    _is_raised: bool = field(default=False, init=False)
    _is_running: bool = field(default=False, init=False)
    _depth: int = field(default=0, init=False)  # of disable()
    _is_free: bool = field(default=False, init=False)
    _cells: tuple[Hashable, ...] = field(init=False, repr=False)
    _is_quiet: Claim = field(init=False, repr=False)
    _may_enter: Claim = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._cells = (("interrupt", self.name),)
        self._is_quiet = Claim(_SLEEP, lambda: not self._is_running)
        self._may_enter = Claim(_ENTER, lambda: self._is_raised and not self._depth and not self._is_free)
        self.world.spawn(self.name, self._serve, daemon=True)

    @property
    def is_raised(self) -> bool:
        """Whether hardware asked for service and the handler has not begun."""
        current.looked_at(self.name, self._cells)
        return self._is_raised

    @property
    def is_running(self) -> bool:
        """Whether the handler runs."""
        current.looked_at(self.name, self._cells)
        return self._is_running

    @property
    def depth(self) -> int:
        """How many `disable` calls keep the handler from starting."""
        current.looked_at(self.name, self._cells)
        return self._depth

    def raise_(self) -> None:
        """Ask for service; several requests before it comes are one."""
        checkpoint(f"raise {self.name}", (), self._cells)
        self._is_raised = True

    def disable(self) -> None:
        """Keep the handler from starting, and wait until it does not run (``disable_irq()``)."""
        self.disable_nosync()
        self.synchronize()

    def disable_nosync(self) -> None:
        """Keep the handler from starting; it may be running still."""
        checkpoint(f"disable {self.name}", (), self._cells)
        self._depth += 1

    def enable(self) -> None:
        """Take one `disable` back; what was raised meanwhile is served now."""
        checkpoint(f"enable {self.name}", (), self._cells)
        self._depth -= 1

    def synchronize(self) -> None:
        """Wait until the handler does not run (``synchronize_irq()``)."""
        checkpoint(f"synchronize {self.name}", self._cells, (), self._is_quiet)

    def free(self) -> None:
        """Never call the handler again, and wait until it does not run (``free_irq()``)."""
        checkpoint(f"free {self.name}", (), self._cells)
        self._is_free = True
        self.synchronize()

    def _serve(self) -> None:
        while True:
            checkpoint(f"{self.name} enters", self._cells, self._cells, self._may_enter)
            self._is_raised, self._is_running = False, True
            try:
                self.handler()
            finally:
                checkpoint(f"{self.name} leaves", (), self._cells, _LEAVE)
                self._is_running = False
