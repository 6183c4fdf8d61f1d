"""Driver of the old line-printer card, written long before BARs could move.

Twin: most drivers there are. It works, and it has no rescan hooks: the kernel must not move its BARs, and takes care not to.
"""

from __future__ import annotations

import errno

from attrs import define

from movsdk import IoMem, PciDev, PciError, PciId

from . import regs as r


@define(eq=False)
class Printer:
    """What the driver remembers of one card. Its mappings last until `remove`: that is what pins the BARs."""

    ports: IoMem
    memory: IoMem
    interrupts: int = 0


class Legacy:
    """`dev.drvdata` is a `Printer`."""

    name = "legacy"
    id_table = (PciId(r.VENDOR, r.DEVICE),)

    def probe(self, dev: PciDev, id: PciId) -> None:
        """Map ports and memory, take the interrupt line."""
        dev.enable_device()
        dev.request_regions(self.name)
        dev.drvdata = Printer(ports=dev.iomap(r.PORTS_BAR), memory=dev.iomap(r.MEMORY_BAR))
        dev.alloc_irq_vectors(1, 1)  # the card has INTx only
        dev.request_irq(0, lambda: self._interrupt(dev.drvdata), self.name)
        dev.drvdata.ports.writeb(r.CONTROL_IRQ, r.CONTROL)

    def remove(self, dev: PciDev) -> None:
        """Undo `probe`, last thing first."""
        printer: Printer = dev.drvdata
        printer.ports.writeb(0, r.CONTROL)
        dev.free_irq(0)
        dev.free_irq_vectors()
        printer.memory.iounmap()
        printer.ports.iounmap()
        dev.release_regions()
        dev.disable_device()

    def print(self, dev: PciDev, text: bytes) -> None:
        """Print `text`, a byte an interrupt. Raises PciError(EIO) if the printer does not get ready."""
        for byte in text:
            self._print_byte(dev, dev.drvdata, byte)

    def _print_byte(self, dev: PciDev, printer: Printer, byte: int) -> None:
        wanted = printer.interrupts + 1
        printer.ports.writeb(byte, r.DATA)
        if not dev.wait_for(lambda: printer.interrupts >= wanted, timeout_ms=10):
            raise PciError(errno.EIO, f"{dev.name}: printer not ready for 10 ms after byte {byte:#04x}; out of paper?")

    def store(self, dev: PciDev, offset: int, content: bytes) -> None:
        """Keep `content` in the card's memory."""
        dev.drvdata.memory.memcpy_toio(offset, content)

    def load(self, dev: PciDev, offset: int, length: int) -> bytes:
        """Return `length` bytes of the card's memory."""
        return bytes(dev.drvdata.memory.memcpy_fromio(offset, length))

    def exercise(self, dev: PciDev) -> None:
        """One round of I/O for `bench.run_io()`. Raises PciError(EIO) if the memory forgets or the printer hangs."""
        self.store(dev, 0, b"exercise")
        self.print(dev, b".")
        if self.load(dev, 0, 8) != b"exercise":
            raise PciError(errno.EIO, f"{dev.name}: the card's memory lost what was stored")

    def _interrupt(self, printer: Printer) -> None:
        if printer.ports.readb(r.STATUS) & r.STATUS_PENDING:  # the line is shared: it may be somebody else's
            printer.ports.writeb(0, r.ACKNOWLEDGE)
            printer.interrupts += 1
