"""A piece of a BAR in the address space of a user process.

Twin: ``io_remap_pfn_range()``, ``vmf_insert_pfn()``, ``unmap_mapping_range()`` and ``fault`` of ``vm_operations_struct``.
Pages point at a bus address until they are zapped; nobody looks whether the BAR is still there: the driver's duty (rule C23).
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from attrs import define, field

from movsdk.errors import PciError, UserBusError
from movsdk.kernel.actor import Site, call_site, record_breach, show
from movsdk.kernel.device import Device
from movsdk.kernel.devres import held_by
from movsdk.kernel.pcidev import PciDev, device_of
from movsdk.kernel.sanitizer import is_lost
from movsdk.layout.table import UNSET
from movsdk.ops import Space
from movsdk.trace import What

_MOST_FAULTS = 1000  # that a user takes in a row before it counts as spinning


@define(eq=False, repr=False)
class UserMapping:
    """`length` bytes of BAR `bar` from `offset` on, mapped by a user. Made in the driver's ``mmap``, zapped in `rescan_prepare`.

    Args:
        fault: called with the mapping when the user touches a page that is not there; it calls `insert()`, or raises
            `PciError`, and the user gets SIGBUS. If it does neither, the user faults again (``VM_FAULT_NOPAGE``).
            Without it, what was zapped stays so.
    Raises:
        PciError: EINVAL (beyond the BAR, or it has no address), ENODEV (the device is gone).
    """

    dev: PciDev
    bar: int
    offset: int
    length: int
    fault: Callable[[UserMapping], None] | None = field(default=None)
    mapped_at: Site = field(factory=call_site, init=False)
    is_closed: bool = field(default=False, init=False)
    address: int | None = field(default=None, init=False)
    _dummy: bytearray | None = field(default=None, init=False)
    _generation: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._check()
        held = held_by(self.device)
        if held is not None:
            held.user_mappings = [*held.user_mappings, self]

    @property
    def device(self) -> Device:
        """The kernel's side of `dev`."""
        return device_of(self.dev)

    @property
    def is_present(self) -> bool:
        """Whether the pages are there."""
        return self.address is not None

    @property
    def is_stale(self) -> bool:
        """Whether the pages point at a place where the BAR is no longer."""
        return self.is_present and self._generation != self.device.generation[self.bar]

    @property
    def is_dummy(self) -> bool:
        """Whether a dummy page is there instead."""
        return self._dummy is not None

    # --- the driver's side --------------------------------------------------------------------------------
    def insert(self) -> None:
        """Point the pages at where the BAR is now. Raises `PciError`: EINVAL, ENODEV."""
        self._check()
        self.address = self.device.resources[self.bar].start + self.offset
        self._generation = self.device.generation[self.bar]

    def insert_dummy(self) -> None:
        """Give the user a page of memory that belongs to nobody: what is written there is lost (rule C24)."""
        self._dummy = bytearray(self.length)

    def zap(self) -> None:
        """Take the pages away; the user's next access faults."""
        self.address = self._dummy = None

    def close(self) -> None:
        """The end of the mapping (munmap, or the process ended)."""
        self.zap()
        self.is_closed = True
        held = held_by(self.device)
        if held is not None:
            held.user_mappings = [mapping for mapping in held.user_mappings if mapping is not self]

    # --- the user's side ----------------------------------------------------------------------------------
    def read(self, offset: int, size: int = 4) -> int:
        """A load of 1, 2, 4 or 8 bytes by the process. Raises `UserBusError`: the process gets SIGBUS."""
        address = self._touch("read", offset, size)
        if self._dummy is not None:
            return int.from_bytes(self._dummy[offset : offset + size], "little")
        return self.device.system.ops.read(Space.MEM, address, size)

    def write(self, value: int, offset: int, size: int = 4) -> None:
        """A store of 1, 2, 4 or 8 bytes by the process. Raises `UserBusError`: the process gets SIGBUS."""
        address = self._touch("write", offset, size)
        if self._dummy is not None:
            self._dummy[offset : offset + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")
            return
        self.device.system.ops.write(Space.MEM, address, size, value & ((1 << 8 * size) - 1))

    def _touch(self, operation: str, offset: int, size: int) -> int:
        """The bus address that the process's access goes to."""
        if self.is_closed or not 0 <= offset <= self.length - size:
            raise UserBusError(f"{self}: {operation} of {size} bytes at {offset:#x} outside of the mapping, SIGBUS")
        if self.address is None and self._dummy is None:
            self._fault_in(operation)
        if self._dummy is None:
            self._judge(operation, offset)
        return (self.address or 0) + offset

    def _fault_in(self, operation: str) -> None:
        for _ in range(_MOST_FAULTS):
            if self.fault is None:
                raise UserBusError(f"{self}: {operation} of a page that was zapped and not inserted again, SIGBUS")
            try:
                self.fault(self)
            except PciError as error:
                raise UserBusError(f"{self}: {operation} got SIGBUS: {error}") from error
            if self.address is not None or self._dummy is not None:
                return
        text = (
            f"{self}: {_MOST_FAULTS} faults in a row and no page; a user that retries keeps a CPU busy and may keep rescan_done "
            "from coming. Sleep in the fault handler until the device is back, or refuse"
        )
        self.device.system.trace.add(What.FAULT, self.device.label, text)
        record_breach(self.device, text, self.fault, "retry")
        raise UserBusError(text)

    def _judge(self, operation: str, offset: int) -> None:
        device = self.device
        if not self.is_stale and not device.is_paused and not is_lost(device):
            return
        now = device.bar_span(self.bar)
        moved = f"but BAR {self.bar} is at {now or 'no address'} now"
        why = "between rescan_prepare and rescan_done" if device.is_paused else moved
        address = (self.address or 0) + offset
        hit = ", ".join(map(str, device.system.ops.claims(Space.MEM, address))) or "nobody"
        text = (
            f"{self}: a user's {operation} went to {address:#x} through pages inserted before, {why}; it hit {hit}. "
            f"Mapped at {show(self.mapped_at)}; zap() user mappings in rescan_prepare"
        )
        device.system.trace.add(What.FAULT, device.label, text)
        record_breach(device, text, self.mapped_at, "user")

    def _check(self) -> None:
        device = self.device
        if is_lost(device):
            raise PciError(errno.ENODEV, f"{self}: the device is gone")
        resource = device.resources[self.bar] if 0 <= self.bar < 6 else None
        if resource is None or not resource.flags or resource.parent is None or resource.flags & UNSET:
            raise PciError(errno.EINVAL, f"{self}: there is no such BAR, or it has no address")
        if self.offset < 0 or self.length <= 0 or self.offset + self.length > resource.size:
            raise PciError(errno.EINVAL, f"{self}: beyond the {resource.size:#x} bytes of the BAR")

    def __str__(self) -> str:
        return f"user mapping of {self.dev} BAR {self.bar} + {self.offset:#x}, {self.length:#x} bytes"

    def __repr__(self) -> str:
        return f"<UserMapping {self}>"
