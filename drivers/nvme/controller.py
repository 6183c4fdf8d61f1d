"""One NVMe controller: bring it up through BAR 0, take it down so that nothing is lost, and up again elsewhere.

Twin: ``nvme_reset_work()`` and ``nvme_dev_disable()`` in drivers/nvme/host/pci.c. `start` and `stop` are the two halves of every
pause (rescan, suspend); each leaves a known state behind, whatever the hardware does. Decides nothing: see `driver` for when.
"""

from __future__ import annotations

from contextlib import ExitStack
from enum import Enum
from errno import EINVAL, EIO, ENODEV, ETIMEDOUT
from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field

from movsdk import Mutex, PciError

from .admin import AdminQueue, Identity, status_name
from .queues import Completion, QueuePair
from .registers import Registers
from .regs import BLOCK, Io
from .requests import OnDone, Request, RequestQueue

if TYPE_CHECKING:
    from movsdk import PciDev

WAIT_TIMEOUT_MS = 30_000
VENDOR_ID = 0  # config offset
NOBODY = 0xFFFF  # what an empty slot reads there


class State(Enum):
    """Where a controller is in its life."""

    STOPPED = "stopped"  # requests are held
    LIVE = "live"
    DEAD = "dead"  # requests fail


@define(eq=False)
class NvmeController:
    """A drive in use; `dev.drvdata` holds it.

    Args:
        io_queues: queue pairs wanted; the drive may grant fewer.
        depth: entries of each I/O queue; one less is the number of commands out at a time.
        drain_ms: how long `stop` lets requests in flight finish before it takes them back.
    `moves` lists (old, new) start addresses of BAR 0 in bytes, `troubles` what went wrong while stopping.
    """

    dev: PciDev
    io_queues: int = 2
    depth: int = 32
    drain_ms: int = 100
    state: State = field(default=State.STOPPED, init=False)
    identity: Identity | None = field(default=None, init=False)
    queues: list[RequestQueue] = field(factory=list, init=False)
    moves: list[tuple[int, int]] = field(factory=list, init=False)
    troubles: list[PciError] = field(factory=list, init=False)
    starts: int = field(default=0, init=False)
    is_paused: bool = field(default=False, init=False)
    is_asleep: bool = field(default=False, init=False)
    is_broken: bool = field(default=False, init=False)  # its link failed, a reset will follow
    lock: Mutex = field(init=False, repr=False)  # whoever starts or stops it holds it
    _address: int | None = field(default=None, init=False)
    _registers: Registers | None = field(default=None, init=False, repr=False)
    _admin: AdminQueue = field(init=False, repr=False)
    _pairs: list[QueuePair] = field(factory=list, init=False, repr=False)
    _held: ExitStack = field(factory=ExitStack, init=False, repr=False)
    _turn: int = field(default=0, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._admin = AdminQueue(self.dev)
        self.lock = Mutex(f"{self.dev}.shutdown_lock", kind="nvme shutdown_lock")

    # --- for callers -------------------------------------------------------------------------------

    def submit(self, request: Request, queue: int | None = None) -> Request:
        """Accept `request` for I/O queue `queue` (by turns if None); it is held while the controller is stopped.

        Raises PciError EINVAL for a range the drive does not have. A dead drive's requests are answered at once, with an error.
        """
        who = self.identity
        if request.op is not Io.FLUSH and (who is None or not who.takes(request.lba, request.blocks)):
            raise PciError(EINVAL, f"{self.dev.name}: blocks {request.lba}+{request.blocks}; a request to {who} has to fit")
        if queue is None:
            queue, self._turn = self._turn, (self._turn + 1) % len(self.queues)
        return self.queues[queue].submit(request)

    def submit_read(self, lba: int, blocks: int, on_done: OnDone | None = None) -> Request:
        """Ask for `blocks` blocks of 512 bytes from `lba` on. Raises as `submit`."""
        return self.submit(Request(Io.READ, lba, blocks, on_done=on_done))

    def submit_write(self, lba: int, content: bytes, on_done: OnDone | None = None) -> Request:
        """Ask to write `content`, whole blocks of 512 bytes, from `lba` on. Raises as `submit`."""
        if len(content) % BLOCK:
            raise PciError(EINVAL, f"{self.dev.name}: write of {len(content)} bytes; a block has {BLOCK}")
        return self.submit(Request(Io.WRITE, lba, len(content) // BLOCK, bytes(content), on_done))

    def flush(self, on_done: OnDone | None = None) -> Request:
        """Ask to make every write that was answered before now survive a power loss."""
        return self.submit(Request(Io.FLUSH, on_done=on_done))

    def wait(self, request: Request, timeout_ms: int = WAIT_TIMEOUT_MS) -> bytes:
        """Let time pass until `request` is answered; return what a read brought. Raises its error, or ETIMEDOUT."""
        if not self.dev.wait_for(lambda: request.is_done, timeout_ms):
            raise PciError(ETIMEDOUT, f"{self.dev.name}: {request} was not answered in {timeout_ms} ms ({self.state.value})")
        return request.result()

    @property
    def unanswered(self) -> int:
        """Requests accepted and not answered yet, in flight or held."""
        return sum(queue.in_flight + queue.waiting for queue in self.queues)

    # --- up ----------------------------------------------------------------------------------------

    @property
    def is_present(self) -> bool:
        """False once the drive was pulled: config space answers all-ones, and BAR 0 must not be touched."""
        return bool(self.dev.read_config_word(VENDOR_ID) != NOBODY)

    def start(self) -> None:
        """Map BAR 0 where it is now, reset the controller, rebuild the queues and replay what was held, in order.

        Raises PciError (no BAR, no drive, no answer) with everything undone and the requests still held.
        """
        if self.state is not State.STOPPED:
            return
        try:
            registers = self._claim()
            self._build(registers)
        except BaseException:
            self._let_go()
            raise
        self.state, self.starts = State.LIVE, self.starts + 1
        for queue, pair in zip(self.queues, self._pairs, strict=True):
            queue.thaw(pair)

    def _claim(self) -> Registers:
        """Enable the device and map BAR 0; notice a move."""
        dev, held = self.dev, self._held
        if not self.is_present:
            raise PciError(ENODEV, f"{dev.name}: the drive is gone (config space reads all-ones)")
        dev.enable_device()
        held.callback(dev.disable_device)
        dev.set_master()
        dev.request_regions("nvme")
        held.callback(dev.release_regions)
        bar = dev.iomap(0)
        held.callback(bar.iounmap)
        if self._address is not None and self._address != bar.start:
            self.moves.append((self._address, bar.start))
        self._address = bar.start
        self._registers = Registers(dev, bar)
        return self._registers

    def _build(self, registers: Registers) -> None:
        """Reset the controller, and give it its queues."""
        dev, held, admin = self.dev, self._held, self._admin
        registers.disable()
        vectors = dev.alloc_irq_vectors(1, 1 + self.io_queues)
        held.callback(dev.free_irq_vectors)
        for vector in range(vectors):
            dev.request_irq(vector, partial(self._interrupt, vector), f"nvme-q{vector}")
            held.callback(dev.free_irq, vector)
        admin.pair.attach(registers.bar, registers.stride)
        registers.enable(admin.pair)
        self._recognise(admin.identify())
        granted = admin.grant(len(self._pairs) or self.io_queues)
        if not self._pairs:
            depth = min(self.depth, registers.entries)
            self._pairs = [QueuePair(dev, n, depth) for n in range(1, granted + 1)]
            locks = (Mutex(f"{dev}.sq_lock{n}", kind="nvme sq_lock") for n in range(granted))
            self.queues = [RequestQueue(n, lock) for n, lock in enumerate(locks)]
        if granted < len(self._pairs):
            raise PciError(EIO, f"{dev.name}: the drive grants {granted} I/O queues now, it granted {len(self._pairs)} before")
        for pair in self._pairs:
            pair.vector = pair.index % vectors
            pair.attach(registers.bar, registers.stride)
            admin.create(pair)

    def _recognise(self, found: Identity) -> None:
        """Refuse to replay one drive's writes to another that sits in its slot now."""
        known = self.identity
        if known is not None and known != found:
            raise PciError(ENODEV, f"{self.dev.name}: this is drive {found.serial!r}, the requests are for {known.serial!r}")
        self.identity = found

    # --- at work -----------------------------------------------------------------------------------

    def _interrupt(self, vector: int) -> None:
        if vector == 0:
            self._admin.reap()
        for pair, queue in zip(self._pairs, self.queues, strict=True):
            if pair.vector == vector:
                self._reap(pair, queue)

    def _reap(self, pair: QueuePair, queue: RequestQueue) -> None:
        """Answer what the drive completed. What a submitter raises waits until all are answered: none may be lost."""
        found, raised = pair.reap(), None
        for completion in found:
            try:
                self._answer(pair, queue, completion)
            except Exception as error:
                raised = raised or error
        if found:
            pair.acknowledge()
        if raised is not None:
            raised.add_note(f"while {self.dev.name} answered {len(found)} requests of queue {queue.index}")
            raise raised

    def _answer(self, pair: QueuePair, queue: RequestQueue, completion: Completion) -> None:
        tag, status = completion.tag, completion.status
        request = queue.request(tag)
        if request is None:
            self.troubles.append(PciError(EIO, f"{self.dev.name}: the drive completed tag {tag}, which it was not given"))
            return
        data, error = b"", None
        if status:
            error = PciError(EIO, f"{self.dev.name}: {request} failed: {status_name(status)}")
        elif request.op is Io.READ:
            data = pair.data(tag, request.blocks * BLOCK)
        pair.recycle(tag)
        queue.complete(tag, error, data)

    # --- down --------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Let the drive finish or take its requests back, then let go of it: no DMA, no interrupt, no mapping after this.

        Never raises for what the hardware does: a drive that does not answer loses bus mastering, and `troubles` tells.
        """
        if self.state is not State.LIVE:
            return
        self.state = State.STOPPED
        for queue in self.queues:
            queue.freeze()
        try:
            if self.is_present:
                self._quiesce()
        except PciError as trouble:
            self.troubles.append(trouble)
        finally:
            self._let_go()

    def _quiesce(self) -> None:
        """Drain, delete the queues, shut down, disable."""
        registers = self._registers
        if registers is None:
            return
        drained = self.dev.wait_for(lambda: self._is_idle or not self.is_present, self.drain_ms)
        if not self.is_present:
            raise PciError(ENODEV, f"{self.dev.name}: the drive was pulled while its requests were draining")
        if drained:
            for pair in self._pairs:
                self._admin.delete(pair)
        try:
            registers.shut_down()  # also if it was too slow to drain: power may go, and the cache with it
        finally:
            registers.disable()

    @property
    def _is_idle(self) -> bool:
        return not any(queue.in_flight for queue in self.queues)

    def _let_go(self) -> None:
        """Undo `_claim` and `_build`, newest first; then take back what the drive did not finish."""
        self._registers = None
        for pair in (self._admin.pair, *self._pairs):
            pair.detach()
        try:
            self._held.close()
        finally:
            for pair, queue in zip(self._pairs, self.queues, strict=True):
                self._reap(pair, queue)  # it may have finished some without being heard
                queue.requeue()

    def fail(self, error: PciError) -> None:
        """Give up: stop, and answer every request, now and from now on, with `error`."""
        self.stop()
        self.state = State.DEAD
        for queue in self.queues:
            queue.fail(error)

    def free(self) -> None:
        """Give all host memory back; after `fail`."""
        for pair in self._pairs:
            pair.free()
        self._admin.free()
        self._pairs = []
