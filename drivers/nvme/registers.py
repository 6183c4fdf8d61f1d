"""The controller's registers as verbs: enable, disable, shut down, each with a time limit.

Twin: ``nvme_enable_ctrl()``, ``nvme_disable_ctrl()`` and ``nvme_shutdown_ctrl()`` in drivers/nvme/host/core.c. Holds the mapping
of BAR 0 for as long as it is valid; knows no queue entries. A pulled drive reads all-ones: every wait looks for that first.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EIO, ENODEV, ETIMEDOUT
from typing import TYPE_CHECKING

from attrs import define, field

from movsdk import PciError

from . import regs

if TYPE_CHECKING:
    from movsdk import IoMem, PciDev

    from .queues import QueuePair

SHUTDOWN_TIMEOUT_MS = 5_000


@define(eq=False)
class Registers:
    """BAR 0 of `dev`, mapped as `bar`. `stride`, `entries` and `timeout_ms` are what CAP says."""

    dev: PciDev
    bar: IoMem
    stride: int = field(init=False)
    entries: int = field(init=False)
    timeout_ms: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.bar.size <= regs.DOORBELLS:
            need = f"an NVMe controller needs more than {regs.DOORBELLS:#x}"
            raise PciError(EIO, f"{self.dev.name}: BAR 0 has {self.bar.size:#x} bytes; {need}")
        cap = self.bar.readq(regs.CAP)
        if cap == (1 << 64) - 1:
            raise PciError(ENODEV, f"{self.dev.name}: CAP reads all-ones, the drive is gone")
        self.entries = (cap & regs.CAP_MQES) + 1
        self.stride = cap >> regs.CAP_DSTRD_SHIFT & 0xF
        self.timeout_ms = max(1, cap >> regs.CAP_TO_SHIFT & 0xFF) * regs.CAP_TO_UNIT_MS

    def enable(self, admin: QueuePair) -> None:
        """Hand over the admin queue and wait for RDY. Raises PciError ENODEV, EIO or ETIMEDOUT."""
        bar = self.bar
        bar.writel((admin.depth - 1) << 16 | (admin.depth - 1), regs.AQA)
        bar.writeq(admin.sq.address, regs.ASQ)
        bar.writeq(admin.cq.address, regs.ACQ)
        bar.writel(regs.CC_EN | regs.CC_IOSQES | regs.CC_IOCQES, regs.CC)
        self._await(lambda status: bool(status & regs.CSTS_RDY), self.timeout_ms, "become ready (CSTS.RDY = 1)")
        if bar.readl(regs.CSTS) & regs.CSTS_CFS:
            raise PciError(EIO, f"{self.dev.name}: fatal status (CSTS.CFS) after enabling the controller")

    def disable(self) -> None:
        """Clear CC.EN and wait for RDY to follow: from then on the drive touches no host memory. Raises as `enable`."""
        self.bar.writel(self.bar.readl(regs.CC) & ~(regs.CC_EN | regs.CC_SHN_MASK), regs.CC)
        self._await(lambda status: not status & regs.CSTS_RDY, self.timeout_ms, "stop (CSTS.RDY = 0)")

    def shut_down(self) -> None:
        """Tell the drive that power may go: it makes its cache durable. Raises as `enable`."""
        self.bar.writel(self.bar.readl(regs.CC) & ~regs.CC_SHN_MASK | regs.CC_SHN_NORMAL, regs.CC)
        self._await(
            lambda status: status & regs.CSTS_SHST_MASK == regs.CSTS_SHST_COMPLETE,
            SHUTDOWN_TIMEOUT_MS,
            "shut down (CSTS.SHST = 2)",
        )

    def _await(self, reached: Callable[[int], bool], timeout_ms: int, what: str) -> None:
        """Let time pass until CSTS satisfies `reached`, the drive is gone, or the time is over."""

        def settled() -> bool:
            status = self.bar.readl(regs.CSTS)
            return status == regs.ALL_ONES or bool(status & regs.CSTS_CFS) or reached(status)

        in_time = self.dev.wait_for(settled, timeout_ms)
        if self.bar.readl(regs.CSTS) == regs.ALL_ONES:
            raise PciError(ENODEV, f"{self.dev.name}: CSTS reads all-ones, the drive is gone")
        if not in_time:
            raise PciError(ETIMEDOUT, f"{self.dev.name}: the controller did not {what} in {timeout_ms} ms")
