"""The drive as silicon, its registers and its life: driven with bare bus cycles, without our driver."""

from __future__ import annotations

from mockbus.topology import Machine
from movsdk import Span
from movsdk import pci_regs as pci

from . import regs
from .bare import BASE, DEVFN, Host
from .model import NvmeModel
from .regs import BLOCK, CQE, PAGE, Admin, Cns, Io, Status


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


def test_completions_interrupt_by_the_vector_of_their_queue(host: Host) -> None:
    """Each completion queue names an MSI-X vector; the message is what the table in BAR 0 says now."""
    capability = 0x40
    host.fabric.config_write(0, DEVFN, capability + pci.MSIX_FLAGS, 2, pci.MSIX_FLAGS_ENABLE)
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
