"""Driver of the edu card: computes factorials, wherever the card's BAR happens to be.

Twin: the driver every kernel course writes for QEMU's edu device. Copy it to start yours; it does not use the card's DMA.
The rule it shows: stop in `rescan_prepare`, start again in `rescan_done`, never keep an address, and let callers wait meanwhile.
"""

from __future__ import annotations

import errno
from contextlib import ExitStack

from movsdk import Gate, PciDev, PciError, PciId

from . import regs as r


class Edu:
    """`dev.drvdata` is the mapping of BAR 0 while the card runs, None while it does not; a gate keeps callers out."""

    name = "edu"
    id_table = (PciId(r.VENDOR, r.DEVICE),)

    def __init__(self) -> None:
        self._gates: dict[PciDev, Gate] = {}

    def probe(self, dev: PciDev, id: PciId) -> None:
        """Switch the card on."""
        dev.enable_device()  # PciError(EINVAL) names a BAR that has no address
        dev.set_master()  # an MSI is a write to memory
        self._gates[dev] = Gate(f"{dev}.io")
        self._start(dev)

    def remove(self, dev: PciDev) -> None:
        """Switch the card off; it may be gone already."""
        self._gates.pop(dev).kill()
        self._stop(dev)
        dev.disable_device()

    def rescan_prepare(self, dev: PciDev) -> None:
        """Finish what runs, then let go of the BAR: it may be elsewhere when we wake."""
        if dev.drvdata is None:
            return  # stopped already
        self._gates[dev].freeze()
        try:
            dev.wait_for(lambda: not self._is_computing(dev), timeout_ms=10)
        finally:
            self._stop(dev)

    def rescan_done(self, dev: PciDev) -> None:
        """Map the BAR where it is now, and let callers in again."""
        self._start(dev)
        self._gates[dev].unfreeze()

    def factorial(self, dev: PciDev, n: int) -> int:
        """Return n! modulo 2**32, computed by the card. A move may come while we wait, outside of the gate."""
        gate = self._gates[dev]
        with gate.entered():
            dev.drvdata.writel(r.STATUS_IRQ_WHEN_DONE, r.STATUS)
            dev.drvdata.writel(n, r.FACTORIAL)
        if not dev.wait_for(lambda: self._has_computed(dev), timeout_ms=100):
            raise PciError(errno.ETIMEDOUT, f"{dev.name}: factorial of {n} took more than 100 ms")
        with gate.entered():
            return int(dev.drvdata.readl(r.FACTORIAL))

    def exercise(self, dev: PciDev) -> None:
        """One round of I/O for `bench.run_io()`. Raises PciError(EIO) if the card computes wrong."""
        if self.factorial(dev, 10) != 3_628_800:
            raise PciError(errno.EIO, f"{dev.name}: 10! came out wrong")

    def _has_computed(self, dev: PciDev) -> bool:
        with self._gates[dev].entered():
            return not self._is_computing(dev)

    def _is_computing(self, dev: PciDev) -> bool:
        return bool(dev.drvdata.readl(r.STATUS) & r.STATUS_COMPUTING)

    def _interrupt(self, dev: PciDev) -> None:
        dev.drvdata.writel(dev.drvdata.readl(r.IRQ_STATUS), r.IRQ_ACK)

    def _start(self, dev: PciDev) -> None:
        """All of it or nothing: what fails here takes back what it did, last thing first."""
        with ExitStack() as undo:
            dev.request_regions(self.name)
            undo.callback(dev.release_regions)
            dev.alloc_irq_vectors(1, 1)
            undo.callback(dev.free_irq_vectors)
            dev.request_irq(0, lambda: self._interrupt(dev), self.name)
            undo.callback(dev.free_irq, 0)
            dev.drvdata = dev.iomap(0)  # last: whoever finds it set finds everything
            undo.pop_all()

    def _stop(self, dev: PciDev) -> None:
        if dev.drvdata is not None:
            dev.synchronize_irq(0)  # one may be on its way
            dev.free_irq(0)
            dev.drvdata.iounmap()
            dev.drvdata = None
        dev.free_irq_vectors()
        dev.release_regions()
