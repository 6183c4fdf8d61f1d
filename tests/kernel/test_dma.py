"""Coherent buffers belong to a driver and go back once."""

from __future__ import annotations

import errno

import pytest

from movsdk.errors import PciError
from tests.kernel.rig import Card, Rig


def test_a_buffer_is_one_memory_for_cpu_and_device() -> None:
    """Zeroed, page aligned; what one side writes the other reads."""
    rig = Rig.of(Card())
    dev = rig.dev()
    dev.set_master()
    buffer = dev.dma_alloc_coherent(0x1800)
    assert (buffer.size, buffer.address % 0x1000, bytes(buffer.view[:4])) == (0x1800, 0, bytes(4))

    rig.models["card1"].dma_write(buffer.address + 8, b"from device")
    buffer.view[0:4] = b"from"

    assert bytes(buffer.view[8:19]) == b"from device"
    assert rig.models["card1"].dma_read(buffer.address, 4) == b"from"


@pytest.mark.parametrize(
    ("size", "error", "text"),
    [
        (0, errno.EINVAL, "cannot allocate 0 bytes for DMA; ask for at least one"),
        (1 << 40, errno.ENOMEM, "no host memory for a DMA buffer of 0x10000000000 bytes"),
    ],
)
def test_sizes_that_cannot_be(size: int, error: int, text: str) -> None:
    """EINVAL and ENOMEM name the device and the size."""
    dev = Rig.of(Card()).dev()

    with pytest.raises(PciError) as caught:
        dev.dma_alloc_coherent(size)

    assert caught.value.errno == error
    assert str(caught.value).startswith(f"[{errno.errorcode[error]}] card1 (0000:00:01.0): ")
    assert text in str(caught.value)
    assert dev.held.buffers == []


def test_a_buffer_is_freed_once_and_by_its_owner() -> None:
    """EINVAL otherwise."""
    rig = Rig.of(Card(), Card())
    mine, yours = rig.dev(), rig.dev("card2")
    buffer = mine.dma_alloc_coherent(64)

    with pytest.raises(PciError, match=r"\[EINVAL\] card2 .*is not its own, or was freed before; free each buffer once"):
        yours.dma_free_coherent(buffer)
    mine.dma_free_coherent(buffer)

    with pytest.raises(PciError, match="is not its own, or was freed before"):
        mine.dma_free_coherent(buffer)
