"""Files that do something to a device: enable, remove, rescan, reset, driver_override.

Twin: ``enable_store()``, ``remove_store()``, ``dev_rescan_store()``, ``reset_store()`` in drivers/pci/pci-sysfs.c.
A rescan below one device scans the whole domain here, as the patched kernel's does.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from movsdk.bench.sysfs import bus_folder, reset
from movsdk.bench.sysfs.node import Node, button, knob, text, to_number
from movsdk.kernel.device import Device
from movsdk.kernel.enable import disable_device
from movsdk.kernel.pcidev import view_of

if TYPE_CHECKING:
    from movsdk.bench.sysfs.device_folder import DeviceNode
    from movsdk.bench.sysfs.view import SysfsView


def files(node: DeviceNode) -> dict[str, Node]:
    """The files, by name."""
    view, device = node.view, node.device
    matching = view.matching
    found: dict[str, Node] = {
        "enable": knob(lambda: device.row.enable_cnt, lambda data: _enable(device, data)),
        "remove": button(lambda data: _remove(view, device, data), 0o220),
        "rescan": button(lambda data: bus_folder.rescan(view, data), 0o220),
        "driver_override": knob(lambda: matching.overrides.get(device, "(null)"), lambda data: matching.override(device, data)),
    }
    if methods := reset.methods(device):
        found["reset"] = button(lambda data: _reset(device, data))
        found["reset_method"] = text(lambda: " ".join(methods))
    return found


def _enable(device: Device, data: bytes) -> None:
    """Raises EBUSY (a driver has the device), EIO (disabling one that is not enabled), and what enabling reports."""
    wanted = to_number(data)
    if device.driver is not None:
        raise OSError(errno.EBUSY, f"{device} is bound to {device.driver.name}")
    if wanted:
        view_of(device).enable_device()
        view_of(device).held.enables -= 1  # nobody's driver: nothing to give back when one is unbound
    elif device.is_enabled:
        disable_device(device)
    else:
        raise OSError(errno.EIO, f"{device} is not enabled")


def _remove(view: SysfsView, device: Device, data: bytes) -> None:
    if to_number(data):
        view.act(lambda: view.world.engine.remove(device))


def _reset(device: Device, data: bytes) -> None:
    """Raises EINVAL unless 1 is written."""
    if to_number(data) != 1:
        raise OSError(errno.EINVAL, "write 1")
    reset.reset_function(device)
