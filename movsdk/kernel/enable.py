"""Enabling and disabling a device: counts, COMMAND bits, and the bridges above.

Twin: ``pci_enable_device()``, ``pci_enable_bridge()``, ``pci_disable_device()``, ``pci_set_master()`` in drivers/pci/pci.c,
and RFC
patches 15 (the race) and 16 (an enabled bridge whose windows came later). The counting is a strategy, `EnableRules`, because
it differs between versions. Does not lock by itself beyond what the rules say.
"""

from __future__ import annotations

import errno

from attrs import frozen

from movsdk.errors import PciError
from movsdk.kernel.device import Device
from movsdk.layout.table import IO, MEM, UNSET, Resource
from movsdk.pci_regs import (
    BRIDGE_RESOURCES,
    COMMAND,
    COMMAND_IO,
    COMMAND_MASTER,
    COMMAND_MEMORY,
    NUM_RESOURCES,
    ROM_RESOURCE,
)
from movsdk.points import checkpoint


@frozen
class EnableRules:
    """How a kernel version counts and what it re-evaluates.

    `reenables_bridges`: an enabled bridge gets the COMMAND bits of windows it gained later (patch 16): "no", "windows"
    (v5: only its windows count) or "all" (v9: all its resources count, then bus master).
    `counts_after_success`: the count is raised only when enabling worked, and a second enable does not count (v2-v8).
    """

    reenables_bridges: str = "no"
    counts_after_success: bool = False


BASE = EnableRules()


def set_master(device: Device) -> None:
    """Let the device start transactions (``pci_set_master()``)."""
    command = _read_command(device)
    if not command & COMMAND_MASTER:
        _write_command(device, command | COMMAND_MASTER)
    device.is_busmaster = True


def clear_master(device: Device) -> None:
    """Stop the device from starting transactions (``pci_clear_master()``)."""
    command = _read_command(device)
    if command & COMMAND_MASTER:
        _write_command(device, command & ~COMMAND_MASTER)
    device.is_busmaster = False


def enable_device(device: Device) -> None:
    """Count one more user; the first one turns on the bridges above, then decode for every assigned BAR.

    Raises:
        PciError: EINVAL, naming the BAR that has no address. Bridges stay enabled.
    """
    rules = device.system.enable_rules
    if rules.counts_after_success:
        if device.row.enable_cnt:
            return
        _enable_upstream(device)
        _enable_resources(device)
        _count(device, +1)
        return
    _count(device, +1)
    if device.row.enable_cnt > 1:
        return
    _enable_upstream(device)
    try:
        _enable_resources(device)
    except PciError:
        _count(device, -1)
        raise


def disable_device(device: Device) -> None:
    """Count one user less; the last one clears bus mastering. Decode bits stay (``pci_disable_device()``)."""
    if device.row.enable_cnt <= 0:
        device.system.log(device, "disabling already-disabled device")
    _count(device, -1)
    if device.row.enable_cnt == 0:
        clear_master(device)


def enable_bridge(bridge: Device) -> None:
    """Make a bridge forward, topmost first (``pci_enable_bridge()``)."""
    _enable_upstream(bridge)
    rules = bridge.system.enable_rules
    checkpoint("enable_cnt read", reads=(("enable_cnt", id(bridge)),))
    if bridge.is_enabled:
        if rules.reenables_bridges != "no":
            reenable_bridge(bridge, only_windows=rules.reenables_bridges == "windows")
        if not bridge.is_busmaster:
            set_master(bridge)
        return
    try:
        enable_device(bridge)
    except PciError as error:
        bridge.system.log(bridge, f"Error enabling bridge ({error.strerror}), continuing")
    set_master(bridge)


def _enable_upstream(device: Device) -> None:
    if device.bus.bridge is not None:
        enable_bridge(device.bus.bridge)


def _count(device: Device, step: int) -> None:
    cell = ("enable_cnt", id(device))
    checkpoint("enable_cnt += 1" if step > 0 else "enable_cnt -= 1", reads=(cell,), writes=(cell,))
    device.row.enable_cnt += step


def _read_command(device: Device) -> int:
    device.row.command = device.config_read(COMMAND, 2)
    return device.row.command


def _write_command(device: Device, value: int) -> None:
    device.config_write(COMMAND, 2, value)
    device.row.command = value


def _decode_bits(device: Device) -> int:
    """COMMAND bits that the device's resources need; raises for one that has no place (``pci_enable_resources()``)."""
    bits = 0
    for index, resource in enumerate(device.resources):
        if index == ROM_RESOURCE or not resource.flags & (IO | MEM):
            continue
        if _has_no_place(resource):
            raise PciError(
                errno.EINVAL,
                f"{device}: cannot enable, {_slot_name(index)} {resource.size:#x} bytes is not assigned; "
                "make room for it (rescan with movable BARs, or a larger window) and probe again",
                device=device.label,
                index=index,
                size=resource.size,
            )
        bits |= COMMAND_IO if resource.flags & IO else COMMAND_MEMORY
    return bits


def _has_no_place(resource: Resource) -> bool:
    return bool(resource.flags & UNSET) or resource.parent is None


def _enable_resources(device: Device) -> None:
    bits = _decode_bits(device)
    command = _read_command(device)
    if command | bits != command:
        device.system.log(device, f"enabling device ({command:04x} -> {command | bits:04x})")
        _write_command(device, command | bits)


def reenable_bridge(bridge: Device, *, only_windows: bool = False) -> None:
    """Patch 16: give an enabled bridge the decode bits of what it has now; all or nothing."""
    first = BRIDGE_RESOURCES if only_windows else 0
    bits = 0
    for index in range(first, NUM_RESOURCES):
        resource = bridge.resources[index]
        if index == ROM_RESOURCE or not resource.flags & (IO | MEM):
            continue
        if _has_no_place(resource):
            bridge.system.log(bridge, f"{_slot_name(index)} not assigned, COMMAND left as it is")
            return
        bits |= COMMAND_IO if resource.flags & IO else COMMAND_MEMORY
    command = _read_command(bridge)
    if command | bits != command:
        _write_command(bridge, command | bits)


def _slot_name(index: int) -> str:
    if index >= BRIDGE_RESOURCES:
        return f"{('I/O', 'memory', 'prefetchable', 'spare')[index - BRIDGE_RESOURCES]} window"
    return "expansion ROM" if index == ROM_RESOURCE else f"BAR {index}"
