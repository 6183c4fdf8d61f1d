"""Power states of a device, and its configuration saved and brought back.

Twin: ``pci_set_power_state()``, ``pci_save_state()``, ``pci_restore_state()`` in drivers/pci/pci.c with RFC patch 1: what is
restored is where BARs and windows are *now*, never where they were when the state was saved. Patch 20: bridges wake for a rescan.
"""

from __future__ import annotations

import errno
from typing import Final

from movsdk import pci_regs as regs
from movsdk.clock import NS_PER_MS, NS_PER_US
from movsdk.errors import InvariantBroken, PciError
from movsdk.kernel.actor import record_failure
from movsdk.kernel.device import Device
from movsdk.kernel.header import find_capability
from movsdk.kernel.setup import write_bar, write_windows
from movsdk.kernel.system import System
from movsdk.layout.table import UNSET, WindowWrite
from movsdk.pci_regs import PowerState
from movsdk.trace import What

_D3_DELAY: Final = 10 * NS_PER_MS  # PCI PM 1.2 §5.6.1: nobody may touch the function for that long
_D2_DELAY: Final = 200 * NS_PER_US
_SUPPORT: Final = {PowerState.D1: 0x0200, PowerState.D2: 0x0400}  # bits of PM_PMC
_HEADER: Final = range(0, 0x40, 4)
_ROM_MASK: Final = 0xFFFF_F800


def set_power_state(device: Device, state: int) -> None:
    """Change the power state; D3COLD goes as far as D3HOT, the rest is the platform's. BARs lost on the way up are written again.

    Raises:
        PciError: EIO (state not supported), EINVAL (from one low state to a higher one), ENODEV (nobody answers).
    """
    target = PowerState(min(state, PowerState.D3HOT))
    now = device.current_state
    if target == now:
        return
    at = find_capability(device, regs.CAP_ID_PM)
    if not at:
        raise PciError(errno.EIO, f"{device}: cannot enter {target.name}, it has no power management capability")
    if target != PowerState.D0 and now > target:
        raise PciError(errno.EINVAL, f"{device}: cannot go from {now.name} to {target.name}; go through D0")
    support = _SUPPORT.get(target, 0)
    if support and not device.config_read(at + regs.PM_PMC, 2) & support:
        raise PciError(errno.EIO, f"{device}: does not support {target.name}")
    control = device.config_read(at + regs.PM_CTRL, 2)
    if control == 0xFFFF:
        raise PciError(errno.ENODEV, f"{device}: cannot enter {target.name}, nobody answers; was it pulled?")
    loses_config = control & regs.PM_CTRL_STATE_MASK == PowerState.D3HOT and not control & regs.PM_CTRL_NO_SOFT_RESET
    device.config_write(at + regs.PM_CTRL, 2, control & ~regs.PM_CTRL_STATE_MASK | target)
    device.system.ops.clock.advance(_D3_DELAY if PowerState.D3HOT in (now, target) else _D2_DELAY)
    device.current_state = PowerState(device.config_read(at + regs.PM_CTRL, 2) & regs.PM_CTRL_STATE_MASK)
    device.system.trace.add(What.NOTE, device.label, f"power state {now.name} -> {device.current_state.name}")
    if loses_config and device.current_state == PowerState.D0:
        _restore_bars(device)


def save_state(device: Device) -> None:
    """Remember the header, for `restore_state()`."""
    device.saved_config = {offset: device.config_read(offset, 4) for offset in _HEADER}


def restore_state(device: Device) -> None:
    """Write the saved header back, once: BARs, windows and bus numbers as the kernel has them now, COMMAND last."""
    saved, device.saved_config = device.saved_config, None
    if saved is None:
        return
    is_bridge = device.row.is_bridge
    belief = _placed_registers(is_bridge)
    for offset in reversed(_HEADER):
        if offset not in belief and offset != regs.COMMAND and device.config_read(offset, 4) != saved[offset]:
            device.config_write(offset, 4, saved[offset])
    _restore_rom(device, saved)
    _restore_bars(device)
    if is_bridge:
        _restore_bridge(device, saved)
    device.config_write(regs.COMMAND, 2, saved[regs.COMMAND] & 0xFFFF)
    device.row.command = saved[regs.COMMAND] & 0xFFFF
    _restore_vectors(device)


def _placed_registers(is_bridge: bool) -> frozenset[int]:
    """Offsets whose saved value says where something used to be."""
    bars = [regs.bar_register(index) for index in range(2 if is_bridge else 6)]
    placed = {*bars, regs.bar_register(regs.ROM_RESOURCE, is_bridge)}
    if is_bridge:
        placed |= set(range(regs.PRIMARY_BUS, regs.IO_BASE_UPPER16 + 4, 4))
    return frozenset(placed)


def _restore_bars(device: Device) -> None:
    for index in range(regs.ROM_RESOURCE):
        if device.bar_span(index) is not None and not device.resources[index].flags & UNSET:
            write_bar(device, index, device.resources[index].start)


def _restore_rom(device: Device, saved: dict[int, int]) -> None:
    # A ROM that was not enabled keeps whatever its register has: the kernel never programs it.
    offset = regs.bar_register(regs.ROM_RESOURCE, device.row.is_bridge)
    span = device.bar_span(regs.ROM_RESOURCE)
    if saved[offset] & regs.ROM_ADDRESS_ENABLE and span is not None:
        device.config_write(offset, 4, span.start & _ROM_MASK | regs.ROM_ADDRESS_ENABLE)


def _restore_bridge(device: Device, saved: dict[int, int]) -> None:
    numbers = saved[regs.PRIMARY_BUS]
    child = device.subordinate
    if child is not None:
        packed = device.bus.number | (child.number & 0xFF) << 8 | (child.last & 0xFF) << 16
        numbers = numbers & 0xFF00_0000 | packed
    device.config_write(regs.PRIMARY_BUS, 4, numbers)
    write_windows(device, WindowWrite.all_of(device.row))


def _restore_vectors(device: Device) -> None:
    if device.system.irq is None:
        return
    try:
        device.system.irq.program(device)
    except PciError as error:
        device.system.trace.add(What.NOTE, device.label, f"interrupt vectors not restored: {error}", error)


# --- whole devices -----------------------------------------------------------------------------------
def wake_bridges(system: System) -> list[Device]:
    """Bring every sleeping bridge to D0, topmost first, with its configuration. Returns those that slept."""
    woken = []
    for device in system.devices():
        if device.row.is_bridge and device.current_state != PowerState.D0:
            try:
                set_power_state(device, PowerState.D0)
            except PciError as error:
                system.trace.add(What.NOTE, device.label, f"cannot be woken: {error}", error)
                continue
            restore_state(device)
            woken.append(device)
    return woken


def suspend_device(system: System, device: Device, state: int = PowerState.D3HOT) -> int:
    """Ask the driver, save the configuration, change the power state. Returns 0 or a negative errno; then it stays in D0."""
    rc = _call(system, device, "suspend", state=int(state))
    if rc:
        return rc
    try:
        save_state(device)
        set_power_state(device, state)
    except PciError as error:
        system.trace.add(What.NOTE, device.label, f"cannot be suspended: {error}", error)
        return -(error.errno or errno.EIO)
    return 0


def resume_device(system: System, device: Device) -> int:
    """Power up, restore the configuration, tell the driver. Returns 0 or a negative errno."""
    try:
        set_power_state(device, PowerState.D0)
    except PciError as error:
        system.trace.add(What.NOTE, device.label, f"cannot be resumed: {error}", error)
        return -(error.errno or errno.EIO)
    restore_state(device)
    return _call(system, device, "resume")


def _call(system: System, device: Device, hook: str, **arguments: int) -> int:
    if device.driver is None or not device.driver.has(hook):
        return 0
    try:
        device.driver.call(hook, dev=device, **arguments)
    except InvariantBroken:
        raise
    except PciError as error:
        system.trace.add(What.HOOK, device.label, f"{hook}: {error}", error)
        return -(error.errno or errno.EIO)
    except Exception as error:
        record_failure(device, hook, error)
        return -errno.EIO
    system.trace.add(What.HOOK, device.label, f"{hook} by {device.driver.name}")
    return 0
