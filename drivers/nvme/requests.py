"""The request layer: what callers asked for, kept in order, completed exactly once.

Twin: the small part of block/blk-mq.c that a pause needs: freeze, requeue, replay. Knows no registers and no memory: it hands
requests to a `Port` and hears the command's tag back. While it has no port, requests are held, not failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from attrs import define, field

from movsdk import Mutex

from .regs import Io

if TYPE_CHECKING:
    from movsdk import PciError

OnDone = Callable[["Request"], None]


@define(eq=False)
class Request:
    """One read, write or flush on its way.

    `lba` and `blocks` in blocks of 512 bytes; `payload` what a write carries, `data` what a read brought. `number` counts the
    requests of a queue in the order of submission, `issues` how often the drive got the command (above 1: it was requeued).
    """

    op: Io
    lba: int = 0
    blocks: int = 0
    payload: bytes = field(default=b"", repr=False)
    on_done: OnDone | None = field(default=None, repr=False)
    queue: int = field(default=0, init=False)
    number: int = field(default=-1, init=False)
    data: bytes = field(default=b"", init=False, repr=False)
    error: PciError | None = field(default=None, init=False)
    issues: int = field(default=0, init=False)
    completions: int = field(default=0, init=False)

    @property
    def is_done(self) -> bool:
        """True once it was answered, well or badly."""
        return self.completions > 0

    def result(self) -> bytes:
        """Return what a read brought (empty for others). Raises the `PciError` the request ended with."""
        if self.error is not None:
            raise self.error
        return self.data

    def complete(self, error: PciError | None = None, data: bytes = b"") -> None:
        """Answer it and tell the submitter. A second call is a bug of the driver: it is counted and told, never hidden."""
        self.completions += 1
        self.error, self.data = error, data
        if self.on_done is not None:
            self.on_done(self)

    def __str__(self) -> str:
        return f"{self.op.name.lower()} {self.number} of queue {self.queue}, blocks {self.lba}+{self.blocks}"


class Port(Protocol):
    """The way to the drive: one hardware queue pair."""

    def issue(self, request: Request) -> int | None:
        """Write the command into the queue and return its tag, or None if there is no room. The drive does not look yet."""

    def kick(self) -> None:
        """Tell the drive about everything issued since the last kick."""


@define(eq=False)
class RequestQueue:
    """Requests in submission order: `waiting` (held, or no room), then in flight by tag.

    `lock` keeps submitters, the interrupt and a pause apart; nobody waits inside, and no submitter is called inside.
    """

    index: int
    lock: Mutex = field(factory=lambda: Mutex("request queue"), repr=False)
    submitted: int = field(default=0, init=False)
    requeued: int = field(default=0, init=False)
    held: int = field(default=0, init=False)
    _waiting: deque[Request] = field(factory=deque, init=False, repr=False)
    _in_flight: dict[int, Request] = field(factory=dict, init=False, repr=False)
    _port: Port | None = field(default=None, init=False, repr=False)
    _dead: PciError | None = field(default=None, init=False, repr=False)

    def submit(self, request: Request) -> Request:
        """Accept `request`: pass it on, hold it while frozen, or answer it with the error the queue died of."""
        with self.lock.held():
            request.queue, request.number = self.index, self.submitted
            self.submitted += 1
            dead = self._dead
            if dead is None:
                self._waiting.append(request)
                self.held += self._port is None
                self._pump()
        if dead is not None:
            request.complete(dead)
        return request

    def freeze(self) -> None:
        """Pass nothing on from now; what is in flight may still complete."""
        with self.lock.held():
            self._port = None

    def thaw(self, port: Port) -> None:
        """Pass on what waits, oldest first, and everything later, through `port`. This is the replay."""
        with self.lock.held():
            self._port = port
            self._pump()

    def requeue(self) -> int:
        """Take back everything in flight, ahead of what waits, order kept. The drive must be quiet. Returns how many."""
        with self.lock.held():
            back = list(self._in_flight.values())
            self._in_flight.clear()
            self._waiting.extendleft(reversed(back))
            self.requeued += len(back)
        return len(back)

    def request(self, tag: int) -> Request | None:
        """Return the request in flight under `tag`, or None."""
        return self._in_flight.get(tag)

    def complete(self, tag: int, error: PciError | None, data: bytes = b"") -> None:
        """The drive answered `tag`: answer the request, then use the room."""
        with self.lock.held():
            request = self._in_flight.pop(tag)
        request.complete(error, data)
        with self.lock.held():
            self._pump()

    def fail(self, error: PciError) -> int:
        """Answer everything, oldest first, with `error`, and everything submitted later. Returns how many."""
        with self.lock.held():
            self._port, self._dead = None, error
            doomed = [*self._in_flight.values(), *self._waiting]
            self._in_flight.clear()
            self._waiting.clear()
        for request in doomed:
            request.complete(error)
        return len(doomed)

    def _pump(self) -> None:
        """Pass on as much as there is room for, with the lock held. The kick comes after the books are right: it may fault."""
        port = self._port
        if port is None or not self._waiting:
            return
        issued = False
        while self._waiting and (tag := port.issue(self._waiting[0])) is not None:
            request = self._waiting.popleft()
            request.issues += 1
            self._in_flight[tag] = request
            issued = True
        if issued:
            port.kick()

    @property
    def in_flight(self) -> int:
        """How many requests the drive has."""
        return len(self._in_flight)

    @property
    def waiting(self) -> int:
        """How many requests the drive does not have yet."""
        return len(self._waiting)

    def __iter__(self) -> Iterator[Request]:
        """Everything unanswered, oldest first."""
        yield from [*self._in_flight.values(), *self._waiting]
