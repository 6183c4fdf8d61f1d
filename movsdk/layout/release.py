"""Windows given up by the unpatched kernel, so that a second try of a hot-add has more room.

Twin: ``pci_bus_release_bridge_resources()``, ``pci_bridge_release_resources()`` and ``release_child_resources()`` (linux-5.10).
"""

from __future__ import annotations

from movsdk.layout.table import IO, M64, MEM_64, PREF, WINDOW_TYPE, Journal, Resource, Segment, WindowWrite


def release_type(segment: Segment, flags: int, journal: Journal) -> None:
    """Release the window of type `flags` of every bridge below `segment`, then of the one above it. Registers close at once."""
    for row in segment.rows:
        if row.child is not None:
            release_type(row.child, flags, journal)
    bridge = segment.bridge
    if bridge is None:
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
