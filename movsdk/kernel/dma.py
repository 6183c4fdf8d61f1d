"""Host memory that a device may reach: coherent buffers with an owner.

Twin: ``dma_alloc_coherent()`` and ``dma_free_coherent()``. Whether the device may reach them (bus mastering on every hop) is
silicon's business; what is still allocated when the driver goes is reported by `devres`.
"""

from __future__ import annotations

import errno

from movsdk.errors import NoSpace, PciError
from movsdk.kernel.device import Device
from movsdk.kernel.devres import Holdings
from movsdk.ops import DmaBuffer
from movsdk.points import checkpoint


def alloc_coherent(device: Device, held: Holdings, size: int) -> DmaBuffer:
    """Reserve `size` bytes, zeroed and page aligned, owned by the driver of `device`; in an interrupt handler, too (GFP_ATOMIC).

    Raises:
        PciError: EINVAL (size not positive), ENOMEM (host memory is used up).
    """
    if size <= 0:
        raise PciError(errno.EINVAL, f"{device}: cannot allocate {size} bytes for DMA; ask for at least one")
    checkpoint(f"{device.label} dma_alloc_coherent", writes=(("dma",),))
    try:
        buffer = device.system.ops.alloc_coherent(size)
    except (MemoryError, NoSpace, PciError) as error:
        raise PciError(
            errno.ENOMEM,
            f"{device}: no host memory for a DMA buffer of {size:#x} bytes ({error}); free buffers, or give the machine more RAM",
            device=device.label,
            size=size,
        ) from error
    held.buffers = [*held.buffers, buffer]
    return buffer


def free_coherent(device: Device, held: Holdings, buffer: DmaBuffer) -> None:
    """Give `buffer` back; the device must not use it any more.

    Raises:
        PciError: EINVAL, it is not a buffer of this device, or was freed before.
    """
    checkpoint(f"{device.label} dma_free_coherent", writes=(("dma",),))
    if not any(buffer is own for own in held.buffers):
        raise PciError(
            errno.EINVAL,
            f"{device}: DMA buffer at {buffer.address:#x} is not its own, or was freed before; free each buffer once",
            device=device.label,
            address=buffer.address,
        )
    held.buffers = [own for own in held.buffers if own is not buffer]
    device.system.ops.free_coherent(buffer)
