"""Host memory for DMA: what is handed out, and what an address means."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockbus.memory import CoherentBuffer, HostMemory
from movsdk.address import Span
from movsdk.errors import BadInput, PciError


@given(st.lists(st.tuples(st.integers(1, 0x3000), st.integers(0, 15), st.booleans()), max_size=30))
def test_buffers_are_aligned_inside_and_apart(requests: list[tuple[int, int, bool]]) -> None:
    """However buffers come and go: each is zeroed, aligned, inside the range, and shares no byte with another."""
    memory = HostMemory(Span(0x10_0000, 0x3FFF_FFFF))
    live: list[CoherentBuffer] = []

    for size, order, is_freed in requests:
        buffer = memory.alloc(size, 1 << order)
        assert buffer.address % (1 << order) == 0
        assert not any(buffer.view)
        buffer.view[:] = b"\xaa" * size
        live.append(buffer)
        if is_freed:
            memory.free(live.pop(0))

    spans = sorted((buffer.address, buffer.last) for buffer in live)
    assert all(memory.span.contains(Span(*span)) for span in spans)
    assert all(one[1] < two[0] for one, two in itertools.pairwise(spans))


def test_the_lowest_hole_is_used_again() -> None:
    """Freed memory is the first to be handed out: addresses do not run away."""
    memory = HostMemory(Span(0x10_0000, 0x1F_FFFF))
    first, second = memory.alloc(0x2000), memory.alloc(0x1000)

    memory.free(first)
    small, big = memory.alloc(0x1000), memory.alloc(0x2000)

    assert (first.address, second.address) == (0x10_0000, 0x10_2000)
    assert (small.address, big.address) == (0x10_0000, 0x10_3000)


@pytest.mark.parametrize(
    ("offset", "length", "found"),
    [
        pytest.param(0, 0x1000, True, id="all of it"),
        pytest.param(0xFFC, 4, True, id="the last word"),
        pytest.param(0xFFD, 4, False, id="one byte too far"),
        pytest.param(-1, 1, False, id="before it"),
        pytest.param(0, 0, False, id="nothing"),
    ],
)
def test_only_bytes_of_one_buffer_are_memory(offset: int, length: int, found: bool) -> None:
    """Reaching over the end of a buffer is not memory, even if another buffer follows: that is a device's bug."""
    memory = HostMemory()
    buffer = memory.alloc(0x1000)
    memory.alloc(0x1000)

    view = memory.find(buffer.address + offset, length)

    assert (view is not None) is found


def test_memory_is_shared_with_the_cpu() -> None:
    """Device and CPU see the same bytes."""
    memory = HostMemory()
    buffer = memory.alloc(16)
    view = memory.find(buffer.address + 4, 4)
    assert view is not None

    view[:] = b"dma!"

    assert bytes(buffer.view[4:8]) == b"dma!"


def test_a_freed_buffer_is_gone() -> None:
    """After the free neither device nor CPU can use it, and freeing it twice is refused."""
    memory = HostMemory()
    buffer = memory.alloc(16)

    memory.free(buffer)

    assert memory.find(buffer.address, 4) is None
    with pytest.raises(ValueError, match="released"):
        _ = buffer.view[0]
    with pytest.raises(BadInput, match="the DMA buffer at 0x100000 is not in use; it was freed before"):
        memory.free(buffer)


def test_no_memory_left_is_enomem() -> None:
    """The caller gets what the kernel would: ENOMEM, with the numbers."""
    memory = HostMemory(Span(0x10_0000, 0x10_1FFF))
    memory.alloc(0x1000)

    with pytest.raises(PciError, match=r"\[ENOMEM\] no 0x2000 bytes of DMA memory left in .* \(0x1000 in use\)"):
        memory.alloc(0x2000)


@pytest.mark.parametrize(("size", "align"), [(0, 4096), (-1, 4096), (16, 3), (16, 0)])
def test_requests_without_sense_are_refused(size: int, align: int) -> None:
    """A size of nothing and an alignment that is no power of two are mistakes of the caller."""
    with pytest.raises(BadInput, match="give a positive size and a power of two"):
        HostMemory().alloc(size, align)
