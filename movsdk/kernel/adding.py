"""Handing devices to the driver core: final fix-ups, first probe, and the ADDED mark.

Twin: ``pci_bus_add_devices()`` in drivers/pci/bus.c, ``pci_fixup_video()`` of x86, driver registration. A device is tried
once in its life.
"""

from __future__ import annotations

from movsdk.kernel.binding import BoundDriver, attach, bind, matching_driver
from movsdk.kernel.device import Bus, Device
from movsdk.kernel.system import System
from movsdk.layout.table import MEM, PCI_FIXED, ROM_SHADOW
from movsdk.pci_regs import CLASS_DISPLAY_VGA, COMMAND_IO, COMMAND_MEMORY, ROM_RESOURCE

_SHADOW = (0xC_0000, 0xD_FFFF)


def add_devices(bus: Bus, *, binds: bool = True) -> None:
    """Add the new devices of `bus` in list order, then those behind every added bridge. `binds`: drivers are registered."""
    for device in list(bus.devices):
        if not device.row.is_added:
            _fixup_video(device)
            device.system.arch.added(device)
            if binds:
                attach(device.system, device)
            device.row.is_added = True
    for device in list(bus.devices):
        if device.row.is_added and device.subordinate is not None:
            add_devices(device.subordinate, binds=binds)


def register_and_bind(system: System, drivers: list[BoundDriver]) -> None:
    """Each driver in order probes every device it serves, in the order the scan found them."""
    for driver in drivers:
        for device in list(system.discovered):
            is_free = device.row.is_added and not device.is_probed and device.driver is None
            if is_free and matching_driver(system, device) is driver:
                bind(system, device, driver)


def _fixup_video(device: Device) -> None:
    """x86: a VGA device that firmware set up gets the shadow of its ROM in place of the ROM BAR (root bus only)."""
    row = device.row
    if not device.system.platform.shadows_vga_rom:
        return
    if row.base_class != CLASS_DISPLAY_VGA or not device.bus.is_root or not row.command & (COMMAND_IO | COMMAND_MEMORY):
        return
    rom = device.resources[ROM_RESOURCE]
    rom.detach()
    rom.flags = MEM | PCI_FIXED | ROM_SHADOW
    rom.set_span(*_SHADOW)
