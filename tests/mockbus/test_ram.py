"""Memory behind a BAR: sparse, lazy, shared."""

from __future__ import annotations

import gc
import mmap
import os

import pytest

from mockbus.ram import Ram

needs_memfd = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="the system has no memfd")


def test_memory_appears_when_it_is_touched() -> None:
    """A BAR nobody uses maps nothing."""
    ram = Ram(1 << 20)

    before = ram.is_mapped
    ram.write(0, 4, 1)

    assert (before, ram.is_mapped) == (False, True)


@needs_memfd
def test_a_huge_framebuffer_costs_what_is_written() -> None:
    """64 GiB with two pages written take about two pages."""
    ram = Ram(64 << 30)

    ram.write(0, 8, 0x1122334455667788)
    ram.write((64 << 30) - 8, 8, 0x99AABBCCDDEEFF00)

    assert ram.fd is not None
    assert os.fstat(ram.fd).st_blocks * 512 <= 1 << 20
    assert (ram.read(0, 8), ram.read((64 << 30) - 4, 4)) == (0x1122334455667788, 0x99AABBCC)


@needs_memfd
def test_others_share_it_through_the_descriptor() -> None:
    """Whoever maps the descriptor sees the same bytes: that is how resourceN will work."""
    ram = Ram(4096)
    assert ram.fd is not None

    with mmap.mmap(ram.fd, 4096) as shared:
        ram.write(16, 4, 0xCAFEF00D)
        seen = bytes(shared[16:20])
        shared[20] = 0x5A

    assert (seen, ram.read(20, 1)) == (b"\x0d\xf0\xfe\xca", 0x5A)


@needs_memfd
def test_the_descriptor_dies_with_the_memory() -> None:
    """No descriptor leaks when a machine is forgotten."""
    ram = Ram(4096)
    fd = ram.fd
    assert fd is not None

    del ram
    gc.collect()

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
