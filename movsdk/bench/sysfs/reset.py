"""Resetting one function from a file: by itself, through power states, or by its bus.

Twin: ``pci_reset_function()`` in drivers/pci/pci.c. Addresses come back as the kernel knows them now. No driver hook is called:
the hook spec has none for a reset.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final

from movsdk import pci_regs as regs
from movsdk.clock import NS_PER_MS
from movsdk.kernel.device import Device
from movsdk.kernel.header import find_capability
from movsdk.kernel.pcidev import view_of
from movsdk.pci_regs import PowerState

_DEVICE_CAPABILITIES, _CAN_FLR = 0x04, 1 << 28
_DEVICE_CONTROL, _START_FLR = 0x08, 0x8000
_BUS_RESET: Final = 0x40
_FLR_TIME, _BUS_RESET_TIME, _BUS_SETTLE_TIME = 100 * NS_PER_MS, 2 * NS_PER_MS, 1000 * NS_PER_MS


def methods(device: Device) -> list[str]:
    """The ways to reset this function, in the order they are tried: "flr", "pm", "bus"."""
    found = []
    express = find_capability(device, regs.CAP_ID_EXP)
    if express and device.config_read(express + _DEVICE_CAPABILITIES, 4) & _CAN_FLR:
        found.append("flr")
    manager = find_capability(device, regs.CAP_ID_PM)
    if manager and not device.config_read(manager + regs.PM_CTRL, 2) & regs.PM_CTRL_NO_SOFT_RESET:
        found.append("pm")
    if device.bus.bridge is not None and device.subordinate is None and len(device.bus.devices) == 1:
        found.append("bus")
    return found


def reset_function(device: Device) -> None:
    """Save, stop, reset and restore. Raises ENOTTY if there is no way."""
    found = methods(device)
    if not found:
        raise OSError(errno.ENOTTY, f"{device} cannot be reset alone")
    dev = view_of(device)
    dev.set_power_state(PowerState.D0)
    dev.save_state()
    device.config_write(regs.COMMAND, 2, regs.COMMAND_INTX_DISABLE)
    device.system.log(device, f"resetting by {found[0]}")
    _WAYS[found[0]](device)
    dev.restore_state()


def _flr(device: Device) -> None:
    at = find_capability(device, regs.CAP_ID_EXP) + _DEVICE_CONTROL
    device.config_write(at, 2, device.config_read(at, 2) | _START_FLR)
    device.system.ops.clock.advance(_FLR_TIME)


def _pm(device: Device) -> None:
    view_of(device).set_power_state(PowerState.D3HOT)
    view_of(device).set_power_state(PowerState.D0)


def _bus(device: Device) -> None:
    bridge, clock = device.bus.bridge, device.system.ops.clock
    if bridge is None:
        return
    control = bridge.config_read(regs.BRIDGE_CONTROL, 2)
    bridge.config_write(regs.BRIDGE_CONTROL, 2, control | _BUS_RESET)
    clock.advance(_BUS_RESET_TIME)
    bridge.config_write(regs.BRIDGE_CONTROL, 2, control)
    clock.advance(_BUS_SETTLE_TIME)


_WAYS: Final[dict[str, Callable[[Device], None]]] = {"flr": _flr, "pm": _pm, "bus": _bus}
