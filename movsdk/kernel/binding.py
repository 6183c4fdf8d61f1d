"""Drivers and devices: registering, matching, probing, unbinding.

Twin: drivers/base/dd.c and drivers/pci/pci-driver.c. One pluggy manager a driver, because Linux calls exactly the device's own
driver and in bus order. Calls `probe` and `remove` only; the rescan hooks are the engine's, suspend and resume are `power`'s.
"""

from __future__ import annotations

import errno
from typing import Any

from attrs import define, field

from movsdk.errors import HookFailed, InvariantBroken, PciError
from movsdk.hooks import PROJECT, DriverSpec, PciId
from movsdk.kernel.actor import NOWHERE, acting_as, raise_site, record_failure, show
from movsdk.kernel.device import Device
from movsdk.kernel.device_lock import device_locked
from movsdk.kernel.devres import release_all
from movsdk.kernel.enable import disable_device
from movsdk.kernel.hookcheck import DriverPlugins, check_hooks, check_identity, instantiated
from movsdk.kernel.pcidev import PciDev, device_of, view_of
from movsdk.kernel.runtime_pm import pm_of
from movsdk.kernel.system import System
from movsdk.points import checkpoint, inside
from movsdk.trace import What


@define(eq=False)
class BoundDriver:
    """A driver as the kernel holds it: checked, with its own plugin `manager` (further plugins may wrap its hooks)."""

    target: object
    name: str
    id_table: tuple[PciId, ...] = field(repr=False)
    hooks: frozenset[str]
    manager: DriverPlugins = field(repr=False)

    @classmethod
    def of(cls, driver: object) -> BoundDriver:
        """Check a driver class or instance. Raises `HookSpecError` naming the driver, the method and the remedy."""
        target = instantiated(driver)
        name, id_table = check_identity(target)
        hooks = check_hooks(target)
        manager = DriverPlugins(PROJECT)
        manager.add_hookspecs(DriverSpec)
        manager.register(target, "driver")
        manager.check_pending()
        return cls(target, name, id_table, hooks, manager)

    def has(self, hook: str) -> bool:
        """True if the driver implements `hook`."""
        return hook in self.hooks

    def call(self, hook: str, *, dev: Device | PciDev, **arguments: Any) -> Any:
        """Run one hook on a device and return its value (None without the hook). What it raises comes through."""
        view = view_of(dev) if isinstance(dev, Device) else dev
        device = device_of(view)
        checkpoint(f"{device.label} {hook}", writes=(("hook", device.label),))
        before, device.in_hook = device.in_hook, hook
        try:
            with acting_as(f"{self.name}.{hook}"), inside(("hook", device.label)):
                return getattr(self.manager.hook, hook)(dev=view, **arguments)
        finally:
            device.in_hook = before

    def match(self, device: Device) -> PciId | None:
        """First row of the id table that serves `device` (``pci_match_device()``)."""
        identity = _identity(device)
        return next((row for row in self.id_table if row.matches(identity)), None)

    def __str__(self) -> str:
        return self.name


def _identity(device: Device) -> PciId:
    return PciId(device.vendor, device.device_id, device.subvendor, device.subdevice, device.class_code)


def register_driver(system: System, driver: object) -> BoundDriver:
    """Check a driver (class, instance or `BoundDriver`) and put it last in the list. Probes nothing.

    Raises:
        HookSpecError: names the driver, the method, and the nearest hook or the expected arguments.
    """
    bound = driver if isinstance(driver, BoundDriver) else BoundDriver.of(driver)
    system.drivers.append(bound)
    return bound


def matching_driver(system: System, device: Device) -> BoundDriver | None:
    """The first registered driver that serves `device`, or None; `system.match_of` overrules the id tables."""
    if system.match_of is not None:
        return system.match_of(device)
    return next((driver for driver in system.drivers if driver.match(device) is not None), None)


def attach(system: System, device: Device) -> int | None:
    """Offer an unbound device to its `matching_driver()`.

    Returns 0 if bound (also if it was before), the probe's negative errno, or None if no driver matches.
    """
    driver = matching_driver(system, device)
    if driver is None:
        return None if device.driver is None else 0
    return bind(system, device, driver)


def bind(system: System, device: Device, driver: BoundDriver, id: PciId | None = None) -> int:
    """`probe_device` under the device's lock (``device_driver_attach()``); 0 if it has a driver when the lock is ours."""
    with device_locked(device):
        return 0 if device.driver is not None else probe_device(system, device, driver, id)


def probe_device(system: System, device: Device, driver: BoundDriver, id: PciId | None = None) -> int:
    """Offer `device` to `driver`, with the row `id` of its table (None = look it up). Returns 0 or a negative errno.

    A `PciError` leaves the device unbound with that errno; anything else that probe raises is a `HookFailed` and -EIO.
    """
    row = id or driver.match(device) or _identity(device)
    device.is_probed = True
    device.driver = driver
    rc, detail = 0, ""
    device.probe_error = None
    if system.before_probe is not None:
        system.before_probe(device)
    try:
        answer = driver.call("probe", dev=device, id=row)
        if isinstance(answer, int) and answer < 0:
            raise PciError(-answer, f"{device}: probe returned {answer}; a hook raises PciError(errno, text) instead")
    except InvariantBroken:
        raise
    except PciError as error:
        site = raise_site(error)
        where = f" (at {show(site)})" if site != NOWHERE else ""
        rc, detail = -(error.errno or errno.EIO), f": {error.message}{where}"
        device.probe_error = error
    except Exception as error:
        record_failure(device, "probe", error, "the device stays unbound")
        rc = -errno.EIO
    system.trace.add(What.HOOK, device.label, f"probe by {driver.name}: rc={rc}{detail}", rc)
    if rc == 0:
        device.row.is_bound = True
    else:
        _clean_up(device, "probe failed")
    if system.hook_observer is not None:
        system.hook_observer("probe", device, f"rc={rc}")
    return rc


def unbind(system: System, device: Device) -> HookFailed | None:
    """Take the driver off `device`: its `remove` hook, then the core takes back what it left. Returns what `remove` raised."""
    driver = device.driver
    if driver is None:
        return None
    failure = None
    pm_of(device).resume()  # whoever is told to let go may use the device for it
    if driver.has("remove"):
        if system.hook_observer is not None:
            system.hook_observer("remove", device, None)
        system.trace.add(What.HOOK, device.label, f"remove by {driver.name}")
        try:
            driver.call("remove", dev=device)
        except InvariantBroken:
            raise
        except Exception as error:
            failure = record_failure(device, "remove", error, "the device is unbound all the same")
    _clean_up(device, "remove" if driver.has("remove") else "")
    return failure


def stop(device: Device) -> None:
    """Unbind it and everything below, last sibling first, deepest first (``pci_stop_bus_device()``)."""
    if device.subordinate is not None:
        for child in reversed(list(device.subordinate.devices)):
            stop(child)
    if device.driver is not None:
        release(device.system, device)


def release(system: System, device: Device) -> HookFailed | None:
    """`unbind` under the device's lock, with the device kept awake (``device_release_driver()``)."""
    with device_locked(device):
        pm_of(device).get_sync()
        try:
            return unbind(system, device)
        finally:
            pm_of(device).put_noidle()


def _clean_up(device: Device, after: str) -> None:
    """Give back what the driver holds; noted unless it had no hook to do so itself. Twin: devres and ``pci_device_remove()``."""
    name = device.driver.name if device.driver is not None else "?"
    notes = release_all(device)
    notes += _disable(device)
    if after:
        for note in notes:
            device.system.trace.add(What.NOTE, device.label, f"after {after} of {name}: {note}")
    device.driver = None
    device.drvdata = None
    device.is_gone = False
    device.is_paused = False
    device.row.is_bound = False


def _disable(device: Device) -> list[str]:
    # What a bridge forwards to is still in use: only the driver's own count goes.
    view = view_of(device)
    count = max(0, view.held.enables) if device.row.is_bridge else device.row.enable_cnt
    view.held.enables = 0
    for _ in range(min(count, device.row.enable_cnt)):
        disable_device(device)
    return [f"still enabled {count} times, at last at {show(view.held.enabled_at)}; disable_device() it"] if count else []
