"""The log of faults and the memory of former owners."""

from __future__ import annotations

from mockbus.faults import FaultLog, Owners
from movsdk.address import Span
from movsdk.clock import Clock
from movsdk.ops import Claim, FaultKind, Space


def test_the_log_is_a_sequence_with_times() -> None:
    """Faults stand in order, stamped with virtual time, and can be counted, indexed and sliced."""
    clock = Clock()
    log = FaultLog(clock)

    first = log.record(FaultKind.NO_DECODER, Space.MEM, "read", 0x10, 4)
    clock.advance(5)
    second = log.record(FaultKind.NO_DECODER, Space.MEM, "read", 0x20, 4)

    assert (len(log), log[-1], list(log[:1]), list(log)) == (2, second, [first], [first, second])
    assert (first.time, second.time) == (0, 5)


def test_owners_are_recalled_newest_first() -> None:
    """The last to let a span go is the former owner, unless it has it again."""
    owners = Owners()
    for label in ("a", "b", "a"):
        owners.remember(Space.MEM, Span(0x1000, 0x1FFF), label, 0)

    assert owners.recall(Space.MEM, 0x1004, lambda _label, _bar: False) == Claim("a", 0, 4)
    assert owners.recall(Space.MEM, 0x1004, lambda label, _bar: label == "a") == Claim("b", 0, 4)
    assert owners.recall(Space.MEM, 0x2000, lambda _label, _bar: False) is None
    assert owners.recall(Space.IO, 0x1004, lambda _label, _bar: False) is None


def test_owners_forget_the_oldest() -> None:
    """The memory is bounded: a machine that runs for ever does not fill it."""
    owners = Owners()

    for page in range(5000):
        owners.remember(Space.MEM, Span.sized(page << 12, 0x1000), "card", 0)

    assert owners.recall(Space.MEM, 0, lambda _label, _bar: False) is None
    assert owners.recall(Space.MEM, 4999 << 12, lambda _label, _bar: False) == Claim("card", 0, 0)
