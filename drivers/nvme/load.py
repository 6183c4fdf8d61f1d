"""Load: continuous writes and verified reads on one drive, on the virtual clock.

Twin: a small fio job with ``verify``. Each lane has one request out and blocks of its own, so what a read must bring is known.
What happened stands in the ledger; it sets up no machine and moves no BAR.
"""

from __future__ import annotations

from collections.abc import Sequence
from errno import EINVAL
from functools import partial
from random import Random
from struct import Struct
from typing import TYPE_CHECKING

from attrs import define, field

from movsdk import ContractError, PciError

from .ledger import Ledger
from .regs import BLOCK, Io
from .requests import Request

if TYPE_CHECKING:
    from .controller import NvmeController

_STAMP = Struct("<QQ")  # which block this is, and which version of it


def stamped(lba: int, blocks: int, version: int) -> bytes:
    """Return content for `blocks` blocks from `lba` on that tells a reader where it belongs and how old it is.

    >>> len(stamped(7, 2, 1)), stamped(7, 2, 1)[512:528] == _STAMP.pack(8, 1)
    (1024, True)
    """
    return b"".join(_STAMP.pack(n, version) * (BLOCK // _STAMP.size) for n in range(lba, lba + blocks))


def describe(lba: int, found: bytes, expected: bytes) -> str:
    """Say what the first wrong block holds instead."""
    for n in range(len(expected) // BLOCK):
        part = slice(n * BLOCK, (n + 1) * BLOCK)
        if found[part] != expected[part]:
            _, want = _STAMP.unpack_from(expected, part.start)
            owner, version = _STAMP.unpack_from(found.ljust(len(expected)), part.start)
            return f"block {lba + n} holds version {version} of block {owner:#x}; version {want} was written"
    return "nothing differs"


@define(eq=False)
class Lane:
    """One request at a time on pieces of its own, the first at `lba`; `versions` holds the newest stamp of each."""

    load: Load
    lba: int
    queue: int
    random: Random
    version: int = 0
    versions: dict[int, int] = field(factory=dict, init=False)

    def go(self) -> None:
        """Submit the next request, unless the load was stopped."""
        load = self.load
        if not load.is_running:
            return
        lba = self.lba + self.random.randrange(load.slots) * load.blocks
        dice = self.random.random()
        if dice < load.flush_share:
            load.submit(self, Io.FLUSH)
        elif lba in self.versions and dice < load.read_share:
            load.submit(self, Io.READ, lba)
        else:
            self.version += 1
            load.submit(self, Io.WRITE, lba, self.version)


@define(eq=False)
class Load:
    """Keeps `queue_depth` requests out on a drive from `start` to `stop`.

    Args:
        blocks: blocks of 512 bytes in each request.
        slots: pieces of that size each lane works on.
        think: nanoseconds between an answer and the lane's next request.
        tires_after: nanoseconds after which it rests, a 32nd of its age each time: five seconds at a slot are not a million
            requests then. None: never.
        read_share, flush_share: how many of the requests are reads and flushes, 0 to 1; the rest are writes.

        load = Load(); load.start(dev.drvdata, seed=1, queue_depth=32)
        bench.force_move(dev)
        load.stop(); print(load.summary())
    """

    blocks: int = 8
    slots: int = 16
    think: int = 0
    tires_after: int | None = None
    read_share: float = 0.5
    flush_share: float = 0.02
    ledger: Ledger = field(factory=Ledger, init=False)
    is_running: bool = field(default=False, init=False)
    _controller: NvmeController | None = field(default=None, init=False, repr=False)
    _lanes: list[Lane] = field(factory=list, init=False, repr=False)
    _since: int = field(default=0, init=False, repr=False)
    _raised: list[str] = field(factory=list, init=False, repr=False)

    def start(self, controller: NvmeController, seed: int = 1, queue_depth: int = 32) -> None:
        """Begin. The same `seed` makes the same requests. Raises PciError EINVAL if the drive is too small for so many lanes."""
        size = self.blocks * self.slots
        who = controller.identity
        if who is None or not who.takes(size * queue_depth - self.blocks, self.blocks):
            raise PciError(
                EINVAL, f"{who}: {queue_depth} lanes of {self.slots} x {self.blocks} blocks do not fit; use fewer or smaller"
            )
        self._controller, self.is_running = controller, True
        # Stamps go on from the clock: what an earlier load left on the drive is never taken for this one's.
        self._since = now = controller.dev.clock.now
        queues = len(controller.queues)
        self._lanes = [Lane(self, n * size, n % queues, Random(f"{seed} {n}"), version=now) for n in range(queue_depth)]
        for lane in self._lanes:
            lane.go()

    def stop(self, timeout_ms: int = 1_000) -> None:
        """Submit nothing more, let what is out be answered, and close the ledger: what is still open then is lost."""
        self.is_running = False
        if self._controller is not None:
            self._controller.dev.clock.run_until(lambda: not self.ledger.outstanding, timeout_ms * 1_000_000)
        self.ledger.close()

    def verify(self) -> int:
        """Read back everything written and compare. Call it after `stop`; returns how many pieces were read."""
        pieces = [(lane, lba) for lane in self._lanes for lba in sorted(lane.versions)]
        for lane, lba in pieces:
            self.submit(lane, Io.READ, lba)
            self.stop()
        return len(pieces)

    @property
    def problems(self) -> Sequence[str]:
        """One line for each request that the driver raised at, lost, answered twice, out of order or with wrong data."""
        return [*self._raised, *self.ledger.complaints]

    def summary(self) -> str:
        """One line for people."""
        return self.ledger.summary()

    def submit(self, lane: Lane, op: Io, lba: int = 0, version: int = 0) -> None:
        """Hand one request to the driver; the ledger knows it before the driver does."""
        controller = self._controller
        if controller is None:
            return
        content = stamped(lba, self.blocks, version) if op is Io.WRITE else b""
        request = Request(op, lba, 0 if op is Io.FLUSH else self.blocks, content, partial(self._answered, lane, version))
        self.ledger.opens(request)
        controller.submit(request, lane.queue)

    def _answered(self, lane: Lane, version: int, request: Request) -> None:
        self.ledger.closes(request)
        if request.error is not None:
            lane.versions.pop(request.lba, None)  # a failed write leaves the old content, the new, or some of each
            return
        if request.op is Io.WRITE:
            lane.versions[request.lba] = version
        elif request.op is Io.READ:
            expected = stamped(request.lba, request.blocks, lane.versions[request.lba])
            if request.data != expected:
                self.ledger.differs(request, describe(request.lba, request.data, expected))
        if self._controller is not None and (rest := self._rest(self._controller.dev.clock.now - self._since)):
            self._controller.dev.clock.call_later(rest, partial(self._go_on, lane), "load")
        else:
            lane.go()

    def _go_on(self, lane: Lane) -> None:
        """The next request, as a program makes it: what the driver raises ends this program and no other."""
        try:
            lane.go()
        except (PciError, ContractError) as error:
            self._raised.append(f"a request of the load raised {type(error).__name__}: {error}")

    def _rest(self, age: int) -> int:
        """Nanoseconds that a lane waits before its next request, once the load has run for `age`."""
        return self.think + (max(0, age - self.tires_after) // 32 if self.tires_after is not None else 0)
