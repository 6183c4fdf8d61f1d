"""Queue pairs: a submission and a completion ring in host memory, and the doorbells that point into them.

Twin: ``struct nvme_queue`` in drivers/nvme/host/pci.c. Knows entries and buffers, not what a command means to the caller.
The rings outlive a move of BAR 0 (they are host memory); `attach` points them at the new mapping and starts them afresh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field, frozen

from .regs import BLOCK, CQE, NSID, PAGE, PRP_SIZE, SQE, Io, cq_doorbell, sq_doorbell

if TYPE_CHECKING:
    from movsdk import DmaBuffer, IoMem, PciDev

    from .requests import Request


@frozen
class Completion:
    """What the drive said about command `tag`; `status` 0 is success."""

    tag: int
    status: int
    result: int


@define(eq=False)
class Slot:
    """Host memory for the data of one command: a page for the PRP list, then the data. It grows as needed."""

    dev: PciDev
    buffer: DmaBuffer | None = None

    def reserve(self, length: int) -> DmaBuffer:
        """Return a buffer with room for the list and `length` bytes."""
        need = PAGE + -(-length // PAGE) * PAGE
        if self.buffer is None or self.buffer.size < need:
            self.free()
            self.buffer = self.dev.dma_alloc_coherent(need)
        return self.buffer

    def prps(self, length: int) -> tuple[int, int]:
        """Return PRP 1 and PRP 2 for `length` bytes, and fill the list if there are more than two pages."""
        buffer = self.reserve(length)
        data, pages = buffer.address + PAGE, -(-length // PAGE)
        if pages <= 2:
            return data, data + PAGE if pages == 2 else 0
        for n in range(1, pages):
            buffer.view[(n - 1) * PRP_SIZE : n * PRP_SIZE] = (data + n * PAGE).to_bytes(PRP_SIZE, "little")
        return data, buffer.address

    def put(self, content: bytes) -> None:
        """Copy `content` into the data part."""
        self.reserve(len(content)).view[PAGE : PAGE + len(content)] = content

    def get(self, length: int) -> bytes:
        """Copy `length` bytes out of the data part."""
        return bytes(self.reserve(length).view[PAGE : PAGE + length])

    def free(self) -> None:
        """Give the memory back."""
        if self.buffer is not None:
            self.dev.dma_free_coherent(self.buffer)
            self.buffer = None


@define(eq=False)
class QueuePair:
    """Queue `index` (0 = admin) with `depth` entries each way; at most `depth` - 1 commands are out at a time."""

    dev: PciDev
    index: int
    depth: int
    sq: DmaBuffer = field(init=False)
    cq: DmaBuffer = field(init=False)
    vector: int = field(default=0, init=False)
    _slots: list[Slot] = field(init=False, repr=False)
    _free: list[int] = field(factory=list, init=False, repr=False)
    _regs: IoMem | None = field(default=None, init=False, repr=False)
    _stride: int = field(default=0, init=False)
    _tail: int = field(default=0, init=False)
    _head: int = field(default=0, init=False)
    _phase: int = field(default=1, init=False)

    def __attrs_post_init__(self) -> None:
        self.sq = self.dev.dma_alloc_coherent(self.depth * SQE.size)
        self.cq = self.dev.dma_alloc_coherent(self.depth * CQE.size)
        self._slots = [Slot(self.dev) for _ in range(self.depth - 1)]

    def attach(self, regs: IoMem, stride: int) -> None:
        """Start afresh with the doorbells of `regs`: empty rings, first phase, every tag free."""
        self._regs, self._stride = regs, stride
        self._tail = self._head = 0
        self._phase = 1
        self._free = list(range(len(self._slots) - 1, -1, -1))
        self.cq.view[:] = bytes(self.cq.size)  # stale phase bits would read as completions

    def detach(self) -> None:
        """Ring no doorbell any more. What is in the completion ring can still be reaped."""
        self._regs = None

    def push(self, opcode: int, nsid: int = 0, prps: tuple[int, int] = (0, 0), dwords: tuple[int, ...] = ()) -> int | None:
        """Write one command into the ring and return its tag, or None if every tag is out. `dwords` from number 10 on."""
        if not self._free:
            return None
        tag = self._free.pop()
        self._write(tag, opcode, nsid, prps, dwords)
        return tag

    def issue(self, request: Request) -> int | None:
        """Write the command of `request` into the ring (the port of the request layer)."""
        if not self._free:
            return None
        tag = self._free.pop()
        if request.op is Io.FLUSH:
            self._write(tag, Io.FLUSH, NSID, (0, 0), ())
            return tag
        slot = self._slots[tag]
        if request.op is Io.WRITE:
            slot.put(request.payload)
        dwords = (request.lba & 0xFFFF_FFFF, request.lba >> 32, request.blocks - 1)
        self._write(tag, request.op, NSID, slot.prps(request.blocks * BLOCK), dwords)
        return tag

    def _write(self, tag: int, opcode: int, nsid: int, prps: tuple[int, int], dwords: tuple[int, ...]) -> None:
        dwords += (0,) * (6 - len(dwords))
        SQE.pack_into(self.sq.view, self._tail * SQE.size, opcode, 0, tag, nsid, 0, *prps, *dwords)
        self._tail = (self._tail + 1) % self.depth

    def kick(self) -> None:
        """Ring the submission doorbell."""
        if self._regs is not None:
            self._regs.writel(self._tail, sq_doorbell(self.index, self._stride))

    def reap(self) -> list[Completion]:
        """Take every new entry out of the completion ring, in the drive's order. `acknowledge` when they are dealt with."""
        found = []
        while True:
            result, _, _, _, tag, status = CQE.unpack_from(self.cq.view, self._head * CQE.size)
            if status & 1 != self._phase:
                break
            found.append(Completion(tag, status >> 1, result))
            self._head += 1
            if self._head == self.depth:
                self._head, self._phase = 0, self._phase ^ 1
        return found

    def acknowledge(self) -> None:
        """Ring the completion doorbell: the drive may use the entries again."""
        if self._regs is not None:
            self._regs.writel(self._head, cq_doorbell(self.index, self._stride))

    def data(self, tag: int, length: int) -> bytes:
        """What the drive left in the buffer of `tag`."""
        return self._slots[tag].get(length)

    def recycle(self, tag: int) -> None:
        """The command `tag` is answered and its data taken; the tag may be used again."""
        self._free.append(tag)

    def free(self) -> None:
        """Give all memory back. The drive must be quiet."""
        self.detach()
        for slot in self._slots:
            slot.free()
        self.dev.dma_free_coherent(self.sq)
        self.dev.dma_free_coherent(self.cq)
