"""The request layer, the ledger and the store alone: no bus, no registers."""

from __future__ import annotations

from errno import EIO

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from movsdk import PciError

from .ledger import Ledger
from .load import Load, describe, stamped
from .regs import BLOCK, Io
from .requests import Request, RequestQueue
from .store import BlockStore


@define(eq=False)
class Drive:
    """A port with room for `room` commands, answered oldest first when told to."""

    room: int = 2
    taken: list[tuple[int, Request]] = field(factory=list)
    seen: list[Request] = field(factory=list)
    kicks: int = 0
    _next: int = 0

    def issue(self, request: Request) -> int | None:
        if len(self.taken) == self.room:
            return None
        self._next += 1
        self.taken.append((self._next, request))
        self.seen.append(request)
        return self._next

    def kick(self) -> None:
        self.kicks += 1

    def answer(self, queue: RequestQueue, error: PciError | None = None) -> None:
        tag, _ = self.taken.pop(0)
        queue.complete(tag, error)


def submit(queue: RequestQueue, ledger: Ledger) -> Request:
    request = Request(Io.WRITE, on_done=ledger.closes)
    ledger.opens(request)
    return queue.submit(request)


def test_a_frozen_queue_holds_requests_and_fails_none() -> None:
    """Between prepare and done a request waits; it is passed on at thaw, in the order of submission."""
    queue, drive, ledger = RequestQueue(0), Drive(room=4), Ledger()

    held = [submit(queue, ledger) for _ in range(3)]

    assert (queue.waiting, queue.held, ledger.outstanding) == (3, 3, 3)
    queue.thaw(drive)
    assert drive.seen == held
    assert drive.kicks == 1


def test_requeued_requests_go_ahead_of_held_ones() -> None:
    """What the drive did not finish is replayed first: the order of a queue survives a pause."""
    queue, drive, ledger = RequestQueue(0), Drive(room=2), Ledger()
    queue.thaw(drive)
    first, second, third = (submit(queue, ledger) for _ in range(3))
    drive.answer(queue)

    queue.freeze()
    late = submit(queue, ledger)
    back = queue.requeue()
    after = Drive(room=4)
    queue.thaw(after)

    assert first.is_done
    assert back == 2
    assert after.seen == [second, third, late]
    assert [request.issues for request in (first, second, third, late)] == [1, 2, 2, 1]


def test_a_dead_queue_answers_each_request_once_with_its_error() -> None:
    """Giving up completes everything, and later submissions at once; no request is left and none is told twice."""
    queue, ledger = RequestQueue(0), Ledger()
    queue.thaw(Drive(room=1))
    requests = [submit(queue, ledger) for _ in range(3)]
    error = PciError(EIO, "the drive is gone")

    count = queue.fail(error)
    requests.append(submit(queue, ledger))

    assert count == 3
    assert [(request.completions, request.error) for request in requests] == [(1, error)] * 4
    assert (ledger.failed, ledger.outstanding, ledger.is_clean) == (4, 0, True)


def test_an_answer_makes_room_for_what_waits_even_if_its_submitter_asks_for_more() -> None:
    """A request submitted from `on_done` queues behind those that wait."""
    queue, drive = RequestQueue(0), Drive(room=1)
    more: list[Request] = []
    queue.thaw(drive)
    first = queue.submit(Request(Io.FLUSH, on_done=lambda _: more.append(queue.submit(Request(Io.FLUSH)))))
    second = queue.submit(Request(Io.FLUSH))

    drive.answer(queue)
    drive.answer(queue)

    assert drive.seen == [first, second, *more]


@given(st.lists(st.sampled_from(["submit", "answer", "pause", "resume", "requeue"]), max_size=60), st.integers(1, 4))
def test_each_request_is_answered_once_and_in_order_whatever_happens(steps: list[str], room: int) -> None:
    """For every interleaving of submissions, answers and pauses: nothing lost, nothing twice, order kept."""
    queue, drive, ledger = RequestQueue(0), Drive(room), Ledger()
    requests = []
    for step in steps:
        if step == "submit":
            requests.append(submit(queue, ledger))
        elif step == "answer" and drive.taken:
            drive.answer(queue)
        elif step == "pause":
            queue.freeze()
        elif step == "requeue":
            queue.freeze()
            queue.requeue()
            drive.taken.clear()
        elif step == "resume":
            queue.thaw(drive)
    queue.thaw(drive)
    while drive.taken:
        drive.answer(queue)
    ledger.close()

    assert ledger.completed == len(requests)
    assert ledger.is_clean, ledger.complaints


def test_the_ledger_tells_lost_doubled_and_disordered_answers() -> None:
    """The judge is judged: each kind of breach is counted and named."""
    queue, drive, ledger = RequestQueue(0), Drive(room=8), Ledger()
    queue.thaw(drive)
    first, second, _lost = (submit(queue, ledger) for _ in range(3))

    second.complete()
    first.complete()
    first.complete()
    ledger.close()

    assert (ledger.completed, ledger.duplicated, ledger.disordered, ledger.lost) == (2, 1, 1, 1)
    assert ledger.complaints == [
        "write 0 of queue 0, blocks 0+0: answered after number 1",
        "write 0 of queue 0, blocks 0+0: answered 2 times",
        "write 2 of queue 0, blocks 0+0: never answered",
    ]
    assert ledger.summary() == (
        "3 requests: 2 completed, 0 failed, 0 outstanding, 1 lost, 1 twice, 1 out of order, 0 corrupt; 0 replayed"
    )


def test_a_wrong_block_says_whose_it_is() -> None:
    """A read that brings another block, or an old version, names it."""
    expected = stamped(0x40, 2, version=7)

    assert describe(0x40, expected, expected) == "nothing differs"
    assert describe(0x40, stamped(0x40, 1, 7) + stamped(0x41, 1, 6), expected) == (
        "block 65 holds version 6 of block 0x41; version 7 was written"
    )


def test_power_loss_takes_what_was_not_flushed() -> None:
    """The cache is volatile, the medium is not; a read sees the newest of both."""
    store = BlockStore(16)
    store.write(3, b"a" * BLOCK + b"b" * BLOCK)
    store.flush()
    store.write(4, b"c" * BLOCK)

    before = store.read(3, 3)
    store.lose_cache()

    assert before == b"a" * BLOCK + b"c" * BLOCK + bytes(BLOCK)
    assert store.read(3, 2) == b"a" * BLOCK + b"b" * BLOCK
    assert (store.holds(15, 1), store.holds(15, 2)) == (True, False)


def test_a_load_that_has_run_for_long_rests() -> None:
    """At full speed for ten milliseconds, then a 32nd of its age between two requests; on its own terms it never tires."""
    load, tireless = Load(tires_after=10_000_000), Load(think=7)

    assert [load._rest(age) for age in (0, 10_000_000, 42_000_000, 5_010_000_000)] == [0, 0, 1_000_000, 156_250_000]
    assert tireless._rest(5_000_000_000) == 7
