"""/sys/bus/pci: links to the devices, drivers with bind and unbind, slots, rescan.

Twin: drivers/base/bus.c and ``pci_bus_groups`` of drivers/pci/pci-sysfs.c.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING

from movsdk.bench.sysfs.node import Folder, Link, Node, button, knob, text, to_bool, to_number, to_word
from movsdk.kernel.binding import BoundDriver

if TYPE_CHECKING:
    from movsdk.bench.sysfs.view import SysfsView

BUS = "/sys/bus/pci"


def entries(view: SysfsView) -> dict[str, Node]:
    """What stands in /sys/bus/pci."""
    return {
        "devices": Folder(lambda: _links(view, f"{BUS}/devices")),
        "drivers": Folder(lambda: _drivers(view)),
        "slots": Folder(view.slots.entries),
        "rescan": button(lambda data: rescan(view, data)),
        "drivers_probe": button(lambda data: view.matching.probe(view.find(to_word(data)))),
        "drivers_autoprobe": knob(lambda: 1, _refuse_no),
    }


def rescan(view: SysfsView, data: bytes) -> None:
    """Scan all buses, if a number other than 0 is written."""
    if to_number(data):
        view.act(view.world.engine.rescan)


def relative(target: str, folder: str) -> Link:
    """A link from `folder` to `target`, both absolute."""
    there, here = target.strip("/").split("/"), folder.strip("/").split("/")
    shared = next((n for n, (a, b) in enumerate(zip(there, here, strict=False)) if a != b), min(len(there), len(here)))
    return Link("/".join([".."] * (len(here) - shared) + there[shared:]))


def _refuse_no(data: bytes) -> None:
    if not to_bool(data):
        raise OSError(errno.EPERM, "newcomers are always offered to drivers here")


def _links(view: SysfsView, folder: str) -> dict[str, Node]:
    return {str(device.bdf): relative(view.path_of(device), folder) for device in view.world.system.devices()}


def _drivers(view: SysfsView) -> dict[str, Node]:
    return {name: Folder(_lister(view, driver)) for name, driver in view.drivers().items()}


def _lister(view: SysfsView, driver: BoundDriver) -> Callable[[], dict[str, Node]]:
    return lambda: _driver_entries(view, driver)


def _driver_entries(view: SysfsView, driver: BoundDriver) -> dict[str, Node]:
    matching, folder = view.matching, f"{BUS}/drivers/{driver.name}"
    found: dict[str, Node] = {
        str(device.bdf): relative(view.path_of(device), folder)
        for device in view.world.system.devices()
        if device.driver is not None and device.driver.name == driver.name
    }
    return found | {
        "bind": button(lambda data: matching.bind(driver, view.find(to_word(data)))),
        "unbind": button(lambda data: matching.unbind(driver, view.find(to_word(data)))),
        "new_id": button(lambda data: matching.new_id(driver, data)),
        "remove_id": button(lambda data: matching.remove_id(driver, data)),
        "uevent": text(lambda: f"DRIVER={driver.name}"),
    }
