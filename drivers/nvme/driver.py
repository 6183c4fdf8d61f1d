"""The NVMe driver: which hook starts the controller, and which stops it.

Twin: the ``pci_driver`` at the end of drivers/nvme/host/pci.c with the hooks of RFC patch 18. Everything a pause needs is in
`controller`; requests submitted meanwhile are held by `requests` and replayed.
"""

from __future__ import annotations

from errno import EIO, ENODEV
from typing import TYPE_CHECKING

from movsdk import PciError, PciId

from .controller import NvmeController
from .load import Load
from .regs import BLOCK, CLASS_NVME

if TYPE_CHECKING:
    from movsdk import PciDev


class Nvme:
    """Drives every device of the NVMe class. `moves` lists what moved: device name, old and new address of BAR 0.

    Args as `NvmeController`. No state is shared between devices.
    """

    name = "nvme"
    id_table = (PciId(class_code=CLASS_NVME, class_mask=0xFFFFFF),)

    def __init__(self, io_queues: int = 2, depth: int = 32, drain_ms: int = 100) -> None:
        self.io_queues, self.depth, self.drain_ms = io_queues, depth, drain_ms
        self.moves: list[tuple[str, int, int]] = []

    def probe(self, dev: PciDev, id: PciId) -> None:
        """Bring the drive up; a `PciError` leaves nothing behind."""
        controller = NvmeController(dev, self.io_queues, self.depth, self.drain_ms)
        try:
            controller.start()
        except Exception:
            controller.free()
            raise
        dev.drvdata = controller

    def remove(self, dev: PciDev) -> None:
        """Finish what is in flight if the drive is still there, fail the rest."""
        controller: NvmeController = dev.drvdata
        with controller.lock.held():
            controller.fail(PciError(ENODEV, f"{dev.name}: the drive was removed"))
            controller.free()
        dev.drvdata = None

    def rescan_prepare(self, dev: PciDev) -> None:
        """Hold new requests, drain, disable, unmap."""
        controller: NvmeController = dev.drvdata
        with controller.lock.held():
            controller.is_paused = True
            controller.stop()

    def rescan_done(self, dev: PciDev) -> None:
        """Map BAR 0 where it is now, reset, replay. Without a BAR the requests fail and so does this hook."""
        controller: NvmeController = dev.drvdata
        with controller.lock.held():
            controller.is_paused = False
            self._wake(controller)

    def bar_fixed(self, dev: PciDev, bar: int) -> bool:
        """Answer that no BAR of a drive needs to stay."""
        return False

    def suspend(self, dev: PciDev, state: int) -> None:
        """As before a move; the shutdown makes the drive's cache durable before power may go."""
        controller: NvmeController = dev.drvdata
        with controller.lock.held():
            controller.is_asleep = True
            controller.stop()

    def resume(self, dev: PciDev) -> None:
        """As after a move, and there may have been one."""
        controller: NvmeController = dev.drvdata
        with controller.lock.held():
            controller.is_asleep = False
            self._wake(controller)

    def error_detected(self, dev: PciDev, state: int) -> None:
        """Take every request back; they are replayed after the reset."""
        controller: NvmeController = dev.drvdata
        with controller.lock.held():
            controller.is_broken = True
            controller.stop()

    def slot_reset(self, dev: PciDev) -> None:
        """As after a move."""
        controller: NvmeController = dev.drvdata
        with controller.lock.held():
            controller.is_broken = False
            self._wake(controller)

    def shutdown(self, dev: PciDev) -> None:
        """Make the cache durable and be quiet; nothing follows."""
        controller: NvmeController = dev.drvdata
        with controller.lock.held():
            controller.fail(PciError(ENODEV, f"{dev.name}: the machine is shutting down"))

    def exercise(self, dev: PciDev) -> None:
        """Write and read back one piece on each queue; raises PciError if the drive fails or answers something else."""
        controller: NvmeController = dev.drvdata
        if controller is None:
            raise PciError(ENODEV, f"{dev.name}: no I/O, the drive was removed")
        for lba in range(0, 8 * len(controller.queues), 8):
            content = bytes([lba & 0xFF, controller.starts & 0xFF]) * (4 * BLOCK)
            controller.wait(controller.submit_write(lba, content))
            controller.wait(controller.flush())
            if controller.wait(controller.submit_read(lba, 8)) != content:
                raise PciError(EIO, f"{dev.name}: blocks {lba}+8 read back something else than was written")

    def start_load(self, dev: PciDev, *, reads: int, writes: int, size: int) -> Load:
        """Keep `reads` + `writes` requests of `size` bytes in flight until `stop()`; its ledger tells what became of them."""
        controller: NvmeController = dev.drvdata
        most = controller.identity.max_blocks if controller.identity is not None else 1
        depth = max(1, reads + writes)
        blocks, flushes = min(most, max(1, -(-size // BLOCK))), 0.02 if writes else 0.0
        load = Load(blocks=blocks, tires_after=10_000_000, read_share=reads / depth, flush_share=flushes)
        load.start(controller, queue_depth=depth)
        return load

    def _wake(self, controller: NvmeController) -> None:
        """Start it, unless another pause is still on. A drive that was pulled fails its requests; `remove` will follow."""
        dev = controller.dev
        if controller.is_paused or controller.is_asleep or controller.is_broken:
            return
        known = len(controller.moves)
        try:
            controller.start()
        except Exception as reason:
            controller.fail(PciError(EIO, f"{dev.name}: the drive did not come back, its requests fail: {reason}"))
            if controller.is_present:
                raise
        self.moves += [(dev.name, old, new) for old, new in controller.moves[known:]]
