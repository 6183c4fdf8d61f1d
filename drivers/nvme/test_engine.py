"""The drive as silicon, its queues and commands: driven with bare bus cycles, without our driver."""

from __future__ import annotations

import pytest

from . import regs
from .bare import DEPTH, Host
from .regs import BLOCK, CQE, PAGE, Admin, Cns, Io, Status


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
