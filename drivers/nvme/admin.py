"""The admin queue: one command at a time, with a time limit.

Twin: ``nvme_submit_sync_cmd()`` on the admin queue and its users in drivers/nvme/host. Knows the commands a driver needs to
bring up I/O queues, and nothing of requests.
"""

from __future__ import annotations

from errno import EIO, ETIMEDOUT
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from movsdk import Mutex, PciError

from . import regs
from .queues import Completion, QueuePair
from .regs import Admin, Cns, Status

if TYPE_CHECKING:
    from movsdk import DmaBuffer, PciDev

DEPTH = 16
TIMEOUT_MS = 1_000


@frozen
class Identity:
    """Who the drive is: `blocks` of 512 bytes in its namespace, at most `max_blocks` in one command."""

    serial: str
    model: str
    blocks: int
    max_blocks: int

    def takes(self, lba: int, blocks: int) -> bool:
        """True if one command can cover these blocks."""
        return lba >= 0 and 1 <= blocks <= self.max_blocks and lba + blocks <= self.blocks

    def __str__(self) -> str:
        return f"drive {self.serial!r} of {self.blocks} blocks, {self.max_blocks} at a time"


def status_name(status: int) -> str:
    """Return the datasheet's name of a completion status, or its number."""
    return Status(status & 0x7FF).name if status & 0x7FF in list(Status) else f"status {status:#x}"


@define(eq=False)
class AdminQueue:
    """Queue 0 of a drive, and a page for what Identify returns."""

    dev: PciDev
    pair: QueuePair = field(init=False)
    lock: Mutex = field(init=False, repr=False)  # the interrupt and whoever polls read one ring
    _page: DmaBuffer = field(init=False, repr=False)
    _answers: dict[int, Completion] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.pair = QueuePair(self.dev, 0, DEPTH)
        self.lock = Mutex(f"{self.dev}.admin_lock", kind="nvme admin_lock")
        self._page = self.dev.dma_alloc_coherent(regs.IDENTIFY_SIZE)

    def reap(self) -> None:
        """Collect what the drive answered; called by the interrupt and by whoever waits."""
        with self.lock.held():
            found = self.pair.reap()
            for completion in found:
                self.pair.recycle(completion.tag)
                self._answers[completion.tag] = completion
            if found:
                self.pair.acknowledge()

    def command(self, opcode: Admin, *dwords: int, nsid: int = 0, address: int = 0) -> int:
        """Run one command and return its result dword. Raises PciError EIO (refused) or ETIMEDOUT (no answer)."""
        tag = self.pair.push(opcode, nsid, (address, 0), dwords)
        if tag is None:  # earlier ones timed out and still hold their tags
            raise PciError(ETIMEDOUT, f"{self.dev.name}: the admin queue is full of commands that were never answered")
        self._answers.pop(tag, None)
        self.pair.kick()

        def is_answered() -> bool:
            self.reap()
            return tag in self._answers

        if not self.dev.wait_for(is_answered, TIMEOUT_MS):
            raise PciError(ETIMEDOUT, f"{self.dev.name}: no answer to {opcode.name} in {TIMEOUT_MS} ms")
        answer = self._answers.pop(tag)
        if answer.status:
            raise PciError(EIO, f"{self.dev.name}: {opcode.name} failed: {status_name(answer.status)}")
        return answer.result

    def identify(self) -> Identity:
        """Ask who the drive is, and how large its namespace."""
        view = self._page.view
        self.command(Admin.IDENTIFY, Cns.CONTROLLER, address=self._page.address)
        _, _, serial, model, _ = regs.ID_CTRL_HEAD.unpack_from(view)
        mdts = view[regs.ID_CTRL_MDTS]
        self.command(Admin.IDENTIFY, Cns.NAMESPACE, nsid=regs.NSID, address=self._page.address)
        blocks = int.from_bytes(view[regs.ID_NS_NSZE : regs.ID_NS_NSZE + 8], "little")
        shift = view[regs.ID_NS_LBAF0 + 2]
        if 1 << shift != regs.BLOCK:
            raise PciError(EIO, f"{self.dev.name}: blocks of {1 << shift} bytes; this driver knows {regs.BLOCK} only")
        pages = min(1 << mdts if mdts else 32, regs.PAGE // regs.PRP_SIZE)
        return Identity(serial.decode().strip(), model.decode().strip(), blocks, pages * regs.PAGE // regs.BLOCK)

    def grant(self, wanted: int) -> int:
        """Ask for `wanted` I/O queue pairs; return how many we may create."""
        result = self.command(Admin.SET_FEATURES, regs.FEATURE_QUEUES, (wanted - 1) << 16 | (wanted - 1))
        return min(wanted, (result & 0xFFFF) + 1, (result >> 16) + 1)

    def create(self, pair: QueuePair) -> None:
        """Make `pair` known to the drive, the completion queue first."""
        size = (pair.depth - 1) << 16 | pair.index
        flags = regs.QUEUE_CONTIGUOUS | regs.QUEUE_INTERRUPTS
        self.command(Admin.CREATE_CQ, size, pair.vector << 16 | flags, address=pair.cq.address)
        self.command(Admin.CREATE_SQ, size, pair.index << 16 | regs.QUEUE_CONTIGUOUS, address=pair.sq.address)

    def delete(self, pair: QueuePair) -> None:
        """Make the drive forget `pair`, the submission queue first."""
        self.command(Admin.DELETE_SQ, pair.index)
        self.command(Admin.DELETE_CQ, pair.index)

    def free(self) -> None:
        """Give all memory back. The drive must be quiet."""
        self.pair.free()
        self.dev.dma_free_coherent(self._page)
