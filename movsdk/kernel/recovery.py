"""Recovery from an error of the link: stop the driver, reset the bus, bring the configuration back, start the driver.

Twin: ``pcie_do_recovery()`` in drivers/pci/pcie/err.c, for one function below a port and the channel frozen. Simplified:
``mmio_enabled`` is not asked (a frozen channel makes no use of it), ``resume`` of the error handlers is part of `slot_reset`.
"""

from __future__ import annotations

from typing import Final

from movsdk import pci_regs as regs
from movsdk.clock import NS_PER_MS
from movsdk.errors import InvariantBroken
from movsdk.kernel.actor import record_failure
from movsdk.kernel.device import Device
from movsdk.kernel.device_lock import device_locked
from movsdk.kernel.runtime_pm import pm_of
from movsdk.kernel.saved_state import restore_state, save_state
from movsdk.points import checkpoint
from movsdk.trace import What

FROZEN: Final = 2
_RESET_TIME, _SETTLE_TIME = 2 * NS_PER_MS, 1000 * NS_PER_MS
_BUS_RESET: Final = 0x40


def recover(device: Device) -> bool:
    """What happens when the port above `device` reports a fatal error. Returns whether the device works again.

    As in Linux, the device is kept awake, and its lock is held round each hook and round the reset (``pci_bus_lock()``), but not
    ``pci_lock_rescan_remove()``: a rescan may come between any two steps. The BARs that a reset forgets are restored to where the
    kernel has them by then. One recovery at a time below a port is for the caller to see to, as the
    AER thread does. A driver without the two hooks cannot be recovered; its device is gone until ``remove``.
    """
    pm_of(device).get_sync()
    try:
        return _recover(device)
    finally:
        pm_of(device).put()


def _recover(device: Device) -> bool:
    with device_locked(device):
        if _is_unbound(device):
            return False
        assert device.driver is not None
        if not device.driver.has("error_detected") or not device.driver.has("slot_reset"):
            device.system.log(device, "AER: can't recover (no error_detected callback)")
            return _give_up(device)
        if not _call(device, "error_detected", state=FROZEN):
            return _give_up(device)
    with device_locked(device):
        save_state(device)
        reset_bus(device)
        restore_state(device)
    with device_locked(device):
        if _is_unbound(device):
            return False
        if not _call(device, "slot_reset"):
            return _give_up(device)
        device.system.log(device, "AER: device recovery successful")
        return True


def reset_bus(device: Device) -> None:
    """Reset everything below the bridge above `device`; a root device has none and is left alone."""
    bridge, clock = device.bus.bridge, device.system.ops.clock
    if bridge is None:
        return
    control = bridge.config_read(regs.BRIDGE_CONTROL, 2)
    bridge.config_write(regs.BRIDGE_CONTROL, 2, control | _BUS_RESET)
    clock.advance(_RESET_TIME)
    bridge.config_write(regs.BRIDGE_CONTROL, 2, control)
    clock.advance(_SETTLE_TIME)


def _is_unbound(device: Device) -> bool:
    return device.is_removed or device.driver is None


def _give_up(device: Device) -> bool:
    checkpoint(f"{device.label} W is_gone", writes=(("paused", device.label),))
    device.is_gone = True
    device.system.log(device, "AER: device recovery failed")
    return False


def _call(device: Device, hook: str, **arguments: int) -> bool:
    assert device.driver is not None
    try:
        device.driver.call(hook, dev=device, **arguments)
    except InvariantBroken:
        raise
    except Exception as error:  # whatever a driver raises is a result
        record_failure(device, hook, error, "the device is gone until remove()")
        return False
    device.system.trace.add(What.HOOK, device.label, hook)
    return True
