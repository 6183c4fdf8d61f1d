"""One function's header read into memory: ids, BARs, bridge windows, hot-plug capability.

Twin: ``pci_setup_device()``, ``pci_read_bases()``, ``pci_read_bridge_bases()`` in drivers/pci/probe.c. Config cycles only.
"""

from __future__ import annotations

from movsdk import pci_regs as regs
from movsdk.kernel.device import Bus, Device
from movsdk.layout.table import IO, M64, MEM, MEM_64, PREF, SIZEALIGN, UNSET, Row

_IO_GRANULE = 0x1000
_MEM_GRANULE = 0x10_0000


def read_device(bus: Bus, devfn: int, header_type: int, ids: int) -> Device:
    """Make the `Device` for a function that answered (``pci_setup_device()``)."""
    system = bus.system
    label = system.label_of(bus.number, devfn) or f"{system.domain:04x}:{bus.number:02x}:{devfn >> 3:02x}.{devfn & 7}"
    row = Row(label, bus.segment)
    device = Device(system, bus, devfn, ids & 0xFFFF, ids >> 16, 0, 0, row, header_type & 0x7F, label)
    row.owner = device
    row.class_code = device.config_read(regs.REVISION_ID, 4) >> 8
    row.command = device.config_read(regs.COMMAND, 2)
    device.is_busmaster = bool(row.command & regs.COMMAND_MASTER)
    row.is_bridge = device.header_type == regs.HEADER_TYPE_BRIDGE
    if row.is_bridge:
        row.window_granules = system.window_granules
        _read_bridge_capabilities(device)
        _read_bars(device, 2)
    elif row.base_class == regs.CLASS_BRIDGE_PCI:
        text = f"ignoring class {row.class_code:#08x} (doesn't match header type {device.header_type:02x})"
        system.log(device, text)
        row.class_code = regs.CLASS_NOT_DEFINED << 8  # and its BARs are not looked at
    else:
        subsystem = device.config_read(regs.SUBSYSTEM_VENDOR_ID, 4)
        device.subvendor, device.subdevice = subsystem & 0xFFFF, subsystem >> 16
        _read_bars(device, 6)
    if system.platform.forgets_firmware:
        _forget_addresses(row)
    _read_pcie(device)
    if system.fixup_header is not None:
        system.fixup_header(device)
    return device


def find_capability(device: Device, capability: int) -> int:
    """Offset of a capability in config space, or 0 (``pci_find_capability()``)."""
    if not device.config_read(regs.STATUS, 2) & regs.STATUS_CAP_LIST:
        return 0
    offset = device.config_read(regs.CAPABILITY_LIST, 1) & ~3
    for _ in range(48):
        if offset < 0x40:
            return 0
        header = device.config_read(offset, 2)
        if header & 0xFF == 0xFF:
            return 0
        if header & 0xFF == capability:
            return offset
        offset = header >> 8 & ~3
    return 0


def _forget_addresses(row: Row) -> None:
    """``PCI_REASSIGN_ALL_RSRC`` on powerpc: what stood in the registers is no place."""
    for resource in row.resources[: regs.BRIDGE_RESOURCES]:
        if resource.flags:
            resource.flags |= UNSET
            resource.set_span(0, resource.size - 1)


def _read_pcie(device: Device) -> None:
    at = find_capability(device, regs.CAP_ID_EXP)
    if not at:
        return
    flags = device.config_read(at + regs.EXP_FLAGS, 2)
    device.pcie_type = (flags & regs.EXP_FLAGS_TYPE) >> 4
    if flags & regs.EXP_FLAGS_SLOT and device.config_read(at + regs.EXP_SLTCAP, 4) & regs.EXP_SLTCAP_HPC:
        device.row.is_hotplug = True


def _read_bars(device: Device, count: int) -> None:
    """Size each BAR by writing ones, decode off meanwhile (``pci_read_bases()``)."""
    command = device.row.command
    decodes = command & (regs.COMMAND_IO | regs.COMMAND_MEMORY)
    if decodes:
        device.config_write(regs.COMMAND, 2, command & ~(regs.COMMAND_IO | regs.COMMAND_MEMORY))
    index = 0
    while index < count:
        index += _read_bar(device, index)
    _read_rom(device)
    if decodes:
        device.config_write(regs.COMMAND, 2, command)


def _probe_register(device: Device, offset: int, ones: int) -> tuple[int, int]:
    """The register's value, and what reads back after writing ones."""
    value = device.config_read(offset, 4)
    device.config_write(offset, 4, ones)
    mask = device.config_read(offset, 4)
    device.config_write(offset, 4, value)
    return value, mask


def _read_bar(device: Device, index: int) -> int:
    """Fill resource `index`; returns how many registers it takes."""
    offset = regs.bar_register(index)
    value, mask = _probe_register(device, offset, 0xFFFF_FFFF)
    if mask in (0, 0xFFFF_FFFF):
        return 1
    resource = device.resources[index]
    if value & regs.BASE_ADDRESS_SPACE_IO:
        start = value & ~0x3 & 0xFFFF_FFFF
        if size := _size(start, mask & ~0x3, 0xFFFC):
            resource.flags = IO | SIZEALIGN
            resource.set_span(start, start + size - 1)
        return 1
    flags = MEM | SIZEALIGN
    if value & regs.BASE_ADDRESS_MEM_PREFETCH:
        flags |= PREF
    start, top, taken = value & ~0xF & 0xFFFF_FFFF, mask & ~0xF, 1
    if value & 0x6 == regs.BASE_ADDRESS_MEM_TYPE_64:
        flags |= MEM_64
        taken = 2
        upper, upper_mask = _probe_register(device, offset + 4, 0xFFFF_FFFF)
        start |= upper << 32
        top |= upper_mask << 32
    if size := _size(start, top, M64 & ~0xF if taken == 2 else 0xFFFF_FFF0):
        resource.flags = flags
        resource.set_span(start, start + size - 1)
    return taken


def _size(base: int, top: int, mask: int) -> int:
    """The size of a BAR that held `base`, and `top` after ones were written; 0 = none (``pci_size()``).

    One whose bits do not change has no size, unless it was programmed with all its ones: hard-wired BARs are no resources.
    """
    size = top & mask & -(top & mask)
    is_stuck = base == top and (base | (size - 1)) & mask != mask
    return 0 if is_stuck or not size else size


def _read_rom(device: Device) -> None:
    offset = regs.bar_register(regs.ROM_RESOURCE, device.row.is_bridge)
    value, mask = _probe_register(device, offset, 0xFFFF_F800)
    start = value & 0xFFFF_F800
    size = _size(start, mask & 0xFFFF_F800, 0xFFFF_F800)
    if mask == 0xFFFF_FFFF or not size:
        return
    resource = device.resources[regs.ROM_RESOURCE]
    resource.flags = MEM | PREF | SIZEALIGN
    resource.set_span(start, start + size - 1)


def _read_bridge_capabilities(device: Device) -> None:
    """Which optional windows the bridge implements (``pci_read_bridge_windows()``)."""
    row = device.row
    io = device.config_read(regs.IO_BASE, 2)
    if not io:
        device.config_write(regs.IO_BASE, 2, 0xE0F0)
        io = device.config_read(regs.IO_BASE, 2)
        device.config_write(regs.IO_BASE, 2, 0)
    row.has_io = bool(io)
    pref = device.config_read(regs.PREF_MEMORY_BASE, 4)
    if not pref:
        device.config_write(regs.PREF_MEMORY_BASE, 4, 0xFFE0_FFF0)
        pref = device.config_read(regs.PREF_MEMORY_BASE, 4)
        device.config_write(regs.PREF_MEMORY_BASE, 4, 0)
    row.has_pref = bool(pref)
    if row.has_pref and pref & 0xF == 1:
        upper = device.config_read(regs.PREF_BASE_UPPER32, 4)
        device.config_write(regs.PREF_BASE_UPPER32, 4, 0xFFFF_FFFF)
        row.pref_is_64bit = device.config_read(regs.PREF_BASE_UPPER32, 4) != 0
        device.config_write(regs.PREF_BASE_UPPER32, 4, upper)


def read_windows(device: Device) -> None:
    """Fill resources 7-9 from the window registers (``pci_read_bridge_bases()``).

    The registers are believed even where the bridge implements no such window: zero reads as a window at zero.
    """
    io_window, mem_window, pref_window = device.row.windows
    pair = device.config_read(regs.IO_BASE, 2)
    base, limit = (pair & 0xF0) << 8, pair & 0xF000
    if pair & 0xF == 1:
        upper = device.config_read(regs.IO_BASE_UPPER16, 4)
        base |= (upper & 0xFFFF) << 16
        limit |= upper & 0xFFFF_0000
    if base <= limit:
        io_window.flags = IO
        io_window.set_span(base, limit + _IO_GRANULE - 1)
    pair = device.config_read(regs.MEMORY_BASE, 4)
    base, limit = (pair & 0xFFF0) << 16, pair & 0xFFF0_0000
    if base <= limit:
        mem_window.flags = MEM
        mem_window.set_span(base, limit + _MEM_GRANULE - 1)
    pair = device.config_read(regs.PREF_MEMORY_BASE, 4)
    base, limit = (pair & 0xFFF0) << 16, pair & 0xFFF0_0000
    flags = MEM | PREF
    if pair & 0xF == 1:
        flags |= MEM_64
        base_upper = device.config_read(regs.PREF_BASE_UPPER32, 4)
        limit_upper = device.config_read(regs.PREF_LIMIT_UPPER32, 4)
        if base_upper <= limit_upper:
            base |= base_upper << 32
            limit |= limit_upper << 32
    if base <= limit:
        pref_window.flags = flags
        pref_window.set_span(base, (limit + _MEM_GRANULE - 1) & M64)
