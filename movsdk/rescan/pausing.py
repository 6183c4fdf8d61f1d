"""Pausing and resuming drivers: the only place that calls the rescan hooks.

Twin: ``pci_bus_rescan_prepare()`` and ``pci_bus_rescan_done()`` (RFC patches 4 and 20). Prepare runs leaves first, done
top-down, both in list
order. A raising hook is reported; the device's BARs stay fixed for this rescan and the others go on.
"""

from __future__ import annotations

from movsdk.errors import InvariantBroken
from movsdk.kernel.actor import record_breach, record_failure
from movsdk.kernel.binding import BoundDriver
from movsdk.kernel.device import Bus, Device
from movsdk.pci_regs import BRIDGE_RESOURCES
from movsdk.points import checkpoint
from movsdk.rescan.rules.record import DriverFacts, Moves
from movsdk.trace import What

_ALL_FIXED = (True,) * BRIDGE_RESOURCES
_CONSEQUENCES = {
    "rescan_prepare": "its BARs stay where they are in this rescan",
    "rescan_done": "the device is gone until remove()",
}


def pause(bus: Bus, moves: Moves) -> list[Device]:
    """Note what every function has, pause every driver that can be paused. Returns the paused devices in call order."""
    paused: list[Device] = []
    for device in list(bus.devices):
        moves.mark(device.row)
        device.row.answers = None
        if device.subordinate is not None:
            paused += pause(device.subordinate, moves)
        if device.driver is not None:
            paused += _pause_one(device, device.driver, moves)
        device.system.arch.paused(device)
    return paused


def _pause_one(device: Device, driver: BoundDriver, moves: Moves) -> list[Device]:
    """Pause a device whose driver can be paused, and ask what may move. Returns the device if it was told."""
    told = driver.has("rescan_prepare") and moves.tells("rescan_prepare")
    device.paused_at = device.system.ops.clock.now
    if told:
        _set_paused(device, _call(device, driver, "rescan_prepare"))
        if not device.is_paused:  # who failed to be quiet stays where it is, so its accesses still arrive
            device.row.answers = _ALL_FIXED
    if device.row.answers is None:
        device.row.answers = moves.opt_in(_facts(device, driver))
    return [device] if told else []


def resume(bus: Bus, moves: Moves) -> list[tuple[str, int]]:
    """Wake every driver that was paused; each exactly once.

    Returns whom, and its blackout in virtual nanoseconds: from the call of rescan_prepare to the end of rescan_done.
    """
    if bus.bridge is not None and moves.skips_new_bridges and not bus.bridge.row.is_added:
        return []
    woken: list[tuple[str, int]] = []
    for device in list(bus.devices):
        device.system.arch.resuming(device)
        if device.driver is not None and device.driver.has("rescan_done") and moves.tells("rescan_done"):
            _set_paused(device, False)
            if not _call(device, device.driver, "rescan_done"):
                checkpoint(f"{device.label} W is_gone", writes=(("paused", device.label),))
                device.is_gone = True
            woken.append((device.label, device.system.ops.clock.now - device.paused_at))
        _set_paused(device, False)
        if device.subordinate is not None:
            woken += resume(device.subordinate, moves)
    return woken


def _set_paused(device: Device, value: bool) -> None:
    if device.is_paused is not value:
        checkpoint(f"{device.label} W is_paused = {int(value)}", writes=(("paused", device.label),))
        device.is_paused = value


def _facts(device: Device, driver: BoundDriver) -> DriverFacts:
    def ask(bar: int) -> bool:
        if not device.resources[bar].flags:
            return False
        try:
            answer = driver.call("bar_fixed", dev=device, bar=bar)
            if not isinstance(answer, int):
                text = f"{device}: bar_fixed returned {answer!r:.60} for BAR {bar}, which stays; return True or False"
                record_breach(device, text, getattr(driver.target, "bar_fixed", None), "bar_fixed")
                return True
            return bool(answer)
        except InvariantBroken:
            raise
        except Exception as error:  # whatever a driver raises must not stop the rescan
            record_failure(device, "bar_fixed", error, f"BAR {bar} stays where it is in this rescan")
            return True

    both = driver.has("rescan_prepare") and driver.has("rescan_done")
    return DriverFacts(both, driver.has("bar_fixed"), ask)


def _call(device: Device, driver: BoundDriver, hook: str) -> bool:
    """Call a hook; False if it raised."""
    system = device.system
    system.trace.add(What.HOOK, device.label, hook)
    if system.hook_observer is not None:
        system.hook_observer(hook, device, None)
    try:
        driver.call(hook, dev=device)
    except InvariantBroken:
        raise
    except Exception as error:  # whatever a driver raises must not stop the rescan
        record_failure(device, hook, error, _CONSEQUENCES[hook])
        return False
    return True
