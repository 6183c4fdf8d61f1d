"""Power states of a device: D0 to D3cold, and what its driver is told on the way.

Twin: ``pci_set_power_state()`` in drivers/pci/pci.c, ``pci_pm_suspend()`` and ``pci_pm_resume()`` in pci-driver.c. Does what
it is told: when to sleep and who must stay awake is `runtime_pm`'s, what comes back `saved_state`'s.
"""

from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING, Final

from attrs import field, frozen
from attrs.validators import in_

from movsdk import pci_regs as regs
from movsdk.clock import NS_PER_MS, NS_PER_US
from movsdk.errors import InvariantBroken, PciError
from movsdk.kernel.actor import might_sleep, record_failure
from movsdk.kernel.device import Device
from movsdk.kernel.header import find_capability
from movsdk.kernel.saved_state import restore_bars, restore_state, save_state
from movsdk.pci_regs import PowerState
from movsdk.points import mention
from movsdk.trace import What

if TYPE_CHECKING:
    from movsdk.kernel.system import System

_D3_DELAY: Final = 10 * NS_PER_MS  # PCI PM 1.2 §5.6.1: nobody may touch the function for that long
_D2_DELAY: Final = 200 * NS_PER_US
_D3COLD_DELAY: Final = 100 * NS_PER_MS  # from power to the first config cycle (PCIe Base 3.1 §6.6.1)
_SUPPORT: Final = {PowerState.D1: 0x0200, PowerState.D2: 0x0400}  # bits of PM_PMC


@frozen
class PowerRules:
    """What a kernel version does about devices that sleep while BARs move.

    `restores_now`: patch 1, see `saved_state`; without it a restored BAR is where it was when the state was saved.
    `wakes`: bridges for a rescan (patch 20): "no"; "config": those that cut config space off (v5); "fully": all of them.
    `saves_bridges`: their configuration is saved anew when they are let go (v9). `puts_new_bridges`: one that the rescan found is
    let go too, though nobody held it: its count ends at -1 (v5).
    """

    restores_now: bool = True
    wakes: str = field(default="fully", validator=in_(("no", "config", "fully")))
    saves_bridges: bool = True
    puts_new_bridges: bool = False


UNPATCHED: Final = PowerRules(restores_now=False, wakes="no", saves_bridges=False)


def set_power_state(device: Device, state: int) -> None:
    """Change the power state. BARs lost on the way up are written again.

    D3COLD goes as far as D3HOT, and then the platform, if there is one, cuts the power of the device and of all below.

    Raises:
        PciError: EIO (state not supported), EINVAL (from one low state to a higher one), ENODEV (nobody answers).
    """
    might_sleep("set_power_state")
    cuts_power = state == PowerState.D3COLD and device.system.platform_power is not None
    _state_seen(device)
    if device.current_state == PowerState.D3COLD:
        if state == PowerState.D3COLD:
            return
        _power_up(device)
    if not cuts_power or find_capability(device, regs.CAP_ID_PM):
        _change_state(device, PowerState(min(state, PowerState.D3HOT)))
    if cuts_power:
        _power_down(device)


def _power_down(device: Device) -> None:
    if device.system.platform_power is not None:
        device.system.platform_power(device, False)
    device.system.trace.add(What.NOTE, device.label, f"power state {device.current_state.name} -> D3COLD")
    for each in device.with_below():
        _state_changes(each)
        each.current_state = PowerState.D3COLD


def _power_up(device: Device) -> None:
    """Ask the platform for power; registers are as after a reset. What is below a bridge wakes as soon as time passes."""
    system = device.system
    if system.platform_power is not None:
        system.platform_power(device, True)
    _state_changes(device)
    device.current_state = PowerState.D0
    system.ops.clock.advance(_D3COLD_DELAY)
    system.trace.add(What.NOTE, device.label, "power state D3COLD -> D0")
    restore_bars(device)
    for child in device.subordinate.devices if device.subordinate is not None else ():
        system.ops.clock.call_soon(partial(_wake_child, child), f"{child.label} wakes with its bridge")


def _wake_child(device: Device) -> None:
    if device.current_state == PowerState.D3COLD and not device.is_removed:
        resume_device(device.system, device)


def _state_seen(device: Device) -> None:
    """Say that the step which runs looks at the power state that the kernel believes the device to be in."""
    mention(f"{device.label} R power state", state_cells(device))


def _state_changes(device: Device) -> None:
    """Say that the step which runs changes it."""
    mention(f"{device.label} W power state", (), state_cells(device))


def state_cells(device: Device) -> tuple[tuple[str, str]]:
    """What stands for the power state that the kernel believes a device to be in."""
    return (("power state", device.label),)


def _change_state(device: Device, target: PowerState) -> None:
    _state_seen(device)
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
    reached = PowerState(device.config_read(at + regs.PM_CTRL, 2) & regs.PM_CTRL_STATE_MASK)
    _state_changes(device)
    device.current_state = reached
    device.system.trace.add(What.NOTE, device.label, f"power state {now.name} -> {device.current_state.name}")
    if loses_config and device.current_state == PowerState.D0:
        restore_bars(device)


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
            _call(system, device, "resume")
            woken.append(device)
    return woken


def suspend_device(system: System, device: Device, state: int = PowerState.D3HOT) -> int:
    """Ask the driver, save the configuration, change the power state.

    Returns 0 or a negative errno; then it stays in D0, and its driver is told so.
    """
    rc = quiet_device(system, device, state)
    if rc:
        return rc
    try:
        set_power_state(device, state)
    except PciError as error:
        system.trace.add(What.NOTE, device.label, f"cannot be suspended: {error}", error)
        _call(system, device, "resume")
        return -(error.errno or errno.EIO)
    return 0


def quiet_device(system: System, device: Device, state: int = PowerState.D3HOT) -> int:
    """Ask the driver and save the configuration; the power stays as it is. Returns 0 or the driver's negative errno."""
    rc = _call(system, device, "suspend", state=int(state))
    if rc == 0:
        save_state(device)
    return rc


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
