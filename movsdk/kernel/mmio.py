"""What iomap() gives a driver: a BAR's registers, usable until closed, and only while the BAR stays where it was.

Twin: ``pci_iomap_range()``, ``readl()`` and friends, ``memcpy_fromio()``. An access always goes to the address the BAR had when
it was mapped, as on hardware; `sanitizer` judges afterwards whether that was what the driver meant.
"""

from __future__ import annotations

import errno

from attrs import define, field

from movsdk.address import Span
from movsdk.errors import PciError
from movsdk.kernel.actor import Site, call_site, might_sleep
from movsdk.kernel.device import Device, places_seen
from movsdk.kernel.sanitizer import is_lost, judge, refuse
from movsdk.layout.table import IO, UNSET
from movsdk.ops import PciOps, Space
from movsdk.pci_regs import ROM_RESOURCE
from movsdk.points import checkpoint, is_watched, mention
from movsdk.trace import What

_SUFFIX = {1: "b", 2: "w", 4: "l", 8: "q"}
_CHUNK = 1 << 20


@define(eq=False, slots=True, repr=False)
class IoMem:
    """Registers of one BAR. Reads take an offset in bytes, writes a value and an offset, in the kernel's order.

    `start` is the address of the BAR when it was mapped, `address` that of the first mapped byte, `size` the bytes mapped.
    Every access may raise an `AccessFault` at the driver's line.
    """

    device: Device
    bar: int
    span: Span
    address: int
    size: int
    space: Space
    wc: bool = False
    generation: int = 0
    mapped_at: Site = ("?", 0)
    closed_at: Site | None = field(default=None, init=False)
    closed_by_core: bool = field(default=False, init=False)
    _ops: PciOps = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._ops = self.device.system.ops

    @property
    def start(self) -> int:
        """Address of the BAR when it was mapped; compare it with `resource_start()` to see a move."""
        return self.span.start

    @property
    def closed(self) -> bool:
        """True after iounmap()."""
        return self.closed_at is not None

    def iounmap(self) -> None:
        """Close the mapping; a second time is noted and does nothing."""
        might_sleep("iounmap")
        site = call_site()
        if self.closed_at is not None:
            self.device.system.trace.add(What.NOTE, self.device.label, f"{self} closed twice", site)
            return
        self._closes()
        self.closed_at = site
        view = self.device.view
        if view is not None:
            view.held.mappings = [mapping for mapping in view.held.mappings if mapping is not self]

    def revoke(self) -> None:
        """Close the mapping from the core's side: the driver that made it is unbound."""
        self._closes()
        self.closed_at = self.mapped_at
        self.closed_by_core = True

    # --- registers -----------------------------------------------------------------------------------
    def readb(self, offset: int) -> int:
        """Read 1 byte."""
        return self._read(offset, 1)

    def readw(self, offset: int) -> int:
        """Read 2 bytes, little endian."""
        return self._read(offset, 2)

    def readl(self, offset: int) -> int:
        """Read 4 bytes, little endian."""
        return self._read(offset, 4)

    def readq(self, offset: int) -> int:
        """Read 8 bytes, little endian."""
        return self._read(offset, 8)

    def writeb(self, value: int, offset: int) -> None:
        """Write the low byte of `value`."""
        self._write(value, offset, 1)

    def writew(self, value: int, offset: int) -> None:
        """Write the low 2 bytes of `value`, little endian."""
        self._write(value, offset, 2)

    def writel(self, value: int, offset: int) -> None:
        """Write the low 4 bytes of `value`, little endian."""
        self._write(value, offset, 4)

    def writeq(self, value: int, offset: int) -> None:
        """Write the low 8 bytes of `value`, little endian."""
        self._write(value, offset, 8)

    # --- bulk ----------------------------------------------------------------------------------------
    def memcpy_fromio(self, offset: int, length: int) -> bytes:
        """Copy `length` bytes out of the BAR."""
        if length == 0:
            return b""
        if not self._is_inside(offset, length):
            refuse(self, "memcpy_fromio", offset, length)
            return b"\xff" * length
        ops, address = self._ops, self.address + offset
        seen = len(ops.faults)
        self._announce("memcpy_fromio", offset, is_write=False)
        if self.space is Space.IO:
            data = bytes(ops.read(Space.IO, address + at, 1) & 0xFF for at in range(length))
        else:
            data = ops.read_block(address, length)
        judge(self, "memcpy_fromio", offset, length, seen)
        return data

    def memcpy_toio(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Copy `data` into the BAR."""
        if len(data) == 0:
            return
        if not self._is_inside(offset, len(data)):
            refuse(self, "memcpy_toio", offset, len(data))
            return
        ops, address = self._ops, self.address + offset
        seen = len(ops.faults)
        self._announce("memcpy_toio", offset, is_write=True)
        if self.space is Space.IO:
            for at, byte in enumerate(bytes(data)):
                ops.write(Space.IO, address + at, 1, byte)
        else:
            ops.write_block(address, bytes(data))
        judge(self, "memcpy_toio", offset, len(data), seen)

    def memset_io(self, offset: int, value: int, length: int) -> None:
        """Fill `length` bytes with the low byte of `value`."""
        chunk = bytes((value & 0xFF,)) * min(length, _CHUNK)
        for at in range(0, length, _CHUNK):
            self.memcpy_toio(offset + at, chunk[: length - at])

    # --- the hot path: a good access costs a few comparisons --------------------------------------------
    def _read(self, offset: int, size: int) -> int:
        if self.closed_at is not None or offset < 0 or offset + size > self.size:
            refuse(self, f"read{_SUFFIX[size]}", offset, size)
            return (1 << 8 * size) - 1
        ops, device = self._ops, self.device
        seen = len(ops.faults)
        if is_watched():
            self._announce(f"read{_SUFFIX[size]}", offset, is_write=False)
        value = ops.read(self.space, self.address + offset, size)
        if (
            len(ops.faults) != seen
            or self.closed
            or device.is_paused
            or device.is_gone
            or device.is_removed
            or device.generation[self.bar] != self.generation
        ):
            judge(self, f"read{_SUFFIX[size]}", offset, size, seen)
        return value

    def _write(self, value: int, offset: int, size: int) -> None:
        if self.closed_at is not None or offset < 0 or offset + size > self.size:
            refuse(self, f"write{_SUFFIX[size]}", offset, size)
            return
        ops, device = self._ops, self.device
        seen = len(ops.faults)
        if is_watched():
            self._announce(f"write{_SUFFIX[size]}", offset, is_write=True)
        ops.write(self.space, self.address + offset, size, value & ((1 << 8 * size) - 1))
        if (
            len(ops.faults) != seen
            or self.closed
            or device.is_paused
            or device.is_gone
            or device.is_removed
            or device.generation[self.bar] != self.generation
        ):
            judge(self, f"write{_SUFFIX[size]}", offset, size, seen)

    @property
    def cells(self) -> tuple[tuple[str, str, int]]:
        """What says whether it is open; mappings of one BAR count as one."""
        return (("mapping", self.device.label, self.bar),)

    def _closes(self) -> None:
        mention(f"{self.device.label} iounmap BAR {self.bar}", (), self.cells)

    def _is_inside(self, offset: int, length: int) -> bool:
        return self.closed_at is None and offset >= 0 and offset + length <= self.size

    def _announce(self, operation: str, offset: int, *, is_write: bool) -> None:
        """Belief that the access depends on; silicon announces what it is routed through."""
        if not is_watched():
            return
        who = self.device.label
        cell = ("bar", who, self.bar, offset)
        belief = (("paused", who), ("generation", who, self.bar), *self.cells)
        label = f"{who} {operation} BAR {self.bar} + {offset:#x}"
        checkpoint(label, reads=belief if is_write else (*belief, cell), writes=(cell,) if is_write else ())

    def __str__(self) -> str:
        return f"mapping of {self.device} BAR {self.bar} {Span.sized(self.address, self.size)}"

    def __repr__(self) -> str:
        return f"<IoMem {self}{' closed' if self.closed else ''}>"


def iomap(device: Device, bar: int, offset: int = 0, length: int | None = None, *, wc: bool = False) -> IoMem:
    """Map `length` bytes (None = to the end) of BAR `bar` (0-5) from `offset` on. Closed by `IoMem.iounmap()`.

    Raises:
        PciError: ENODEV (device gone), EINVAL (no such BAR, no address, or outside of it).
    """
    might_sleep("iomap")
    if is_lost(device):
        raise PciError(errno.ENODEV, f"{device}: cannot map BAR {bar}, the device is gone", device=device.label, bar=bar)
    if not 0 <= bar < ROM_RESOURCE:
        raise _einval(device, bar, f"there is no BAR {bar}; BARs are 0 to 5")
    places_seen(device)
    mention(f"{device.label} iomap BAR {bar}", (("generation", device.label, bar),))
    resource = device.resources[bar]
    if not resource.flags:
        raise _einval(device, bar, f"it has no BAR {bar}; see dev.resources for those it has")
    span = device.bar_span(bar)
    if span is None or resource.flags & UNSET:
        raise _einval(
            device,
            bar,
            f"BAR {bar} of {resource.size:#x} bytes is not assigned; make room for it (rescan with movable BARs, "
            "or a larger window) and probe again",
        )
    length = span.size - offset if length is None else length
    if offset < 0 or length <= 0 or offset + length > span.size:
        raise _einval(device, bar, f"offset {offset:#x} and length {length:#x} do not fit BAR {bar} of {span.size:#x} bytes")
    return IoMem(
        device,
        bar,
        span,
        span.start + offset,
        length,
        Space.IO if resource.flags & IO else Space.MEM,
        wc=wc,
        generation=device.generation[bar],
        mapped_at=call_site(),
    )


def make_stale(device: Device, bar: int) -> None:
    """BAR `bar` is elsewhere: mappings made until now no longer mean it."""
    checkpoint(f"{device.label} W generation of BAR {bar}", writes=(("generation", device.label, bar),))
    device.generation[bar] += 1


def _einval(device: Device, bar: int, text: str) -> PciError:
    return PciError(errno.EINVAL, f"{device}: cannot map: {text}", device=device.label, bar=bar)
