"""Enabling and disabling a device: counts, COMMAND bits, the bridges above, and who holds which mutex meanwhile.

Twin: ``pci_enable_device()``, ``pci_enable_bridge()``, ``pci_disable_device()``, ``pci_set_master()`` in drivers/pci/pci.c,
``enable_store()`` in pci-sysfs.c, and RFC patches 15 (the race) and 16 (an enabled bridge whose windows came later). One code for
all versions: where they differ it asks `EnableRules`. Each read and write of enable_cnt, is_busmaster and COMMAND is announced
by itself, so that the race is here to be found; `VARIANTS` are the kernels it is compared on.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Final

from attrs import evolve, field, frozen
from attrs.validators import in_

from movsdk.errors import PciError
from movsdk.kernel.actor import might_sleep
from movsdk.kernel.device import Device, places_seen
from movsdk.kernel.mutex import Mutex
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
    """How a kernel version counts, what it re-evaluates, and what it locks.

    `reenables_bridges`: an enabled bridge gets the COMMAND bits of windows it gained later (patch 16): "no", "windows"
    (v5: only its windows count) or "all" (v9: all its resources count, then bus master).
    `counts_after_success`: the count is raised only when enabling worked, and a second enable does not count (v2-v8).
    `counts_last`: the count is raised after the bits are set, and a second enable counts.
    `mutex`: "none"; "device": its own, in enabling, in disabling, and for bridges in the bridge path (v2-v8); "bridge": its own,
    in the bridge path only (v9); "global": one for all bridges, taken when the bridges above are enabled (2017); "writers": its
    own, round every writer of the count and of COMMAND.
    """

    reenables_bridges: str = field(default="no", validator=in_(("no", "windows", "all")))
    counts_after_success: bool = False
    counts_last: bool = False
    mutex: str = field(default="none", validator=in_(("none", "device", "bridge", "global", "writers")))


BASE: Final = EnableRules()
_V5: Final = EnableRules(counts_after_success=True, mutex="device")
_V9: Final = EnableRules(mutex="bridge")

VARIANTS: Final[Mapping[str, EnableRules]] = MappingProxyType(
    {
        "mainline": BASE,
        "v2": _V5,
        "v5": _V5,
        "v9": _V9,
        "v9+reenable": evolve(_V9, reenables_bridges="all"),
        "mutex-2017": EnableRules(mutex="global"),
        "bits-first": EnableRules(counts_last=True),
        "all-writers": EnableRules(mutex="writers"),
    }
)
"""The fixes that were posted or merged, and two that were not. v2 to v8 are one code."""


# --- users -----------------------------------------------------------------------------------------------
def enable_device(device: Device) -> None:
    """Count one more user; the first one turns on the bridges above, then decode for every assigned BAR.

    Raises:
        PciError: EINVAL, naming the BAR that has no address. Bridges stay enabled.
    """
    might_sleep("enable_device")
    # v5 leaves the mutex of a bridge to the bridge path, which holds it already when it comes here.
    with _own_mutex(device, "writers", "" if device.row.is_bridge else "device"):
        _enable(device)


def disable_device(device: Device) -> None:
    """Count one user less; the last one clears bus mastering. Decode bits stay (``pci_disable_device()``)."""
    with _own_mutex(device, "writers", "device"):
        if _read_count(device) <= 0:
            device.system.log(device, "disabling already-disabled device")
        if _count(device, -1) == 0:
            _set_command(device, clear=COMMAND_MASTER)
            _write_is_busmaster(device, False)


def set_master(device: Device) -> None:
    """Let the device start transactions (``pci_set_master()``)."""
    with _own_mutex(device, "writers"):
        _set_master(device)


def clear_master(device: Device) -> None:
    """Stop the device from starting transactions (``pci_clear_master()``)."""
    with _own_mutex(device, "writers"):
        _set_command(device, clear=COMMAND_MASTER)
        _write_is_busmaster(device, False)


def store_enable(device: Device, value: int) -> None:
    """What ``echo VALUE > /sys/bus/pci/devices/.../enable`` does.

    Raises:
        PciError: EBUSY (a driver is bound), EIO (0 to a device that is not enabled), EINVAL (see `enable_device`).
    """
    if device.driver is not None:
        raise PciError(errno.EBUSY, f"{device}: {device.driver} is bound; unbind it before writing its enable attribute")
    if value:
        enable_device(device)
    elif _read_count(device) > 0:
        disable_device(device)
    else:
        raise PciError(errno.EIO, f"{device}: is not enabled; nothing to undo")


# --- bridges ---------------------------------------------------------------------------------------------
def enable_bridge(bridge: Device) -> None:
    """Make a bridge forward, topmost first (``pci_enable_bridge()``)."""
    rules = bridge.system.enable_rules
    with _own_mutex(bridge, "device", "bridge", "writers"):
        # The mutex of the bridge is held while those above are taken: always from leaf to root, so no two tasks wait in a ring.
        if bridge.bus.bridge is not None:
            enable_bridge(bridge.bus.bridge)
        with bridge_mutex(bridge).held() if rules.mutex == "global" else nullcontext():
            _enable_bridge(bridge)


def _enable_bridge(bridge: Device) -> None:
    rules = bridge.system.enable_rules
    if _read_count(bridge) > 0:
        if rules.reenables_bridges != "no":
            reenable_bridge(bridge, only_windows=rules.reenables_bridges == "windows")
        if not _read_is_busmaster(bridge):
            _set_master(bridge)
        return
    try:
        _enable(bridge)
    except PciError as error:
        bridge.system.log(bridge, f"Error enabling bridge ({-(error.errno or errno.EINVAL)}), continuing")
    _set_master(bridge)


def reenable_bridge(bridge: Device, *, only_windows: bool = False) -> None:
    """Patch 16: give an enabled bridge the decode bits of what it has now; all or nothing."""
    places_seen(bridge)
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
    _set_command(bridge, bits)


# --- with the mutex held, where there is one -------------------------------------------------------------
def _enable(device: Device) -> None:
    rules = device.system.enable_rules
    if rules.counts_after_success or rules.counts_last:
        if _read_count(device) == 0:
            _enable_upstream(device)
            _enable_resources(device)
        elif rules.counts_after_success:
            return
        _count(device, +1)
        return
    if _count(device, +1) > 1:
        return
    _enable_upstream(device)
    try:
        _enable_resources(device)
    except PciError:
        _count(device, -1)
        raise


def _enable_upstream(device: Device) -> None:
    if (bridge := device.bus.bridge) is None:
        return
    # 2017: whoever enables a bridge holds the one mutex already; a bridge above that counts as enabled must not ask for it again.
    if device.system.enable_rules.mutex == "global" and _read_count(bridge) > 0:
        return
    enable_bridge(bridge)


def _enable_resources(device: Device) -> None:
    bits = _decode_bits(device)
    before, after = _set_command(device, bits)
    if before != after:
        device.system.log(device, f"enabling device ({before:04x} -> {after:04x})")


def _set_master(device: Device) -> None:
    _set_command(device, COMMAND_MASTER)
    _write_is_busmaster(device, True)


# --- the state, one announcement each --------------------------------------------------------------------
def _count(device: Device, step: int) -> int:
    """Add to the count and return it, in one step (``atomic_inc_return()``)."""
    cell = ("enable_cnt", device.label)
    checkpoint("enable_cnt += 1" if step > 0 else "enable_cnt -= 1", (cell,), (cell,))
    device.row.enable_cnt += step
    return device.row.enable_cnt


def _read_count(device: Device) -> int:
    checkpoint("R enable_cnt", (("enable_cnt", device.label),))
    return device.row.enable_cnt


def _read_is_busmaster(device: Device) -> bool:
    checkpoint("R is_busmaster", (("is_busmaster", device.label),))
    return device.is_busmaster


def _write_is_busmaster(device: Device, value: bool) -> None:
    checkpoint("W is_busmaster", (), (("is_busmaster", device.label),))
    device.is_busmaster = value


def _set_command(device: Device, bits: int = 0, *, clear: int = 0) -> tuple[int, int]:
    """Read COMMAND, and write it if it is to change: two config cycles, each announced at the seam. Returns old and new value."""
    before = device.config_read(COMMAND, 2)
    after = (before | bits) & ~clear
    if after != before:
        device.config_write(COMMAND, 2, after)
    device.row.command = after
    return before, after


def _decode_bits(device: Device) -> int:
    """COMMAND bits that the device's resources need; raises for one that has no place (``pci_enable_resources()``)."""
    places_seen(device)
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


def _slot_name(index: int) -> str:
    if index >= BRIDGE_RESOURCES:
        return f"{('I/O', 'memory', 'prefetchable', 'spare')[index - BRIDGE_RESOURCES]} window"
    return "expansion ROM" if index == ROM_RESOURCE else f"BAR {index}"


# --- mutexes ---------------------------------------------------------------------------------------------
def enable_mutex(device: Device) -> Mutex:
    """The mutex of one device (``pci_dev.enable_mutex`` of patch 15), made at the first call."""
    if device.enable_mutex is None:
        device.enable_mutex = Mutex(f"{device.label}.enable_mutex", kind="enable_mutex")
    return device.enable_mutex


def bridge_mutex(bridge: Device) -> Mutex:
    """The one mutex of all bridges (``pci_bridge_mutex`` of 2017), made at the first call."""
    system = bridge.system
    if system.bridge_mutex is None:
        system.bridge_mutex = Mutex("pci_bridge_mutex", kind="pci_bridge_mutex")
    return system.bridge_mutex


def _own_mutex(device: Device, *where: str) -> AbstractContextManager[None]:
    """Hold the mutex of `device` inside, if the rules have one of these kinds; nested by the number of bridges above (v9)."""
    if device.system.enable_rules.mutex not in where:
        return nullcontext()
    depth, bridge = 0, device.bus.bridge
    while bridge is not None:
        depth, bridge = depth + 1, bridge.bus.bridge
    return enable_mutex(device).held(nesting=depth)
