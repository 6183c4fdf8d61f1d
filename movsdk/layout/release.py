"""Windows given up: by the unpatched kernel so that a second try of a hot-add has more room, by the series before it places anew.

Twin: ``pci_bus_release_bridge_resources()``, ``pci_bridge_release_resources()`` and ``release_child_resources()`` (linux-5.10),
and RFC patch 5. What becomes of the resources inside a window is the business of the series' rules.
"""

from __future__ import annotations

from collections.abc import Iterator

from movsdk.layout.table import IO, M64, MEM_64, PREF, WINDOW_TYPE, Journal, Resource, Segment, WindowWrite
from movsdk.pci_regs import CLASS_BRIDGE_PCI


def release_type(segment: Segment, flags: int, journal: Journal, *, only_leaves: bool = False) -> None:
    """Release the window of type `flags` of every bridge below `segment`, then of the one above it. Registers close at once.

    `only_leaves`: the one above it, and that only if there is no bridge below it.
    """
    for row in segment.rows:
        if row.child is not None:
            if only_leaves:
                return
            if row.base_class == CLASS_BRIDGE_PCI:
                release_type(row.child, flags, journal)
    bridge = segment.bridge
    if bridge is None or bridge.base_class != CLASS_BRIDGE_PCI:
        return
    number = _window_number(bridge.windows, flags)
    window = bridge.windows[number]
    if window.parent is None:
        return
    detach_children(window)
    window.detach()
    window.set_span(0, window.last - window.start)
    window.flags &= WINDOW_TYPE
    journal.append(WindowWrite.closed(bridge, number))


def _window_number(windows: list[Resource], flags: int) -> int:
    if flags & IO:
        return 0
    if not flags & PREF:
        return 1
    pref = windows[2]
    if flags & MEM_64 and pref.flags & MEM_64:
        return 2
    return 2 if not pref.flags & MEM_64 and pref.flags & PREF else 1


def detach_children(resource: Resource) -> None:
    """Detach everything below; sizes stay, addresses become 0 (``release_child_resources()``)."""
    for child in list(resource.children):
        detach_children(child)
        child.parent = None
        child.set_span(0, (child.last - child.start) & M64)
    resource.children.clear()


def windows_to_give_up(root: Segment) -> Iterator[tuple[Segment, Resource]]:
    """Assigned windows below `root` in the order the series releases them, each with the bus behind it.

    All I/O windows, then memory, then prefetchable ones; bridges before the one above them. Lazy: a window that the caller takes
    away on the way does not come up any more.
    """
    for kind in range(3):
        yield from _windows_of_kind(root, kind)


def _windows_of_kind(segment: Segment, kind: int) -> Iterator[tuple[Segment, Resource]]:
    for row in segment.rows:
        if row.child is not None and row.base_class == CLASS_BRIDGE_PCI:
            yield from _windows_of_kind(row.child, kind)
    if segment.bridge is None:
        return
    windows = segment.bridge.windows
    if kind == 2:
        kind = 2 if windows[2].flags & (PREF | MEM_64) else 1
    if windows[kind].parent is not None:
        yield segment, windows[kind]


def forget_window(window: Resource) -> None:
    """Take a window out of its parent and forget where and how big it was; its type stays."""
    window.detach()
    window.set_span(0, 0)  # size 1, which sizing takes for "no old size"
    window.flags &= WINDOW_TYPE
