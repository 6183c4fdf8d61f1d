"""Tables to place things in, built by hand: buses, cards, bridges, and what sits where.

Twin: the tree a scan would have left behind. Sizes nothing, places nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

from movsdk.layout.placing import Placing
from movsdk.layout.sizing import Extra
from movsdk.layout.table import (
    IO,
    M64,
    MEG,
    MEM,
    MEM_64,
    NO_RESERVE,
    PREF,
    SIZEALIGN,
    AddressMap,
    BarWrite,
    Reserve,
    Resource,
    Row,
    Segment,
    WindowWrite,
)

K: Final = 1 << 10
B: Final = 0x8000_0000
"""Where memory apertures begin, as in the recordings."""
P: Final = 0x40_0000_0000
"""Where 64-bit prefetchable apertures begin."""
KINDS: Final = {
    "io": IO,
    "mem": MEM,
    "mem32": MEM,
    "mem64": MEM | MEM_64,
    "pref": MEM | PREF,
    "pref32": MEM | PREF,
    "pref64": MEM | PREF | MEM_64,
    "rom": MEM | PREF,
}


def aperture(kind: str, start: int, size: int, number: int = 0) -> Resource:
    """A root window; it hangs in the whole address space as the kernel's do."""
    window = Resource(number, None, start, start + size - 1, KINDS[kind])
    window.parent = Resource(-1, None, 0, M64, window.flags & (IO | MEM))
    return window


def root_bus(*apertures: Resource) -> Segment:
    """A root bus with these windows; I/O, 64 MiB of memory and 1 GiB of 64-bit prefetchable memory if none are given."""
    usual = (aperture("io", 0x1000, 0xF000, 0), aperture("mem", B, 64 * MEG, 1), aperture("pref64", P, 1024 * MEG, 2))
    return Segment(windows=list(apertures or usual))


def card(on: Segment, name: str, bars: Mapping[int, tuple[str, int]], **facts: Any) -> Row:
    """A function with unassigned BARs ``{number: (kind, size)}``."""
    facts.setdefault("class_code", 0x020000)
    row = Row(name, on, **facts)
    for number, (kind, size) in bars.items():
        bar = row.resources[number]
        bar.flags = KINDS[kind] | SIZEALIGN
        bar.set_span(0, size - 1)
    on.rows.append(row)
    return row


def bridge(on: Segment, name: str, *, io: bool = True, pref: int | None = 64, **facts: Any) -> Row:
    """A bridge with a bus behind it and windows without flags, as after a boot scan."""
    facts.setdefault("class_code", 0x060400)
    row = Row(name, on, is_bridge=True, has_io=io, has_pref=pref is not None, pref_is_64bit=pref == 64, **facts)
    row.child = Segment(row, on, windows=list(row.resources[7:]))
    on.rows.append(row)
    return row


def below(row: Row) -> Segment:
    """The bus behind a bridge."""
    assert row.child is not None
    return row.child


def seat(resource: Resource, window: Resource, start: int, size: int | None = None, kind: str | None = None) -> Resource:
    """Give `resource` a place by hand; a window gets `size` and `kind` on the way."""
    if kind is not None:
        resource.flags = KINDS[kind]
    size = resource.size if size is None else size
    resource.set_span(start, start + size - 1)
    assert window.insert(resource), f"{resource} does not fit into {window}"
    return resource


def open_window(row: Row, number: int, parent: Resource, start: int, size: int, kind: str) -> Resource:
    """Window `number` (0-2) of a bridge, assigned."""
    return seat(row.windows[number], parent, start, size, kind)


def spans(*resources: Resource) -> list[tuple[int, int] | None]:
    """(start, size) of each resource, None for one without a place."""
    return [(one.start, one.size) if one.parent is not None else None for one in resources]


def sized(row: Row) -> list[tuple[int, int] | None]:
    """(size, alignment) of the three windows of a bridge, None for those without flags."""
    return [(window.size, window.alignment) if window.flags else None for window in row.windows]


def extras_of(extras: Iterable[Extra]) -> list[tuple[str, int, int, int]]:
    """Optional additions as (bridge, window, bytes, alignment), the latest first."""
    return [(one.resource.row.name, one.resource.index, one.add, one.min_align) for one in extras if one.resource.row is not None]


def new_placing(**terms: Any) -> Placing:
    """A placing pass of the unpatched kernel, on the address map of the recordings."""
    return Placing(AddressMap(), [], **terms)


def written(placing: Placing) -> list[tuple[str, int | str, int | None]]:
    """The journal: (function, BAR, address) and (bridge, "windows", None)."""
    return [
        (write.row.name, write.index, write.start) if isinstance(write, BarWrite) else (write.row.name, "windows", None)
        for write in placing.journal
    ]


def closed(placing: Placing) -> list[tuple[str, list[int]]]:
    """The window writes: (bridge, numbers of the windows written)."""
    return [
        (write.row.name, [number for number, window in enumerate(write.windows) if window is not None])
        for write in placing.journal
        if isinstance(write, WindowWrite)
    ]


@frozen
class Terms:
    """Sizing rules with the answers on the table: reserve, floors, which BARs are plain (fixed in v5) or left out."""

    reserve: Reserve = NO_RESERVE
    small_io: int = 0
    big_io: int = 0
    mem: Mapping[str, int] = field(factory=dict)
    plain: frozenset[tuple[str, int]] = frozenset()
    left_out: frozenset[tuple[str, int]] = frozenset()
    asked: list[tuple[str, int, bool]] = field(factory=list, eq=False)

    def reserve_of(self, bridge: Row) -> Reserve:
        return self.reserve if bridge.is_hotplug else NO_RESERVE

    def io_floors(self, segment: Segment, extra: int) -> tuple[int, int]:
        return max(self.small_io, extra), self.big_io

    def mem_floor(self, segment: Segment, window: Resource, is_wide: bool, extra: int) -> int:
        assert window.row is not None
        self.asked.append((window.row.name, window.index, is_wide))
        return max(self.mem.get(f"{window.row.name}:{window.index}", 0), extra)

    def counts(self, row: Row, index: int) -> bool:
        return (row.name, index) not in self.left_out

    def alignment(self, resource: Resource) -> int | None:
        assert resource.row is not None
        return None if (resource.row.name, resource.index) in self.plain else resource.alignment
