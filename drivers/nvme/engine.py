"""The silicon that serves queues: fetches commands from host memory, runs them in order, posts completions.

Twin: NVM Express 1.4 §4 to §6, as a drive keeps them. Each submission queue is served one command after another, `latency`
nanoseconds each, so commands really are in flight when a pause comes. Knows no registers and no life cycle; see `model`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from . import regs
from .regs import CQE, PAGE, PRP_SIZE, SQE, Admin, Cns, Io, Status

if TYPE_CHECKING:
    from movsdk.clock import Timer

    from .model import NvmeModel


@frozen
class Command:
    """A submission queue entry, unpacked; `dwords` are numbers 10 to 15."""

    opcode: int
    tag: int
    nsid: int
    prp1: int
    prp2: int
    dwords: tuple[int, ...]

    @classmethod
    def unpack(cls, entry: bytes) -> Command:
        """Read the 64 bytes of an entry."""
        opcode, _, tag, nsid, _, prp1, prp2, *dwords = SQE.unpack(entry)
        return cls(opcode, tag, nsid, prp1, prp2, tuple(dwords))


@define(eq=False)
class CompletionQueue:
    """A ring the drive fills; `phase` is what the next entry carries."""

    address: int
    entries: int
    vector: int
    interrupts: bool
    head: int = 0
    tail: int = 0
    phase: int = 1

    @property
    def is_full(self) -> bool:
        """One entry stays empty."""
        return (self.tail + 1) % self.entries == self.head


@define(eq=False)
class SubmissionQueue:
    """A ring the drive empties; `timer` is the command being served."""

    number: int
    address: int
    entries: int
    cq: int
    head: int = 0
    tail: int = 0
    timer: Timer | None = None

    @property
    def pending(self) -> int:
        """Commands handed over and not completed."""
        return (self.tail - self.head) % self.entries


Answer = tuple[Status, int]
DONE: Answer = (Status.SUCCESS, 0)


@define(eq=False)
class Engine:
    """Queues of one drive, and what the commands in them do."""

    drive: NvmeModel
    _sqs: dict[int, SubmissionQueue] = field(factory=dict, init=False)
    _cqs: dict[int, CompletionQueue] = field(factory=dict, init=False)
    _granted: int = field(default=0, init=False)

    # --- life --------------------------------------------------------------------------------------

    def start(self, asq: int, acq: int, aqa: int) -> None:
        """The controller was enabled: there is an admin queue pair now, and no other."""
        self._granted = self.drive.max_queues
        self._sqs = {0: SubmissionQueue(0, asq, (aqa & 0xFFF) + 1, 0)}
        self._cqs = {0: CompletionQueue(acq, (aqa >> 16 & 0xFFF) + 1, 0, interrupts=True)}

    def stop(self) -> None:
        """Forget all queues and what is in them; no DMA after this."""
        self.halt()
        self._sqs, self._cqs = {}, {}

    def halt(self) -> None:
        """Serve nothing more (a shutdown was notified)."""
        for sq in self._sqs.values():
            self._idle(sq)

    @staticmethod
    def _idle(sq: SubmissionQueue) -> None:
        if sq.timer is not None:
            sq.timer.cancel()
            sq.timer = None

    @property
    def in_flight(self) -> int:
        """Commands handed over and not completed, all queues."""
        return sum(sq.pending for sq in self._sqs.values())

    def ring(self, number: int, value: int) -> None:
        """Doorbell `number` was written: even ones are submission tails, odd ones completion heads. Nonsense is ignored."""
        queue, is_head = divmod(number, 2)
        if is_head:
            cq = self._cqs.get(queue)
            if cq is not None and value < cq.entries:
                cq.head = value
                for sq in self._sqs.values():
                    self._arm(sq)
        else:
            sq_rung = self._sqs.get(queue)
            if sq_rung is not None and value < sq_rung.entries:
                sq_rung.tail = value
                self._arm(sq_rung)

    def _arm(self, sq: SubmissionQueue) -> None:
        """Begin the next command of `sq`, if there is one and its completion has room."""
        if sq.timer is None and sq.pending and not self.drive.is_hung and not self._cqs[sq.cq].is_full:
            sq.timer = self.drive.clock.call_later(self.drive.latency, partial(self._serve, sq), "nvme command")

    def _serve(self, sq: SubmissionQueue) -> None:
        """The command at the head of `sq` has had its time: run it and say so."""
        sq.timer = None
        if self.drive.is_hung or not self.drive.function.present:
            return
        command = Command.unpack(self.drive.dma_read(sq.address + sq.head * SQE.size, SQE.size))
        sq.head = (sq.head + 1) % sq.entries
        status, result = self._io(command) if sq.number else self._admin(command)
        self._post(sq, command.tag, status, result)
        self._arm(sq)

    def _post(self, sq: SubmissionQueue, tag: int, status: Status, result: int) -> None:
        cq = self._cqs[sq.cq]
        entry = CQE.pack(result, 0, sq.head, sq.number, tag, status << 1 | cq.phase)
        self.drive.dma_write(cq.address + cq.tail * CQE.size, entry)
        cq.tail += 1
        if cq.tail == cq.entries:
            cq.tail, cq.phase = 0, cq.phase ^ 1
        if cq.interrupts:
            self.drive.interrupt(cq.vector)

    # --- data --------------------------------------------------------------------------------------

    def _pages(self, command: Command, length: int) -> Iterator[tuple[int, int]]:
        """Host memory for `length` bytes as (address, size), following the PRP entries."""
        size = min(length, PAGE - command.prp1 % PAGE)
        yield command.prp1, size
        length -= size
        if 0 < length <= PAGE:
            yield command.prp2, length
            return
        entry = command.prp2
        while length > 0:
            if entry % PAGE == PAGE - PRP_SIZE and length > PAGE:  # the last entry of a list page points to the next
                entry = int.from_bytes(self.drive.dma_read(entry, PRP_SIZE), "little")
            size = min(length, PAGE)
            yield int.from_bytes(self.drive.dma_read(entry, PRP_SIZE), "little"), size
            length -= size
            entry += PRP_SIZE

    def _send(self, command: Command, content: bytes) -> None:
        offset = 0
        for address, size in self._pages(command, len(content)):
            self.drive.dma_write(address, content[offset : offset + size])
            offset += size

    # --- commands ----------------------------------------------------------------------------------

    def _io(self, command: Command) -> Answer:
        drive = self.drive
        if command.opcode not in (Io.FLUSH, Io.WRITE, Io.READ):
            return Status.INVALID_OPCODE, 0
        if command.nsid != regs.NSID:
            return Status.INVALID_NAMESPACE, 0
        if command.opcode == Io.FLUSH:
            drive.store.flush()
            return DONE
        low, high, count, *_ = command.dwords
        lba, blocks = high << 32 | low, (count & 0xFFFF) + 1
        if blocks * regs.BLOCK > PAGE << drive.mdts:
            return Status.INVALID_FIELD, 0
        if not drive.store.holds(lba, blocks):
            return Status.LBA_OUT_OF_RANGE, 0
        if command.opcode == Io.READ:
            self._send(command, drive.store.read(lba, blocks))
        else:
            pages = list(self._pages(command, blocks * regs.BLOCK))
            drive.store.write(lba, b"".join(drive.dma_read(address, size) for address, size in pages))
        return DONE

    def _admin(self, command: Command) -> Answer:
        serve: dict[int, Callable[[Command], Answer]] = {
            Admin.DELETE_SQ: self._delete_sq,
            Admin.CREATE_SQ: self._create_sq,
            Admin.DELETE_CQ: self._delete_cq,
            Admin.CREATE_CQ: self._create_cq,
            Admin.IDENTIFY: self._identify,
            Admin.SET_FEATURES: self._set_features,
        }
        handler = serve.get(command.opcode)
        return handler(command) if handler else (Status.INVALID_OPCODE, 0)

    def _identify(self, command: Command) -> Answer:
        cns = command.dwords[0] & 0xFF
        if cns == Cns.NAMESPACE and command.nsid != regs.NSID:
            return Status.INVALID_NAMESPACE, 0
        if cns not in list(Cns):
            return Status.INVALID_FIELD, 0
        self._send(command, self.drive.identify(Cns(cns)))
        return DONE

    def _set_features(self, command: Command) -> Answer:
        feature, value, *_ = command.dwords
        if feature & 0xFF != regs.FEATURE_QUEUES or value & 0xFFFF == 0xFFFF or value >> 16 == 0xFFFF:
            return Status.INVALID_FIELD, 0
        self._granted = self.drive.max_queues
        return Status.SUCCESS, (self._granted - 1) << 16 | (self._granted - 1)

    def _size_of(self, command: Command) -> tuple[int, int, Status]:
        """Queue id and entries of a Create command, and what is wrong with them. Wrong: taken, out of range, scattered."""
        queue, entries = command.dwords[0] & 0xFFFF, (command.dwords[0] >> 16) + 1
        if not 1 <= queue <= self._granted:
            return queue, entries, Status.QID_INVALID
        if not 2 <= entries <= self.drive.max_entries:
            return queue, entries, Status.QUEUE_SIZE_INVALID
        if not command.dwords[1] & regs.QUEUE_CONTIGUOUS or command.prp1 % PAGE:
            return queue, entries, Status.INVALID_FIELD
        return queue, entries, Status.SUCCESS

    def _create_cq(self, command: Command) -> Answer:
        queue, entries, status = self._size_of(command)
        if status or queue in self._cqs:
            return status or Status.QID_INVALID, 0
        flags = command.dwords[1]
        if flags >> 16 >= self.drive.vectors:
            return Status.VECTOR_INVALID, 0
        self._cqs[queue] = CompletionQueue(command.prp1, entries, flags >> 16, bool(flags & regs.QUEUE_INTERRUPTS))
        return DONE

    def _create_sq(self, command: Command) -> Answer:
        queue, entries, status = self._size_of(command)
        if status or queue in self._sqs:
            return status or Status.QID_INVALID, 0
        cq = command.dwords[1] >> 16
        if not cq or cq not in self._cqs:
            return Status.CQ_INVALID, 0
        self._sqs[queue] = SubmissionQueue(queue, command.prp1, entries, cq)
        return DONE

    def _delete_sq(self, command: Command) -> Answer:
        queue = command.dwords[0] & 0xFFFF
        if not queue or queue not in self._sqs:
            return Status.QID_INVALID, 0
        self._idle(self._sqs.pop(queue))
        return DONE

    def _delete_cq(self, command: Command) -> Answer:
        queue = command.dwords[0] & 0xFFFF
        if not queue or queue not in self._cqs:
            return Status.QID_INVALID, 0
        if any(sq.cq == queue for sq in self._sqs.values()):
            return Status.DELETION_INVALID, 0
        del self._cqs[queue]
        return DONE
