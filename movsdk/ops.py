"""The seam between kernel memory and silicon: what a kernel can do to hardware, and nothing else.

Twin of ``struct pci_ops`` plus the MMIO accessors, interrupt delivery, DMA memory and slot events. `mockbus.fabric` implements
it; a read-only view of a real machine's sysfs could. One `PciOps` serves one domain (host bridge).
Silicon never raises: an access nobody serves answers all-ones and leaves a `Fault`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from attrs import field, frozen

from movsdk.clock import Clock


class Space(Enum):
    """Address space of an access."""

    CONFIG = "config"
    MEM = "mem"
    IO = "io"
    DMA = "dma"
    IRQ = "irq"


class FaultKind(Enum):
    """What silicon noticed while it answered as hardware does."""

    NO_DECODER = "no-decoder"  # no root aperture, or no BAR at the end of the path
    DECODE_OFF = "decode-off"  # a BAR or a bridge on the way would match, but COMMAND says no
    WINDOW_CLOSED = "window-closed"  # a BAR matches, but a bridge window above it does not pass the address
    ASLEEP = "asleep"  # the target, or a bridge on the way, is not in D0
    ABSENT = "absent"  # the BAR that used to be here was pulled
    TWO_DECODERS = "two-decoders"  # both answered; the read is the AND of both, the write went to both
    NO_BUS_MASTER = "no-bus-master"  # DMA or MSI blocked by COMMAND.MASTER on the device or a bridge
    DMA_NO_TARGET = "dma-no-target"  # DMA to an address that is neither host memory nor a BAR
    BAD_ACCESS = "bad-access"  # a size or offset the target does not implement


@frozen
class Claim:
    """Somebody's BAR at an address: `label` is the name of the silicon function, `bar` its BAR number."""

    label: str
    bar: int
    offset: int

    def __str__(self) -> str:
        return f"{self.label} BAR {self.bar} + {self.offset:#x}"


@frozen
class Fault:
    """One access that did not go as meant.

    `address` in bytes (absolute), `size` in bytes, `by` who made the access ("cpu", or the label of the DMA master),
    `claims` who answered (two or more for TWO_DECODERS), `blocked` whose BAR or bridge holds the address without
    answering it, `previous` who answered this address most recently before and does no longer.
    """

    kind: FaultKind
    space: Space
    operation: str
    address: int
    size: int
    by: str = "cpu"
    claims: tuple[Claim, ...] = ()
    blocked: str = ""
    previous: str = ""
    time: int = 0

    def __str__(self) -> str:
        parts = [f"{self.kind.value}: {self.operation} of {self.size} bytes at {self.space.value} {self.address:#x} by {self.by}"]
        if self.claims:
            parts.append("answered by " + ", ".join(map(str, self.claims)))
        if self.blocked:
            parts.append(f"held by {self.blocked}")
        if self.previous:
            parts.append(f"formerly {self.previous}")
        return "; ".join(parts)


@frozen
class Interrupt:
    """One interrupt message as it reaches the CPU: MSI `vector` is the message data; INTx `vector` is the root line 0-3.

    `address`: where an MSI was written to, which says which CPU it is for; 0 for INTx.
    """

    kind: str
    vector: int
    source: str
    address: int = field(default=0, eq=False)


@frozen
class SlotEvent:
    """A hot-plug slot noticed something: `bus`/`devfn` of the port that owns the slot, `present` whether a card sits in it.

    `what` is "presence", "button", "link" (the data link went down, up, or both) or "power-fault".
    """

    bus: int
    devfn: int
    what: str
    present: bool


class DmaBuffer(Protocol):
    """A piece of host memory that devices can reach: `address` as the device sees it, `view` as the CPU sees it."""

    address: int
    size: int

    @property
    def view(self) -> memoryview:
        """The bytes, shared with the devices."""


class PciOps(Protocol):
    """Everything a kernel can do to the hardware of one domain."""

    clock: Clock

    @property
    def faults(self) -> Sequence[Fault]:
        """All faults so far, oldest first."""

    def config_read(self, bus: int, devfn: int, offset: int, size: int) -> int:
        """Read 1, 2 or 4 bytes of config space; all-ones if nobody is there."""

    def config_write(self, bus: int, devfn: int, offset: int, size: int, value: int) -> None:
        """Write 1, 2 or 4 bytes of config space; vanishes if nobody is there."""

    def read(self, space: Space, address: int, size: int) -> int:
        """Read 1, 2, 4 or 8 bytes at a memory address or I/O port, little endian."""

    def write(self, space: Space, address: int, size: int, value: int) -> None:
        """Write 1, 2, 4 or 8 bytes at a memory address or I/O port, little endian."""

    def read_block(self, address: int, length: int) -> bytes:
        """Copy `length` bytes out of memory space (memcpy_fromio)."""

    def write_block(self, address: int, data: bytes) -> None:
        """Copy `data` into memory space (memcpy_toio)."""

    def claims(self, space: Space, address: int) -> tuple[Claim, ...]:
        """Who would answer this address now; an empty tuple where the backend cannot tell. For messages only."""

    def alloc_coherent(self, size: int, align: int = 4096) -> DmaBuffer:
        """Reserve host memory for DMA, zeroed."""

    def free_coherent(self, buffer: DmaBuffer) -> None:
        """Give it back; a device that still uses it is a DMA_NO_TARGET fault."""

    def set_interrupt_handler(self, handler: Callable[[Interrupt], None]) -> None:
        """Deliver every later interrupt to `handler`, from the clock (never inside a register access)."""

    def set_slot_handler(self, handler: Callable[[SlotEvent], None]) -> None:
        """Deliver every later slot event to `handler`, from the clock."""
