"""The scan: find functions by config reads, number the buses behind bridges.

Twin: ``pci_scan_child_bus_extend()``, ``pci_scan_bridge_extend()``, ``pci_scan_slot()`` in drivers/pci/probe.c (linux-5.10).
Uses config cycles only, so it works on any `PciOps`. Assigns no addresses and binds no driver.
"""

from __future__ import annotations

from movsdk import pci_regs as regs
from movsdk.kernel.device import Bus, Device
from movsdk.kernel.header import read_device, read_windows
from movsdk.kernel.runtime_pm import kept_awake
from movsdk.layout.table import Segment
from movsdk.pci_regs import PowerState
from movsdk.points import checkpoint

_U32 = 0xFFFF_FFFF
_LAST_BUS = 0xFF
_SINGLE_CHILD = (regs.PcieType.ROOT_PORT, regs.PcieType.DOWNSTREAM, regs.PcieType.PCIE_BRIDGE)


def scan_child_bus(bus: Bus, available: int = 0) -> int:
    """Scan `bus` and all below; `available` bus numbers may be spread downwards. Returns the highest number in use."""
    start = highest = bus.number
    used = 0
    scan_slots(bus)
    bridges = [device for device in bus.devices if device.row.is_bridge]
    hotplug = sum(device.row.is_hotplug for device in bridges)
    normal = len(bridges) - hotplug
    for bridge in bridges:
        before = highest
        highest = scan_bridge(bridge, highest, 0, 0)
        used += 1
        # Unsigned, so a bridge that firmware numbered higher makes `used` shrink: a slip of the kernel, kept.
        if (before - highest) & _U32 > 1:
            used = (used + before - highest - 1) & _U32
    for bridge in bridges:
        share = 0
        if not hotplug and normal == 1:
            share = available
        elif bridge.row.is_hotplug:
            share = min(available // hotplug, (available - used + 1) & _U32)
        before = highest
        highest = scan_bridge(bridge, before, share, 1)
        if highest - before > 1:
            used += highest - before - 1
    if bus.bridge is not None and bus.bridge.row.is_hotplug:
        wanted = max(available, bus.system.reserve.buses - 1)
        if highest - start < wanted:
            highest = min(start + wanted, bus.last)
    return highest


def scan_slots(bus: Bus) -> list[Device]:
    """Find functions on `bus`; known ones keep their object. Reads the bus's windows the first time. Returns the new ones."""
    known = {device.devfn: device for device in bus.devices}
    before = len(bus.devices)
    bridge = bus.bridge
    # The link of a PCIe port reaches device 0 only (only_one_child()).
    slots = 1 if bridge is not None and bridge.pcie_type in _SINGLE_CHILD else 32
    for slot in range(slots):
        first = _scan_function(bus, slot << 3, known)
        if first is not None and first & regs.HEADER_TYPE_MULTIFUNCTION:
            for function in range(1, 8):
                _scan_function(bus, slot << 3 | function, known)
    if not bus.is_read:
        bus.is_read = True
        if bridge is not None and bus.system.platform.reads_windows:
            read_windows(bridge)
    return bus.devices[before:]


def _scan_function(bus: Bus, devfn: int, known: dict[int, Device]) -> int | None:
    """Header type byte of the function, or None if nobody is there."""
    ops = bus.system.ops
    if devfn in known:
        return ops.config_read(bus.number, devfn, regs.HEADER_TYPE, 1)
    ids = ops.config_read(bus.number, devfn, regs.VENDOR_ID, 4)
    if ids & 0xFFFF in (0, 0xFFFF):
        return None
    header = ops.config_read(bus.number, devfn, regs.HEADER_TYPE, 1)
    device = read_device(bus, devfn, header, ids)
    bus.devices.append(device)
    bus.segment.rows.append(device.row)
    bus.system.discovered.append(device)
    if device.is_transparent and bus.system.on_subtractive is not None:
        bus.system.on_subtractive(device)
    if bus.system.on_found is not None:
        bus.system.on_found(device)
    return header


def scan_bridge(bridge: Device, highest: int, available: int, scan_pass: int) -> int:
    """Look behind one bridge: pass 0 takes what firmware numbered, pass 1 numbers the rest. Returns the highest number."""
    if bridge.current_state == PowerState.D0:
        return _scan_bridge(bridge, highest, available, scan_pass)
    with kept_awake(bridge):
        return _scan_bridge(bridge, highest, available, scan_pass)


def _scan_bridge(bridge: Device, highest: int, available: int, scan_pass: int) -> int:
    bus = bridge.bus
    numbers = bridge.config_read(regs.PRIMARY_BUS, 4)
    primary, secondary, subordinate = numbers & 0xFF, numbers >> 8 & 0xFF, numbers >> 16 & 0xFF
    if not primary and bus.number and secondary and subordinate:
        primary = bus.number
    broken = scan_pass == 0 and (primary != bus.number or secondary <= bus.number or secondary > subordinate)
    assigns_all = bus.system.assigns_all_buses
    if (secondary or subordinate) and not broken and not assigns_all:
        if scan_pass:
            return highest
        child = bus.system.find_bus(secondary)
        if child is None:
            child = _new_bus(bridge, secondary, subordinate)
        scan_child_bus(child, 0)
        return max(highest, subordinate)
    if scan_pass == 0:
        if broken or assigns_all:
            bridge.config_write(regs.PRIMARY_BUS, 4, numbers & 0xFF00_0000)
        return highest
    return _number_bridge(bridge, highest, available, numbers)


def _number_bridge(bridge: Device, highest: int, available: int, numbers: int) -> int:
    """Give an unnumbered bridge the next bus number and scan behind it; the last there is, is 255.

    The kernel does not look, and goes on with a number that no register holds: two buses share one then, and nothing sensible
    follows.
    """
    bus = bridge.bus
    if highest >= _LAST_BUS:
        bus.system.log(bridge, f"No bus number available: bus {_LAST_BUS:02x} is taken, what is behind it stays unseen")
        return highest
    child = bus.system.find_bus(highest + 1)
    if child is None:
        child = _new_bus(bridge, highest + 1, bus.last)
    highest += 1
    if highest > bus.last:  # nobody checks that the bridges above pass the number on
        bus.system.log(bridge, f"busn_res: can not insert [bus {highest:02x}] under [bus {bus.number:02x}-{bus.last:02x}]")
    available = max(0, available - 1)
    packed = bus.number | (child.number & 0xFF) << 8 | (child.last & 0xFF) << 16
    bridge.config_write(regs.PRIMARY_BUS, 4, numbers & 0xFF00_0000 | packed)
    highest = scan_child_bus(child, available)
    child.last = highest
    bridge.config_write(regs.SUBORDINATE_BUS, 1, highest & 0xFF)
    return highest


def _new_bus(bridge: Device, number: int, last: int) -> Bus:
    """``pci_add_new_bus()``: windows 7-10 of the bridge, and the parent's resources below a subtractive one."""
    parent = bridge.bus
    segment = Segment(bridge.row, parent.segment, windows=list(bridge.resources[regs.BRIDGE_RESOURCES :]))
    if bridge.is_transparent:
        segment.is_subtractive = True
        segment.windows.extend(window for window in parent.segment.windows if window.flags)
    child = Bus(parent.system, number, last, segment, bridge, parent)
    parent.children.append(child)
    bridge.subordinate = child
    bridge.row.child = segment
    return child


def number_hot_added(bus: Bus) -> None:
    """Give each bridge on `bus` numbers out of the free ones, as mainline does after a hot-add (``pci_hp_add_bridge()``)."""
    for bridge in [device for device in bus.devices if device.row.is_bridge]:
        taken = {known.number for known in bus.system.buses()}
        free = next((number for number in range(bus.number, bus.last + 1) if number not in taken), None)
        if free is None:
            bus.system.log(bridge, "No bus number available for hot-added bridge")
            continue
        highest = free - 1
        scan_bridge(bridge, highest, 0, 0)
        scan_bridge(bridge, highest, bus.last - highest, 1)


def forget_device(device: Device) -> None:
    """Take `device` and all below out of memory: resources detached, bus numbers given back (``pci_destroy_dev()``)."""
    if device.subordinate is not None:
        for child in list(device.subordinate.devices):
            forget_device(child)
        device.bus.children.remove(device.subordinate)
        device.subordinate = None
        device.row.child = None
    device.system.arch.removed(device)
    for resource in device.resources:
        resource.detach()
    checkpoint(f"{device.label} W is_removed", writes=(("paused", device.label),))
    device.is_removed = True
    device.system.discovered.remove(device)
    device.bus.devices.remove(device)
    device.bus.segment.rows.remove(device.row)
