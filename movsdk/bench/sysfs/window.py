"""One BAR at one address, as user space may have it mapped: live while that BAR answers there, dead otherwise.

Twin: what an ``mmap()`` of resourceN leaves in page tables: an address, not a device. A dead window reads all-ones, and what is
written to it reaches nobody (real hardware would let it reach the address's next owner). `ram_window`, `register_window` say how.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from attrs import define, field, frozen

from mockbus.bar import Bar
from movsdk.bench.sysfs import memory_file
from movsdk.bench.sysfs.memory_file import Extent
from movsdk.kernel.device import Device
from movsdk.ops import Space


@frozen
class StaleWrite:
    """Bytes that user space wrote through a dead mapping: `offset` in BAR `bar` of `device`, which was at `address`."""

    device: str
    bar: int
    address: int
    offset: int
    data: bytes

    def __str__(self) -> str:
        shown = self.data[:16].hex(" ") + (" ..." if len(self.data) > 16 else "")
        return f"{self.device} BAR {self.bar} + {self.offset:#x}, formerly at {self.address:#x}: {shown}"


@define(eq=False)
class Window(ABC):
    """`file` is the memfd that user space maps, the same for as long as the window exists.

    It dies for good with `device`: the kernel takes the maps of a device that it removes, and a rescan makes another device.
    """

    device: Device = field(repr=False)
    bar: Bar
    address: int
    file: int
    is_live: bool = field(default=False, init=False)
    filled: list[Extent] = field(factory=list, init=False, repr=False)

    @property
    def is_decoded(self) -> bool:
        """True if an access to the address reaches this BAR now: decode on, bridges open, nobody asleep."""
        if self.device.is_removed:
            return False
        segment = self.bar.function.fabric.segment(Space.MEM, self.address)
        return segment is not None and (self.bar, self.address) in zip(segment.bars, segment.bases, strict=True)

    @abstractmethod
    def adopt(self) -> None:
        """Become live."""

    def retire(self) -> None:
        """Become dead."""
        self.is_live = False
        self.filled = memory_file.fill_with_ones(self.file)

    @abstractmethod
    def refresh(self) -> None:
        """Let writes of user space reach the device and new values reach user space, where memory is not shared anyway."""

    def stale_writes(self) -> Iterator[StaleWrite]:
        """What was written while it was dead. A byte 0xff cannot be told from none."""
        if not self.is_live:
            function = self.bar.function
            for offset, data in memory_file.changed_bytes(self.file, self.filled):
                yield StaleWrite(function.label, self.bar.spec.n, self.address, offset, data)

    def close(self) -> None:
        """Give the file back; mappings of it stay as they are."""
        memory_file.close_quietly(self.file)
