"""A host without a kernel, to try the silicon alone: config cycles, memory cycles, one ring pair a queue.

Twin: a bare-metal test program. Only the tests of this folder use it; it knows nothing of our driver.
"""

from __future__ import annotations

from attrs import define, field

from mockbus.fabric import Fabric
from mockbus.topology import Machine
from movsdk import Span
from movsdk import pci_regs as pci
from movsdk.clock import NS_PER_MS
from movsdk.ops import DmaBuffer, Interrupt, Space

from . import regs
from .model import NvmeModel
from .regs import CQE, SQE, Admin, Status, cq_doorbell, sq_doorbell

BASE = 0xE000_0000
DEPTH = 8
DEVFN = pci.devfn(2, 0)


@define(eq=False)
class Host:
    """What a program without a kernel does: config cycles, memory cycles, one ring pair a queue."""

    model: NvmeModel
    config: bytes | None = None
    machine: Machine = field(init=False)
    fabric: Fabric = field(init=False)
    interrupts: list[Interrupt] = field(factory=list, init=False)
    rings: dict[int, tuple[DmaBuffer, DmaBuffer]] = field(factory=dict, init=False)
    tails: dict[int, int] = field(factory=dict, init=False)
    heads: dict[int, int] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.machine = Machine([("mem", Span.sized(BASE, 0x1000_0000))])
        self.machine.add("drive", "root", "02.0", self.model, config=self.config, firmware={0: BASE})
        self.fabric = self.machine.fabric
        self.fabric.config_write(0, DEVFN, pci.COMMAND, 2, pci.COMMAND_MEMORY | pci.COMMAND_MASTER)
        self.fabric.set_interrupt_handler(self.interrupts.append)

    def read(self, offset: int, size: int = 4) -> int:
        """Read a register of BAR 0."""
        return self.fabric.read(Space.MEM, BASE + offset, size)

    def write(self, offset: int, value: int, size: int = 4) -> None:
        """Write a register of BAR 0."""
        self.fabric.write(Space.MEM, BASE + offset, size, value)

    def wait(self, milliseconds: float = 1) -> None:
        """Let time pass."""
        self.fabric.clock.advance(int(milliseconds * NS_PER_MS))

    def ring_pair(self, queue: int) -> tuple[DmaBuffer, DmaBuffer]:
        """Take memory for the rings of queue `queue`."""
        self.rings[queue] = self.fabric.alloc_coherent(DEPTH * SQE.size), self.fabric.alloc_coherent(DEPTH * CQE.size)
        self.tails[queue] = self.heads[queue] = 0
        return self.rings[queue]

    def enable(self) -> None:
        """Hand over the admin queue and wait until the drive is ready."""
        sq, cq = self.ring_pair(0)
        self.write(regs.AQA, (DEPTH - 1) << 16 | DEPTH - 1)
        self.write(regs.ASQ, sq.address, 8)
        self.write(regs.ACQ, cq.address, 8)
        self.write(regs.CC, regs.CC_EN | regs.CC_IOSQES | regs.CC_IOCQES)
        self.wait()

    def push(self, queue: int, opcode: int, *dwords: int, nsid: int = 0, prps: tuple[int, int] = (0, 0)) -> None:
        """Write one command into a ring and ring the doorbell."""
        sq, _ = self.rings[queue]
        tail = self.tails[queue]
        SQE.pack_into(sq.view, tail * SQE.size, opcode, 0, tail, nsid, 0, *prps, *dwords, *(0,) * (6 - len(dwords)))
        self.tails[queue] = (tail + 1) % DEPTH
        self.write(sq_doorbell(queue, self.model.stride), self.tails[queue])

    def answer(self, queue: int) -> tuple[int, int]:
        """Status and result of the next completion; asserts that there is one. Reads the ring once round only."""
        result, _, _, _, _, status = CQE.unpack_from(self.rings[queue][1].view, self.heads[queue] * CQE.size)
        assert status & 1 == 1, "no new completion"
        self.heads[queue] += 1
        self.write(cq_doorbell(queue, self.model.stride), self.heads[queue])
        return status >> 1, result

    def command(self, queue: int, opcode: int, *dwords: int, nsid: int = 0, prps: tuple[int, int] = (0, 0)) -> int:
        """Run one command; return its status."""
        self.push(queue, opcode, *dwords, nsid=nsid, prps=prps)
        self.wait()
        return self.answer(queue)[0]

    def create_io_queue(self, queue: int = 1, vector: int = 0) -> None:
        """Make one I/O queue pair; asserts that the drive agrees."""
        sq, cq = self.ring_pair(queue)
        size, flags = (DEPTH - 1) << 16 | queue, regs.QUEUE_CONTIGUOUS | regs.QUEUE_INTERRUPTS
        assert self.command(0, Admin.CREATE_CQ, size, vector << 16 | flags, prps=(cq.address, 0)) == Status.SUCCESS
        assert self.command(0, Admin.CREATE_SQ, size, queue << 16 | 1, prps=(sq.address, 0)) == Status.SUCCESS
