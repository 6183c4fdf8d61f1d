"""Firmware's addresses taken over at boot, where they make sense.

Twin: ``pcibios_resource_survey()`` in arch/x86/pci/i386.c, ``pci_claim_resource()`` and ``pci_claim_bridge_resource()``.
Moves nothing: a value that cannot be claimed is left for assignment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from movsdk.kernel.device import Bus, Device
from movsdk.kernel.setup import write_windows
from movsdk.layout.table import IO, PCI_FIXED, PREF, ROM_SHADOW, TYPE_BITS, UNSET, Resource, Row, WindowWrite
from movsdk.pci_regs import BRIDGE_RESOURCES, CLASS_BRIDGE_PCI, COMMAND_IO, COMMAND_MEMORY, ROM_RESOURCE

IsFixed = Callable[[Row, int], bool]


def never_fixed(_row: Row, _index: int) -> bool:
    """The unpatched kernel: claims do not ask."""
    return False


def claim_firmware_values(root: Bus, is_fixed: IsFixed = never_fixed) -> None:
    """Claim windows, then BARs that decode, then the other BARs, then ROMs, all over the tree."""
    for child in root.children:
        _claim_windows(child)
    for decoding in (True, False):
        for device in list(_devices(root)):
            _claim_bars(device, decoding, is_fixed)
    for device in _devices(root):
        rom = device.resources[ROM_RESOURCE]
        if rom.flags and rom.parent is None and rom.start:
            _claim_or_forget(device, rom, is_fixed)


def _devices(bus: Bus) -> Iterator[Device]:
    for device in bus.devices:
        yield device
        if device.subordinate is not None:
            yield from _devices(device.subordinate)


def claim(device: Device, resource: Resource) -> bool:
    """Make `resource` a child of the first window of its bus that contains it (``pci_claim_resource()``)."""
    if resource.flags & UNSET:
        return False
    if resource.flags & ROM_SHADOW:
        return True  # a copy in RAM: nothing has to be routed to the device
    for window in device.bus.segment.windows:
        if (window.flags ^ resource.flags) & TYPE_BITS or not window.flags or window.flags & UNSET:
            continue
        if not window.contains(resource):
            continue
        if window.flags & PREF and not resource.flags & PREF:
            return False
        return window.insert(resource)
    return False


def _claim_windows(bus: Bus) -> None:
    bridge = bus.bridge
    if bridge is not None:
        for window in bridge.resources[BRIDGE_RESOURCES:]:
            if not window.flags:
                continue
            if not window.start or not _is_kept(bridge, window):
                window.wipe()
    for child in bus.children:
        _claim_windows(child)


def _is_kept(bridge: Device, window: Resource) -> bool:
    """Whether a window stays what firmware made it (``pci_claim_bridge_resource()``).

    A slip of the kernel: a bridge of another class than 0604 keeps one that could not be claimed, neither cut nor wiped. It is
    UNSET, so nothing below is claimed in it.
    """
    if claim(bridge, window):
        return True
    if bridge.row.base_class == CLASS_BRIDGE_PCI:
        return _claim_clipped(bridge, window)
    window.flags |= UNSET
    return True


def _claim_clipped(bridge: Device, window: Resource) -> bool:
    """Cut a window to what the parent offers, if they overlap at all (``pci_bus_clip_resource()``)."""
    for offer in bridge.bus.segment.windows:
        if not offer.flags or (offer.flags ^ window.flags) & TYPE_BITS or not offer.overlaps(window.start, window.last):
            continue
        start, last = max(offer.start, window.start), min(offer.last, window.last)
        if (start, last) == (window.start, window.last):
            return False
        window.set_span(start, last)
        write_windows(bridge, WindowWrite.only(bridge.row, window.index - BRIDGE_RESOURCES))
        return claim(bridge, window)
    return False


def _claim_bars(device: Device, decoding: bool, is_fixed: IsFixed) -> None:
    for resource in device.resources[:ROM_RESOURCE]:
        if not resource.flags or resource.parent is not None or not resource.start:
            continue
        decodes = device.row.command & (COMMAND_IO if resource.flags & IO else COMMAND_MEMORY)
        if bool(decodes) == decoding:
            _claim_or_forget(device, resource, is_fixed)


def _claim_or_forget(device: Device, resource: Resource, is_fixed: IsFixed) -> None:
    if is_fixed(device.row, resource.index) or claim(device, resource):
        return
    device.system.log(device, f"can't claim BAR {resource.index}; address conflict or no compatible bridge window")
    resource.flags |= UNSET
    if not resource.flags & PCI_FIXED:
        resource.set_span(0, resource.last - resource.start)
