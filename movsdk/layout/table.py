"""The tables that sizing and placing work on: resources, the functions that own them, the buses they sit on.

Twin: ``struct resource`` with kernel/resource.c, and the parts of ``struct pci_dev`` and ``struct pci_bus`` that
drivers/pci/setup-bus.c reads. Numbers only: nothing here reads a register or calls a driver.
All arithmetic is unsigned 64 bit; `last` is inclusive; a resource never touched has start = last = 0, hence size 1.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from enum import IntFlag
from typing import Any, Final

from attrs import define, field, frozen

from movsdk.pci_regs import BRIDGE_RESOURCES, NUM_RESOURCES

M64: Final = (1 << 64) - 1
MEG: Final = 1 << 20
PAGE_4K: Final = 0x1000
FOUR_GIG: Final = 1 << 32


class Flag(IntFlag):
    """Resource flags that matter for layout (the kernel's ``IORESOURCE_*`` without the prefix)."""

    NONE = 0
    IO = 0x1
    MEM = 0x2
    PREFETCH = 0x4
    MEM_64 = 0x8
    UNSET = 0x10
    SIZEALIGN = 0x20
    STARTALIGN = 0x40
    PCI_FIXED = 0x80
    ROM_SHADOW = 0x100


# Plain ints of the members: `&` on an IntFlag costs thirty times the one on an int, and these loops are the hot ones.
IO: Final = int(Flag.IO)
MEM: Final = int(Flag.MEM)
PREF: Final = int(Flag.PREFETCH)
MEM_64: Final = int(Flag.MEM_64)
UNSET: Final = int(Flag.UNSET)
SIZEALIGN: Final = int(Flag.SIZEALIGN)
STARTALIGN: Final = int(Flag.STARTALIGN)
PCI_FIXED: Final = int(Flag.PCI_FIXED)
ROM_SHADOW: Final = int(Flag.ROM_SHADOW)
TYPE_BITS: Final = IO | MEM
WINDOW_TYPE: Final = IO | MEM | PREF | MEM_64


def align_up(address: int, alignment: int) -> int:
    """Return the first multiple of `alignment` (bytes, a power of two) at or above `address`, modulo 2^64.

    >>> hex(align_up(0x1001, 0x1000))
    '0x2000'
    """
    return (address + alignment - 1) & -alignment & M64


@define(eq=False, slots=True)
class Resource:
    """One BAR, ROM, window or aperture. `row` is None for a root aperture; `index` is the slot (or the aperture number)."""

    index: int
    row: Row | None = field(default=None, repr=False)
    start: int = 0
    last: int = 0
    flags: int = 0
    parent: Resource | None = field(default=None, repr=False)
    children: list[Resource] = field(factory=list, repr=False)

    @property
    def size(self) -> int:
        """Bytes; an untouched resource counts one (``resource_size()``)."""
        return (self.last - self.start + 1) & M64

    @property
    def alignment(self) -> int:
        """Bytes: the size (SIZEALIGN), the start (STARTALIGN), or 0 for neither or both (``resource_alignment()``)."""
        kind = self.flags & (SIZEALIGN | STARTALIGN)
        if kind == SIZEALIGN:
            return self.size
        return self.start if kind == STARTALIGN else 0

    @property
    def is_window(self) -> bool:
        """A bridge window (slots 7-9) rather than a BAR or ROM."""
        return self.index >= BRIDGE_RESOURCES

    def set_span(self, start: int, last: int) -> None:
        """Move to [start, last], modulo 2^64."""
        self.start, self.last = start & M64, last & M64

    def wipe(self) -> None:
        """Forget everything but the tree (``reset_resource()``)."""
        self.start = self.last = self.flags = 0

    def overlaps(self, start: int, last: int) -> bool:
        """True if a byte of [start, last] is inside."""
        return self.start <= last and start <= self.last

    def contains(self, other: Resource) -> bool:
        """True if `other` lies inside entirely (``resource_contains()`` without its flag test)."""
        return self.start <= other.start and other.last <= self.last

    # --- the tree (kernel/resource.c) ---------------------------------------------------------------
    def insert(self, child: Resource) -> bool:
        """Make `child` a child if it lies inside and overlaps no other child (``request_resource()``)."""
        if child.last < child.start or not self.contains(child):
            return False
        at = bisect_left(self.children, child.start, key=_start)
        if at < len(self.children) and self.children[at].start <= child.last:
            return False
        if at and self.children[at - 1].last >= child.start:
            return False
        self.children.insert(at, child)
        child.parent = self
        return True

    def detach(self) -> None:
        """Leave the parent (``release_resource()``); children stay attached to this resource."""
        if self.parent is not None:
            siblings = self.parent.children
            at = bisect_left(siblings, self.start, key=_start)
            if not (at < len(siblings) and siblings[at] is self):
                at = siblings.index(self)
            del siblings[at]
            self.parent = None


def _start(resource: Resource) -> int:
    return resource.start


@frozen
class Reserve:
    """Space kept free behind a hot-plug bridge: hpiosize, hpmmiosize, hpmmioprefsize (bytes), hpbussize (bus numbers)."""

    io: int = 256
    mem: int = 2 * MEG
    pref: int = 2 * MEG
    buses: int = 1


NO_RESERVE: Final = Reserve(0, 0, 0, 0)


@frozen
class AddressMap:
    """Where placing may not go: minima for windows that start at 0, and ranges that are RAM or firmware.

    `reserved` bounds memory only, ascending [start, last] pairs (twin: ``arch_remove_reservations()`` on x86).
    `avoids_isa_aliases`: I/O keeps to the first 256 bytes of each KiB. `lowest_mem`: no memory BAR begins below (the first MiB
    of a PC), whatever the window. The defaults are the recorded x86 machine.
    """

    min_io: int = 0x1000
    min_mem: int = 0x100_0000
    reserved: tuple[tuple[int, int], ...] = ((0, 0x3FFF_FFFF), (0xFFE0_0000, 0xFFFF_FFFF))
    avoids_isa_aliases: bool = True
    lowest_mem: int = MEG


@define(eq=False)
class Row:
    """One PCI function as layout sees it. `child` is the bus behind a bridge; `answers[i]` is the driver's word on BAR i.

    `res_mask`, `answers` and `pinned` belong to a rescan in progress (patches 4 and 6, v9's ``bar_fixed``, what patch 7 marked).
    `window_granules` is the least alignment of a bridge's I/O, memory and prefetchable window (``window_alignment()``).
    """

    name: str
    segment: Segment
    class_code: int = 0
    is_bridge: bool = False
    is_hotplug: bool = False
    has_io: bool = False
    has_pref: bool = False
    pref_is_64bit: bool = False
    window_granules: tuple[int, int, int] = (PAGE_4K, MEG, MEG)
    command: int = 0
    enable_cnt: int = 0
    is_added: bool = False
    is_bound: bool = False
    answers: tuple[bool, ...] | None = None
    res_mask: int = 0
    pinned: int = 0
    bars_disabled: bool = False
    child: Segment | None = None
    owner: Any = field(default=None, repr=False)  # whom the row describes; layout never looks
    resources: list[Resource] = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.resources = [Resource(index, self) for index in range(NUM_RESOURCES)]

    @property
    def windows(self) -> list[Resource]:
        """I/O, memory and prefetchable window of a bridge."""
        return self.resources[BRIDGE_RESOURCES : BRIDGE_RESOURCES + 3]

    @property
    def base_class(self) -> int:
        """Class and subclass, 16 bits."""
        return self.class_code >> 8


@define(eq=False)
class Segment:
    """One bus as layout sees it: its functions in list order and the windows they may be placed in, in list order.

    `fixed_range[k]` is what window k of the bridge above must cover, or None (patch 11).
    """

    bridge: Row | None = None
    parent: Segment | None = None
    rows: list[Row] = field(factory=list)
    windows: list[Resource] = field(factory=list)
    is_subtractive: bool = False
    fixed_range: list[tuple[int, int] | None] = field(factory=lambda: [None, None, None])

    @property
    def is_root(self) -> bool:
        """True for the bus below a host bridge."""
        return self.bridge is None

    def walk(self) -> Iterator[Row]:
        """Every function below, depth first in list order, bridges before what is behind them."""
        for row in self.rows:
            yield row
            if row.child is not None:
                yield from row.child.walk()


@frozen
class BarWrite:
    """A BAR register gets `start` (bytes). `flags` as they are now: the resource may be wiped before the write is made."""

    row: Row
    index: int
    start: int
    flags: int


@frozen
class WindowWrite:
    """The window registers of a bridge get these values: (start, last, flags) for I/O, MEM, PREF; None = leave alone."""

    row: Row
    windows: tuple[tuple[int, int, int] | None, tuple[int, int, int] | None, tuple[int, int, int] | None]

    @classmethod
    def all_of(cls, row: Row) -> WindowWrite:
        """All three as the table has them now (``pci_setup_bridge()``)."""
        io, mem, pref = ((w.start, w.last, w.flags) for w in row.windows)
        return cls(row, (io, mem, pref))

    @classmethod
    def only(cls, row: Row, number: int) -> WindowWrite:
        """Window `number` (0-2) as the table has it now, the others left alone."""
        values = [(w.start, w.last, w.flags) if at == number else None for at, w in enumerate(row.windows)]
        return cls(row, (values[0], values[1], values[2]))

    @classmethod
    def closed(cls, row: Row, number: int) -> WindowWrite:
        """Window `number` (0-2) closed, the others left alone."""
        gone = (0, 0, 0)
        return cls(row, (gone if number == 0 else None, gone if number == 1 else None, gone if number == 2 else None))


Journal = list[BarWrite | WindowWrite]
"""Register writes in the order the kernel makes them."""


def find_window(segment: Segment, type_mask: int, wanted: int) -> Resource | None:
    """Return the window of the bus with these flags: the first unassigned, else the first (``find_bus_resource_of_type()``)."""
    assigned = None
    for window in segment.windows:
        if window.flags & type_mask == wanted and window.flags:
            if window.parent is None:
                return window
            assigned = assigned or window
    return assigned
