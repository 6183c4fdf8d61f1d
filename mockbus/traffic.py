"""Accesses off the fast path: nobody or several answer, odd sizes, bulk copies.

Twin: what a host bridge does with a master abort (all-ones, dropped) and a memcpy that crosses BARs. Answers and records;
never raises.
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Final

from mockbus.diagnosis import diagnose
from mockbus.routing import Segment
from movsdk.ops import Claim, FaultKind, Space

if TYPE_CHECKING:
    from mockbus.fabric import Fabric

SIZES: Final = {Space.MEM: (1, 2, 4, 8), Space.IO: (1, 2, 4)}


def odd_read(fabric: Fabric, space: Space, address: int, size: int) -> int:
    """Answer a read that one register or memory cell cannot serve as it is."""
    ones = (1 << 8 * size) - 1
    segment = fabric.segment(space, address)
    if segment is None:
        unclaimed(fabric, space, "read", address, size)
        return ones
    if not _is_served(segment, space, address, size):
        fabric.faults.record(FaultKind.BAD_ACCESS, space, "read", address, size, claims=claims_of(segment, address))
        return ones
    if segment.bar is None:
        _conflict(fabric, segment, space, "read", address, size)
    parts = [bar.read_bytes(address - base, size) for bar, base in zip(segment.bars, segment.bases, strict=True)]
    return reduce(and_, (int.from_bytes(part, "little") for part in parts))


def odd_write(fabric: Fabric, space: Space, address: int, size: int, value: int) -> None:
    """Take a write that one register or memory cell cannot serve as it is."""
    segment = fabric.segment(space, address)
    if segment is None:
        unclaimed(fabric, space, "write", address, size)
        return
    if not _is_served(segment, space, address, size):
        fabric.faults.record(FaultKind.BAD_ACCESS, space, "write", address, size, claims=claims_of(segment, address))
        return
    if segment.bar is None:
        _conflict(fabric, segment, space, "write", address, size)
    for bar, base in zip(segment.bars, segment.bases, strict=True):
        bar.write_bytes(address - base, value.to_bytes(size, "little"))


def copy_out(fabric: Fabric, address: int, length: int, by: str) -> bytes:
    """Read `length` bytes of memory space; each stretch that nobody or several answer is one fault."""
    parts: list[bytes] = []
    while length > 0:
        segment, run = _run(fabric, address, length)
        if segment is None:
            unclaimed(fabric, Space.MEM, "read", address, run, by)
            parts.append(b"\xff" * run)
        else:
            if segment.bar is None:
                _conflict(fabric, segment, Space.MEM, "read", address, run, by)
            read = [bar.read_bytes(address - base, run) for bar, base in zip(segment.bars, segment.bases, strict=True)]
            parts.append(read[0] if len(read) == 1 else bytes(reduce(and_, column) for column in zip(*read, strict=True)))
        address, length = address + run, length - run
    return b"".join(parts)


def copy_in(fabric: Fabric, address: int, data: bytes, by: str) -> None:
    """Write `data` to memory space; each stretch that nobody or several answer is one fault."""
    done = 0
    while done < len(data):
        segment, run = _run(fabric, address + done, len(data) - done)
        if segment is None:
            unclaimed(fabric, Space.MEM, "write", address + done, run, by)
        else:
            if segment.bar is None:
                _conflict(fabric, segment, Space.MEM, "write", address + done, run, by)
            for bar, base in zip(segment.bars, segment.bases, strict=True):
                bar.write_bytes(address + done - base, data[done : done + run])
        done += run


def unclaimed(fabric: Fabric, space: Space, operation: str, address: int, size: int, by: str = "cpu") -> None:
    """Record that nobody answered, and why."""
    found = diagnose(fabric, space, address)
    fabric.faults.record(found.kind, space, operation, address, size, by=by, blocked=found.blocked, previous=found.previous)


def claims_of(segment: Segment, address: int) -> tuple[Claim, ...]:
    """Name the BARs that answer `address`."""
    return tuple(
        Claim(bar.function.label, bar.spec.n, address - base) for bar, base in zip(segment.bars, segment.bases, strict=True)
    )


def _run(fabric: Fabric, address: int, length: int) -> tuple[Segment | None, int]:
    """Return who answers `address` and for how many of the next `length` bytes that stays so."""
    segment = fabric.segment(Space.MEM, address)
    if segment is not None:
        return segment, min(length, segment.last - address + 1)
    following = fabric.decode_map(Space.MEM).next_start(address)
    return None, length if following is None else min(length, following - address)


def _is_served(segment: Segment, space: Space, address: int, size: int) -> bool:
    """True if the size exists and the bytes lie in the BAR, aligned unless it is plain memory."""
    if size not in SIZES.get(space, ()) or address + size - 1 > segment.last:
        return False
    return not address & (size - 1) or all(bar.is_plain_memory for bar in segment.bars)


def _conflict(fabric: Fabric, segment: Segment, space: Space, operation: str, address: int, size: int, by: str = "cpu") -> None:
    claims = claims_of(segment, address)
    fabric.faults.record(FaultKind.TWO_DECODERS, space, operation, address, size, by=by, claims=claims)
