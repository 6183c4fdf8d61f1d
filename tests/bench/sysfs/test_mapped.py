"""A mapping of registers: each way that Python lets us see is one access of the right width."""

from __future__ import annotations

import mmap
import os
import struct
import sys
from typing import Any

import pytest

from movsdk.bench.bench import Bench
from movsdk.bench.sysfs.fixture import SysfsSession
from tests.bench.sysfs.cards import Card, MemoryCard


@pytest.fixture
def model() -> MemoryCard:
    """The card that is mapped."""
    return MemoryCard()


@pytest.fixture
def registers(bench: Bench, sysfs: SysfsSession, model: MemoryCard) -> Any:
    """BAR 0 of the card, mapped."""
    dev = bench.plug(Card, model)
    fd = os.open(sysfs.path(dev, "resource0"), os.O_RDWR)
    mapped = mmap.mmap(fd, 4096)
    os.close(fd)
    return mapped


@pytest.mark.parametrize(
    ("start", "data", "writes"),
    [
        (4, b"\x01", [(0, 4, 1, 1)]),
        (4, b"\x01\x02\x03\x04", [(0, 4, 4, 0x04030201)]),
        (8, b"\x01" * 8, [(0, 8, 8, 0x0101010101010101)]),
        (5, b"\x01\x02\x03", [(0, 5, 1, 1), (0, 6, 2, 0x0302)]),
    ],
)
def test_a_slice_is_written_with_the_widest_aligned_accesses(
    registers: Any, model: MemoryCard, start: int, data: bytes, writes: list[tuple[int, int, int, int]]
) -> None:
    """As memcpy_toio() would."""
    registers[start : start + len(data)] = data
    assert model.writes == writes


def test_every_way_to_read(registers: Any) -> None:
    """Index, slice, negative index, step, read(), read_byte(); the card knows no byte lanes."""
    assert (registers[0], registers[0:4], registers[3], registers[0:4:2]) == (0xED, b"\xed\0\0\x01", 0, b"\xed\0")
    assert (registers[-4096], registers[5:2]) == (0xED, b"")
    assert (registers.read(4), registers.tell(), registers.read_byte()) == (b"\xed\0\0\x01", 4, 0)
    registers.seek(4092)
    assert len(registers.read()) == 4
    with pytest.raises(IndexError):
        registers[4096]


def test_every_way_to_write(registers: Any, model: MemoryCard) -> None:
    """Index, step, write(), write_byte(); what does not fit is refused as mmap does."""
    registers[16] = 1
    registers[17:21:2] = b"\x02\x03"
    registers.seek(32)
    registers.write(b"\x04\0\0\0")
    registers.write_byte(5)
    assert model.writes == [(0, 16, 1, 1), (0, 17, 1, 2), (0, 19, 1, 3), (0, 32, 4, 4), (0, 36, 1, 5)]
    with pytest.raises(IndexError, match="wrong size"):
        registers[0:4] = b"\0"
    registers.seek(4095)
    with pytest.raises(ValueError, match="out of range"):
        registers.write(b"12")


def test_closing_carries_what_is_pending(registers: Any, model: MemoryCard) -> None:
    """A write by struct is not lost with the map."""
    struct.pack_into("<I", registers, 64, 9)
    registers.close()
    assert model.writes == [(0, 64, 4, 9)]
    assert registers.closed


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs PEP 688: Python 3.12")
def test_struct_and_short_views_are_seen_at_once(registers: Any, model: MemoryCard) -> None:
    """Reads show the registers of now, writes arrive when the buffer is given back."""
    struct.pack_into("<I", registers, 8, 0x0F)
    assert struct.unpack_from("<I", registers, 8) == (0xFFFF_FFF0,)
    with memoryview(registers) as view, view.cast("I") as words:
        words[4] = 7
    assert model.writes == [(0, 8, 4, 0x0F), (0, 16, 4, 7)]


def test_anonymous_maps_are_left_alone(sysfs: SysfsSession) -> None:
    """The class is the real one for everything else."""
    with mmap.mmap(-1, 4096) as plain:
        plain[:3] = b"abc"
        assert plain[:3] == b"abc"
        assert isinstance(plain, mmap.mmap)
