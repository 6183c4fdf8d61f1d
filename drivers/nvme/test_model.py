"""The drive as silicon: driven with bare bus cycles, without our driver."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

import pytest
from attrs import define, field

from mockbus.fabric import Fabric
from mockbus.topology import Machine
from movsdk import Span
from movsdk import pci_regs as pci
from movsdk.clock import NS_PER_MS
from movsdk.ops import DmaBuffer, Interrupt, Space

from . import regs
from .model import NvmeModel
from .regs import BLOCK, CQE, PAGE, SQE, Admin, Cns, Io, Status, cq_doorbell, sq_doorbell

BASE = 0xE000_0000
DEPTH = 8
_DEVFN = pci.devfn(2, 0)
_MSIX_ENTRY = Struct("<QII")


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
        self.fabric.config_write(0, _DEVFN, pci.COMMAND, 2, pci.COMMAND_MEMORY | pci.COMMAND_MASTER)
        self.fabric.set_interrupt_handler(self.interrupts.append)

    def read(self, offset: int, size: int = 4) -> int:
        return self.fabric.read(Space.MEM, BASE + offset, size)

    def write(self, offset: int, value: int, size: int = 4) -> None:
        self.fabric.write(Space.MEM, BASE + offset, size, value)

    def wait(self, milliseconds: float = 1) -> None:
        self.fabric.clock.advance(int(milliseconds * NS_PER_MS))

    def ring_pair(self, queue: int) -> tuple[DmaBuffer, DmaBuffer]:
        self.rings[queue] = self.fabric.alloc_coherent(DEPTH * SQE.size), self.fabric.alloc_coherent(DEPTH * CQE.size)
        self.tails[queue] = self.heads[queue] = 0
        return self.rings[queue]

    def enable(self) -> None:
        sq, cq = self.ring_pair(0)
        self.write(regs.AQA, (DEPTH - 1) << 16 | DEPTH - 1)
        self.write(regs.ASQ, sq.address, 8)
        self.write(regs.ACQ, cq.address, 8)
        self.write(regs.CC, regs.CC_EN | regs.CC_IOSQES | regs.CC_IOCQES)
        self.wait()

    def push(self, queue: int, opcode: int, *dwords: int, nsid: int = 0, prps: tuple[int, int] = (0, 0)) -> None:
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
        self.push(queue, opcode, *dwords, nsid=nsid, prps=prps)
        self.wait()
        return self.answer(queue)[0]

    def create_io_queue(self, queue: int = 1, vector: int = 0) -> None:
        sq, cq = self.ring_pair(queue)
        size, flags = (DEPTH - 1) << 16 | queue, regs.QUEUE_CONTIGUOUS | regs.QUEUE_INTERRUPTS
        assert self.command(0, Admin.CREATE_CQ, size, vector << 16 | flags, prps=(cq.address, 0)) == Status.SUCCESS
        assert self.command(0, Admin.CREATE_SQ, size, queue << 16 | 1, prps=(sq.address, 0)) == Status.SUCCESS


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host(NvmeModel(blocks=1000))
    host.enable()
    yield host
    assert not host.fabric.faults


def test_the_registers_are_where_the_specification_puts_them() -> None:
    """CAP, VS, CC, CSTS and the queue registers answer at their offsets, by dwords and as one qword."""
    host = Host(NvmeModel(stride=2))

    cap = host.read(regs.CAP, 8)

    assert cap == host.read(regs.CAP) | host.read(regs.CAP + 4) << 32
    assert (cap & regs.CAP_MQES) + 1 == 2048
    assert cap >> regs.CAP_DSTRD_SHIFT & 0xF == 2
    assert host.read(regs.VS) == 0x10400
    assert (host.read(regs.CC), host.read(regs.CSTS)) == (0, 0)


def test_only_what_is_writable_takes_a_write() -> None:
    """CAP and CSTS are read only, ASQ is page aligned, AQA has 12 bits a half."""
    host = Host(NvmeModel())

    for offset, value in ((regs.CAP, 0), (regs.CSTS, 0xFF), (regs.AQA, 0xFFFF_FFFF), (regs.ASQ, 0x1_2345), (regs.ASQ + 4, 7)):
        host.write(offset, value)

    assert host.read(regs.CAP, 8) & regs.CAP_CQR
    assert [host.read(offset) for offset in (regs.CSTS, regs.AQA)] == [0, 0x0FFF_0FFF]
    assert host.read(regs.ASQ, 8) == 7 << 32 | 0x1_2000


def test_enabling_takes_its_time_and_needs_admin_queues() -> None:
    """RDY follows EN after a while, either way; without an admin queue the status is fatal."""
    host = Host(NvmeModel())

    host.write(regs.CC, regs.CC_EN)
    before = host.read(regs.CSTS)
    host.wait()
    fatal = host.read(regs.CSTS)
    host.write(regs.CC, 0)
    host.wait()
    idle = host.read(regs.CSTS)
    host.enable()

    assert (before, fatal, idle, host.read(regs.CSTS)) == (0, regs.CSTS_CFS, 0, regs.CSTS_RDY)


def test_identify_tells_the_size_of_the_namespace(host: Host) -> None:
    """Controller and namespace pages carry serial, number of blocks and block size."""
    page = host.fabric.alloc_coherent(PAGE)

    assert host.command(0, Admin.IDENTIFY, Cns.CONTROLLER, prps=(page.address, 0)) == Status.SUCCESS
    assert bytes(page.view[4:24]).strip() == b"drive"
    assert host.command(0, Admin.IDENTIFY, Cns.NAMESPACE, nsid=1, prps=(page.address, 0)) == Status.SUCCESS
    assert int.from_bytes(page.view[:8], "little") == 1000
    assert 1 << page.view[regs.ID_NS_LBAF0 + 2] == BLOCK


@pytest.mark.parametrize(
    ("opcode", "dwords", "nsid", "status"),
    [
        pytest.param(0x7F, (), 0, Status.INVALID_OPCODE, id="unknown opcode"),
        pytest.param(Admin.IDENTIFY, (0x77,), 0, Status.INVALID_FIELD, id="unknown page"),
        pytest.param(Admin.IDENTIFY, (Cns.NAMESPACE,), 9, Status.INVALID_NAMESPACE, id="no such namespace"),
        pytest.param(Admin.SET_FEATURES, (0x55,), 0, Status.INVALID_FIELD, id="unknown feature"),
        pytest.param(Admin.CREATE_CQ, (7 << 16, 1), 0, Status.QID_INVALID, id="queue 0 is taken"),
        pytest.param(Admin.CREATE_CQ, (7 << 16 | 99, 1), 0, Status.QID_INVALID, id="queue beyond the last"),
        pytest.param(Admin.CREATE_CQ, (0 << 16 | 1, 1), 0, Status.QUEUE_SIZE_INVALID, id="queue of one entry"),
        pytest.param(Admin.CREATE_CQ, (7 << 16 | 1, 99 << 16 | 3), 0, Status.VECTOR_INVALID, id="no such vector"),
        pytest.param(Admin.CREATE_CQ, (7 << 16 | 1, 2), 0, Status.INVALID_FIELD, id="scattered queue"),
        pytest.param(Admin.CREATE_SQ, (7 << 16 | 1, 5 << 16 | 1), 0, Status.CQ_INVALID, id="no such completion queue"),
        pytest.param(Admin.DELETE_SQ, (3,), 0, Status.QID_INVALID, id="delete what is not there"),
    ],
)
def test_a_bad_admin_command_is_refused_by_name(
    host: Host, opcode: int, dwords: tuple[int, ...], nsid: int, status: Status
) -> None:
    """Silicon answers nonsense with a status; it never raises."""
    assert host.command(0, opcode, *dwords, nsid=nsid) == status


def test_a_completion_queue_outlives_its_submission_queue(host: Host) -> None:
    """Delete the submission queue first; the other order is refused."""
    host.create_io_queue()

    assert host.command(0, Admin.DELETE_CQ, 1) == Status.DELETION_INVALID
    assert host.command(0, Admin.DELETE_SQ, 1) == Status.SUCCESS
    assert host.command(0, Admin.DELETE_CQ, 1) == Status.SUCCESS


@pytest.mark.parametrize("pages", [1, 2, 3, 32])
def test_data_goes_where_the_prp_entries_say(host: Host, pages: int) -> None:
    """One page, two pages, and a list: what is written is read back, byte for byte."""
    host.create_io_queue()
    buffers = [host.fabric.alloc_coherent(PAGE) for _ in range(pages)][::-1]  # not in the order of addresses
    prp_list = host.fabric.alloc_coherent(PAGE)
    for n, buffer in enumerate(buffers):
        buffer.view[:] = bytes([n + 1]) * PAGE
        if n:
            prp_list.view[(n - 1) * 8 : n * 8] = buffer.address.to_bytes(8, "little")
    second = 0 if pages == 1 else buffers[1].address if pages == 2 else prp_list.address
    blocks = pages * PAGE // BLOCK

    assert host.command(1, Io.WRITE, 16, 0, blocks - 1, nsid=1, prps=(buffers[0].address, second)) == Status.SUCCESS
    for buffer in buffers:
        buffer.view[:] = bytes(PAGE)
    assert host.command(1, Io.READ, 16, 0, blocks - 1, nsid=1, prps=(buffers[0].address, second)) == Status.SUCCESS

    assert [bytes(buffer.view) for buffer in buffers] == [bytes([n + 1]) * PAGE for n in range(pages)]


@pytest.mark.parametrize(
    ("lba", "blocks", "nsid", "status"),
    [(999, 2, 1, Status.LBA_OUT_OF_RANGE), (0, 1, 2, Status.INVALID_NAMESPACE), (0, 512, 1, Status.INVALID_FIELD)],
)
def test_a_bad_read_is_refused(host: Host, lba: int, blocks: int, nsid: int, status: Status) -> None:
    """Beyond the last block, of another namespace, larger than MDTS."""
    host.create_io_queue()

    assert host.command(1, Io.READ, lba, 0, blocks - 1, nsid=nsid) == status


def test_commands_take_time_and_finish_in_order(host: Host) -> None:
    """A queue is served one command after another, so some are in flight for a while; the phase turns at the end of a ring."""
    host.create_io_queue()
    for _ in range(DEPTH - 1):
        host.push(1, Io.FLUSH, nsid=1)

    host.fabric.clock.advance(3 * host.model.latency)
    in_flight = host.model.in_flight
    host.wait()

    assert in_flight == DEPTH - 1 - 3
    assert [host.answer(1)[0] for _ in range(DEPTH - 1)] == [Status.SUCCESS] * (DEPTH - 1)
    for _ in range(2):
        host.push(1, Io.FLUSH, nsid=1)
    host.wait()
    phases = [CQE.unpack_from(host.rings[1][1].view, n * CQE.size)[5] & 1 for n in (DEPTH - 1, 0)]
    assert phases == [1, 0]


def test_a_full_completion_queue_stops_the_drive_until_there_is_room(host: Host) -> None:
    """Completions are never overwritten: the drive waits for the head doorbell."""
    host.create_io_queue()
    for _ in range(DEPTH - 1):
        host.push(1, Io.FLUSH, nsid=1)
    host.wait()
    for _ in range(2):
        host.push(1, Io.FLUSH, nsid=1)
    host.wait()

    stalled = host.model.in_flight
    for _ in range(DEPTH - 1):
        host.answer(1)
    host.wait()

    assert (stalled, host.model.in_flight) == (2, 0)


def test_disabling_ends_all_dma(host: Host) -> None:
    """After CC.EN = 0 no command in flight touches host memory: its ring may be given back."""
    host.create_io_queue()
    for _ in range(4):
        host.push(1, Io.FLUSH, nsid=1)

    host.write(regs.CC, 0)
    for ring in host.rings.values():
        for buffer in ring:
            host.fabric.free_coherent(buffer)
    host.wait()

    assert host.model.in_flight == 0


def test_completions_interrupt_by_the_vector_of_their_queue(host: Host) -> None:
    """Each completion queue names an MSI-X vector; the message is what the table in BAR 0 says now."""
    capability = 0x40
    host.fabric.config_write(0, _DEVFN, capability + pci.MSIX_FLAGS, 2, pci.MSIX_FLAGS_ENABLE)
    for vector in (0, 3):
        for n, dword in enumerate((pci.MSI_ADDRESS_BASE, 0, 0x40 + vector, 0)):
            host.write(regs.MSIX_TABLE + vector * 16 + n * 4, dword)

    host.create_io_queue(vector=3)
    host.interrupts.clear()
    host.command(1, Io.FLUSH, nsid=1)

    assert [(one.kind, one.vector) for one in host.interrupts] == [("msi", 0x43)]


def test_a_masked_pin_interrupt_waits_for_the_unmasking(host: Host) -> None:
    """Without MSI-X the pin pulses; INTMS holds it back, INTMC lets it go."""
    host.write(regs.INTMS, 1)
    host.command(0, Admin.SET_FEATURES, regs.FEATURE_QUEUES, 1 << 16 | 1)
    masked = len(host.interrupts)

    assert host.read(regs.INTMS) == host.read(regs.INTMC) == 1
    host.write(regs.INTMC, 1)
    host.wait()

    assert (masked, [one.kind for one in host.interrupts]) == (0, ["intx"])


def test_a_shutdown_makes_the_cache_durable(host: Host) -> None:
    """CC.SHN flushes: a power cycle after it loses nothing; one without it loses what was not flushed."""
    host.create_io_queue()
    buffer = host.fabric.alloc_coherent(PAGE)
    for lba, content in ((5, b"kept"), (6, b"lost")):
        buffer.view[:4] = content
        assert host.command(1, Io.WRITE, lba, 0, 0, nsid=1, prps=(buffer.address, 0)) == Status.SUCCESS
        if content == b"kept":
            host.write(regs.CC, regs.CC_EN | regs.CC_SHN_NORMAL)
            assert host.read(regs.CSTS) & regs.CSTS_SHST_MASK == regs.CSTS_SHST_OCCURRING
            host.wait()
            assert host.read(regs.CSTS) & regs.CSTS_SHST_MASK == regs.CSTS_SHST_COMPLETE
            host.write(regs.CC, 0)
            host.wait()
            host.enable()
            host.create_io_queue()

    host.machine.unplug("drive")
    host.machine.plug("drive")

    assert host.model.store.read(5, 2).strip(b"\0") == b"kept"
    assert (host.model.is_ready, host.model.in_flight) == (False, 0)


def test_a_drive_that_is_pulled_stops_at_once(host: Host) -> None:
    """Without power there is no DMA: what was in flight is simply gone."""
    host.create_io_queue()
    host.push(1, Io.FLUSH, nsid=1)

    host.machine.unplug("drive")
    host.wait()

    assert CQE.unpack_from(host.rings[1][1].view, 0)[5] == 0


def test_a_drive_from_a_dump_has_its_msix_table_where_the_dump_says() -> None:
    """Config bytes given by hand are the drive's; its MSI-X is found by walking them."""
    donor = Machine([("mem", Span.sized(BASE, 0x1000_0000))]).add("donor", "root", "02.0", NvmeModel(), firmware={0: BASE})
    dump = bytearray(donor.config.data)
    dump[0x44:0x4C] = (0x2800).to_bytes(4, "little") + (0x3800).to_bytes(4, "little")

    host = Host(NvmeModel(), config=bytes(dump))
    host.write(0x2800 + 16, 0xFEE0_1000)

    assert (host.read(0x2800 + 16), host.read(0x2000 + 16)) == (0xFEE0_1000, 0)
    assert host.model.vectors == 65
