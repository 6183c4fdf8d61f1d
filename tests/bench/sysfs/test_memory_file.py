"""Files in memory: copies that keep holes, ones, what was written since, and another file under memory in use."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator

import pytest

from mockbus.ram import Ram
from movsdk.bench.sysfs import memory_file

GIB = 1 << 30


@pytest.fixture
def files() -> Iterator[list[int]]:
    """Two sparse files of 4 GiB."""
    found = [memory_file.new_file(4 * GIB, "test") for _ in range(2)]
    yield found
    for each in found:
        memory_file.close_quietly(each)


def used(descriptor: int) -> int:
    """Bytes that a file takes."""
    return os.fstat(descriptor).st_blocks * 512


def test_a_copy_keeps_holes_and_forgets_what_was_there(files: list[int]) -> None:
    """4 GiB with two bytes in them cost two pages."""
    source, target = files
    os.pwrite(source, b"a", 0)
    os.pwrite(source, b"z", 4 * GIB - 1)
    os.pwrite(target, b"old", GIB)

    memory_file.copy(source, target)

    assert (os.pread(target, 1, 0), os.pread(target, 1, 4 * GIB - 1), os.pread(target, 3, GIB)) == (b"a", b"z", b"\0\0\0")
    assert used(target) <= 4 * mmap.PAGESIZE


def test_ones_fill_a_small_file_whole_and_a_large_one_where_data_was(files: list[int]) -> None:
    """16 MiB is small."""
    os.pwrite(files[0], b"a", GIB)
    filled = memory_file.fill_with_ones(files[0])
    assert os.pread(files[0], 2, GIB) == b"\xff\xff"
    assert os.pread(files[0], 2, 0) == b"\0\0"
    assert sum(end - start for start, end in filled) <= 4 << 20

    small = memory_file.new_file(memory_file.FILL_WHOLE, "small")
    assert memory_file.fill_with_ones(small) == [(0, memory_file.FILL_WHOLE)]
    assert os.pread(small, 2, memory_file.FILL_WHOLE - 2) == b"\xff\xff"
    os.close(small)


def test_what_was_written_since(files: list[int]) -> None:
    """Runs of bytes, also where a hole was; a hole that was only read is no write."""
    os.pwrite(files[0], b"a", GIB)
    filled = memory_file.fill_with_ones(files[0])
    assert list(memory_file.changed_bytes(files[0], filled)) == []
    with mmap.mmap(files[0], 4 * GIB) as mapped:
        assert mapped[2 * GIB] == 0
        mapped[GIB + 4 : GIB + 7] = b"xyz"
        mapped[3 * GIB : 3 * GIB + 2] = b"12"

    assert list(memory_file.changed_bytes(files[0], filled)) == [(GIB + 4, b"xyz"), (3 * GIB, b"12")]


def test_rebase_moves_memory_to_another_file_under_its_views() -> None:
    """Old views show the new file, at the same address; who mapped the old file keeps it."""
    ram = Ram(0x2000, "card")
    view = ram.view
    view[:4] = b"old!"
    assert ram.fd is not None
    others = mmap.mmap(ram.fd, 0x2000)
    new = memory_file.new_file(0x2000, "new")
    os.pwrite(new, b"new!", 0)

    memory_file.rebase(ram, new)
    os.close(new)

    assert (bytes(view[:4]), ram.read(0, 4).to_bytes(4, "little"), os.pread(ram.fd, 4, 0)) == (b"new!", b"new!", b"new!")
    assert others[:4] == b"old!"
    view[:4] = b"more"
    assert (others[:4], os.pread(ram.fd, 4, 0)) == (b"old!", b"more")
