"""/proc/iomem and /proc/ioports: the resource tree, with RAM and what drivers reserved.

Twin: ``r_show()`` in kernel/resource.c. Of the machine beside PCI it knows RAM and reserved ranges, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from movsdk.address import Span
from movsdk.bench.sysfs.node import Attr, Node
from movsdk.bench.world import World
from movsdk.kernel.device import Device
from movsdk.kernel.devres import held_by
from movsdk.layout.table import IO, Resource

_LEVELS: Final = 5
_LEVELS_MOVABLE: Final = 8  # RFC patch 2: the tree is deeper than five levels behind bridges


@frozen
class Known:
    """A range that is not PCI's, and what the kernel calls it: RAM, firmware's, another driver's."""

    span: Span
    name: str
    is_io: bool = False


Around = Sequence[Known]


@frozen
class Line:
    """One range, how deep it lies, and its name."""

    depth: int
    span: Span
    name: str


def entries(world: World, around: Around = ()) -> dict[str, Node]:
    """What stands in /proc."""
    return {
        "iomem": Attr(0o400, show=lambda: address_lines(world, io=False, around=around)),
        "ioports": Attr(0o444, show=lambda: address_lines(world, io=True, around=around)),
    }


def address_lines(world: World, *, io: bool, around: Around = ()) -> str:
    """The file's text: ranges in hexadecimal, two blanks a level. `around`: ranges that are not PCI's."""
    width = 4 if io else 8
    deepest = _LEVELS_MOVABLE if world.engine.rules.moves is not None else _LEVELS
    return "".join(
        f"{'  ' * min(line.depth, deepest)}{line.span.start:0{width}x}-{line.span.last:0{width}x} : {line.name}\n"
        for line in tree(world, io=io, around=around)
    )


def tree(world: World, *, io: bool, around: Around = ()) -> Iterator[Line]:
    """All ranges, in order of addresses, parents first."""
    system = world.system
    name = f"PCI Bus {system.domain:04x}:{system.root.number:02x}"
    tops: list[tuple[Span, str, Resource | None]] = [
        (Span(window.start, window.last), name, window)
        for window in system.root.segment.windows
        if window.flags and bool(window.flags & IO) == io
    ]
    names = {known.span: known.name for known in around if known.is_io == io}
    if not io:
        tops += [(span, name, None) for span, name in _beside(world, names)]
    for span, label, window in sorted(tops, key=lambda top: (top[0].start, -top[0].last)):
        yield Line(0, span, label)
        if window is not None:
            yield from _below(window, 1, names)


def _beside(world: World, names: dict[Span, str]) -> Iterator[tuple[Span, str]]:
    """RAM and reserved ranges, as far as nothing better known lies over them; those without a name get one."""
    windows = [Span(window.start, window.last) for window in world.system.root.segment.windows if not window.flags & IO]
    ram = world.machine.fabric.memory.span
    for start, last in dict.fromkeys(world.system.address_map.reserved):  # the BIOS stands in both lists
        span = Span(start, last)
        if span in names or not any(span.overlaps(better) for better in (*windows, *names)):
            yield span, names.get(span) or ("System RAM" if span.overlaps(ram) else "Reserved")


def _below(resource: Resource, depth: int, names: dict[Span, str]) -> Iterator[Line]:
    for child in resource.children:
        span = Span(child.start, child.last)
        if child.row is None:
            yield Line(depth, span, names.get(span) or "Reserved")
            continue
        device: Device = child.row.owner
        if child.is_window:
            bus = device.subordinate.number if device.subordinate is not None else 0
            yield Line(depth, span, f"PCI Bus {device.system.domain:04x}:{bus:02x}")
            yield from _below(child, depth + 1, names)
        else:
            yield Line(depth, span, str(device.bdf))
            yield from _regions(device, child, depth + 1)


def _regions(device: Device, resource: Resource, depth: int) -> Iterator[Line]:
    held = held_by(device)
    for region in held.regions if held is not None else ():
        if region.bar == resource.index and Span(resource.start, resource.last).contains(region.span):
            yield Line(depth, region.span, region.owner)
