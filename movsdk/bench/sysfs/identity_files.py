"""Files that say what a device is: ids, class, irq, link, power; none of them changes anything that matters.

Twin: ``pci_dev_attrs`` in drivers/pci/pci-sysfs.c and drivers/base/power/sysfs.c. Runtime power management is not modelled:
``power/control`` is remembered and has no effect.
"""

from __future__ import annotations

import errno
from functools import partial
from typing import TYPE_CHECKING

from movsdk import pci_regs as regs
from movsdk.bench.sysfs.node import Attr, Node, folder_of, knob, text, to_number, to_word
from movsdk.bench.sysfs.resource_file import resource_lines
from movsdk.kernel.device import Device
from movsdk.kernel.devres import held_by
from movsdk.kernel.header import find_capability
from movsdk.layout.table import ROM_SHADOW
from movsdk.pci_regs import PowerState

if TYPE_CHECKING:
    from movsdk.bench.sysfs.device_folder import DeviceNode

_LINK_CAPABILITIES, _LINK_STATUS = 0x0C, 0x12
_SPEEDS = {1: "2.5", 2: "5.0", 3: "8.0", 4: "16.0", 5: "32.0", 6: "64.0"}


def files(node: DeviceNode) -> dict[str, Node]:
    """The files, by name."""
    device = node.device
    revision = device.config_read(regs.REVISION_ID, 1)
    line = device.config_read(regs.INTERRUPT_LINE, 1) if device.config_read(regs.INTERRUPT_PIN, 1) else 0
    found: dict[str, Node] = {
        "vendor": text(lambda: f"{device.vendor:#06x}"),
        "device": text(lambda: f"{device.device_id:#06x}"),
        "subsystem_vendor": text(lambda: f"{device.subvendor:#06x}"),
        "subsystem_device": text(lambda: f"{device.subdevice:#06x}"),
        "class": text(lambda: f"{device.class_code:#08x}"),
        "revision": text(lambda: f"{revision:#04x}"),
        "irq": text(lambda: _irq(device, line)),
        "resource": Attr(0o444, show=lambda: resource_lines(device, node.low_bits)),
        "modalias": text(lambda: modalias(device)),
        "uevent": Attr(0o644, show=lambda: _uevent(device), store=lambda _data: None),
        "local_cpus": text(lambda: 1),
        "local_cpulist": text(lambda: 0),
        "numa_node": knob(lambda: -1, _refuse),
        "dma_mask_bits": text(lambda: 32),
        "consistent_dma_mask_bits": text(lambda: 32),
        "ari_enabled": text(lambda: 0),
        "power_state": text(lambda: device.current_state.name if device.current_state < PowerState.D3HOT else "D3hot"),
        "power": folder_of(_power(device)),
    }
    for name, first in (("msi_bus", True), ("broken_parity_status", False), ("d3cold_allowed", True)):
        found[name] = _flag(first)
    if device.row.base_class == regs.CLASS_DISPLAY_VGA:
        found["boot_vga"] = text(lambda: int(bool(device.resources[regs.ROM_RESOURCE].flags & ROM_SHADOW)))
    if device.row.is_bridge:
        found["secondary_bus_number"] = text(lambda: device.config_read(regs.SECONDARY_BUS, 1))
        found["subordinate_bus_number"] = text(lambda: device.config_read(regs.SUBORDINATE_BUS, 1))
    return found | _link(device)


def modalias(device: Device) -> str:
    """What ``modprobe`` would be asked for."""
    code = device.class_code
    return (
        f"pci:v{device.vendor:08X}d{device.device_id:08X}sv{device.subvendor:08X}sd{device.subdevice:08X}"
        f"bc{code >> 16:02X}sc{code >> 8 & 0xFF:02X}i{code & 0xFF:02X}"
    )


def msi_vectors(device: Device) -> dict[str, Node] | None:
    """The folder msi_irqs: a file for each MSI or MSI-X vector that the driver has; None without."""
    held = held_by(device)
    vectors = [vector for vector in held.vectors if vector.kind != "intx"] if held is not None else []
    return {str(vector.number): text(partial(str, vector.kind)) for vector in vectors} or None


def _irq(device: Device, line: int) -> int:
    held = held_by(device)
    vectors = held.vectors if held is not None else []
    return vectors[0].number if vectors and vectors[0].kind == "msi" else line


def _uevent(device: Device) -> str:
    lines = [
        *([f"DRIVER={device.driver.name}"] if device.driver is not None else []),
        f"PCI_CLASS={device.class_code:04X}",
        f"PCI_ID={device.vendor:04X}:{device.device_id:04X}",
        f"PCI_SUBSYS_ID={device.subvendor:04X}:{device.subdevice:04X}",
        f"PCI_SLOT_NAME={device.bdf}",
        f"MODALIAS={modalias(device)}",
    ]
    return "\n".join(lines) + "\n"


def _flag(first: bool) -> Node:
    """A flag that is remembered."""
    state = [first]

    def store(data: bytes) -> None:
        state[0] = bool(to_number(data))

    return knob(lambda: int(state[0]), store)


def _refuse(_data: bytes) -> None:
    raise OSError(errno.EINVAL, "this machine has no NUMA nodes")


def _power(device: Device) -> dict[str, Node]:
    control = ["on"]

    def store(data: bytes) -> None:
        word = to_word(data)
        if word not in ("on", "auto"):
            raise OSError(errno.EINVAL, "write on or auto")
        control[0] = word

    def no_autosuspend(_data: bytes = b"") -> None:
        raise OSError(errno.EIO, "the device does not use autosuspend")

    return {
        "control": knob(lambda: control[0], store),
        "runtime_status": text(lambda: "active" if device.current_state is PowerState.D0 else "suspended"),
        "runtime_enabled": text(lambda: "forbidden" if control[0] == "on" else "enabled"),
        "runtime_usage": text(lambda: int(control[0] == "on")),
        "runtime_active_time": text(lambda: device.system.ops.clock.now // 1_000_000),
        "runtime_suspended_time": text(lambda: 0),
        "autosuspend_delay_ms": knob(no_autosuspend, no_autosuspend),
        "async": text(lambda: "enabled"),
        "wakeup": text(lambda: ""),
    }


def _link(device: Device) -> dict[str, Node]:
    at = find_capability(device, regs.CAP_ID_EXP)
    if not at:
        return {}

    def speed(offset: int) -> str:
        return f"{_SPEEDS[code]} GT/s PCIe" if (code := device.config_read(at + offset, 2) & 0xF) in _SPEEDS else "Unknown"

    def width(offset: int) -> int:
        return device.config_read(at + offset, 2) >> 4 & 0x3F

    return {
        "max_link_speed": text(lambda: speed(_LINK_CAPABILITIES)),
        "current_link_speed": text(lambda: speed(_LINK_STATUS)),
        "max_link_width": text(lambda: width(_LINK_CAPABILITIES)),
        "current_link_width": text(lambda: width(_LINK_STATUS)),
    }
