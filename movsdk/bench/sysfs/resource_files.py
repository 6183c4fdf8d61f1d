"""The files of a device's resources: resourceN, resourceN_wc, resourceN_resize, rom.

Twin: ``pci_create_resource_files()``, ``pci_read_rom()``, ``resourceN_resize`` in drivers/pci/pci-sysfs.c. Memory BARs can only
be mapped, I/O BARs only be read and written. Resizing itself is not modelled.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Final

from movsdk import pci_regs as regs
from movsdk.bench.sysfs.bar_window import BarWindow
from movsdk.bench.sysfs.node import Attr, Node, to_number
from movsdk.kernel.device import Device
from movsdk.layout.table import IO, PREF, UNSET, Resource
from movsdk.ops import Space

if TYPE_CHECKING:
    from movsdk.bench.sysfs.device_folder import DeviceNode

_REBAR: Final = 0x15
_EXTENDED: Final = 0x100
_LARGEST_RESIZE: Final = 27  # 128 TiB: what the capability register has bits for
_ROM_ADDRESS: Final = 0xFFFF_F800
_ROM_SIGNATURE: Final = b"\x55\xaa"


def files(node: DeviceNode) -> dict[str, Node]:
    """The files, by name. An attribute stays the same object while its BAR exists, so that open files know each other."""
    device = node.device
    found: dict[str, Node] = {}
    for index, resource in enumerate(device.resources[: regs.BRIDGE_RESOURCES]):
        if not resource.flags:
            continue
        if index == regs.ROM_RESOURCE:
            found["rom"] = _kept(node, "rom", resource)
            continue
        found[f"resource{index}"] = _kept(node, f"resource{index}", resource)
        if resource.flags & PREF and not resource.flags & IO:
            found[f"resource{index}_wc"] = _kept(node, f"resource{index}_wc", resource)
        if index in node.resizable:
            found[f"resource{index}_resize"] = _kept(node, f"resource{index}_resize", resource)
    return found


def _kept(node: DeviceNode, name: str, resource: Resource) -> Attr:
    key = (resource.size, resource.flags & IO)
    known = node.bars.get(name)
    if known is None or known[0] != key:
        make = _rom if name == "rom" else _resize if name.endswith("_resize") else _resource
        known = node.bars[name] = (key, make(node, resource))
    return known[1]


def _resource(node: DeviceNode, resource: Resource) -> Attr:
    device, size = node.device, resource.size
    if resource.flags & IO:
        return Attr(
            0o600,
            read_at=lambda offset, count: _read_port(device, resource, offset, count),
            write_at=lambda offset, data: _write_port(device, resource, offset, data),
            size=size,
            is_alive=node.is_alive,
        )
    return Attr(0o600, window=BarWindow(node.view.windows, device, resource.index), size=size, is_alive=node.is_alive)


def _port(resource: Resource, offset: int, count: int) -> int:
    if count not in (1, 2, 4) or resource.parent is None or resource.flags & UNSET:
        raise OSError(errno.EINVAL, "I/O ports are accessed with 1, 2 or 4 bytes, where they have an address")
    return resource.start + offset


def _read_port(device: Device, resource: Resource, offset: int, count: int) -> bytes:
    address = _port(resource, offset, count)
    return device.system.ops.read(Space.IO, address, count).to_bytes(count, "little")


def _write_port(device: Device, resource: Resource, offset: int, data: bytes) -> int:
    address = _port(resource, offset, len(data))
    device.system.ops.write(Space.IO, address, len(data), int.from_bytes(data, "little"))
    return len(data)


# --- ROM ----------------------------------------------------------------------------------------------
def _rom(node: DeviceNode, resource: Resource) -> Attr:
    enabled = [False]

    def write(offset: int, data: bytes) -> int:
        enabled[0] = not (not offset and data[:1] == b"0")
        return len(data)

    def read(offset: int, count: int) -> bytes:
        if not enabled[0]:
            raise OSError(errno.EINVAL, "write 1 to this file first")
        return _image(node.device, resource)[offset : offset + count]

    return Attr(0o600, read_at=read, write_at=write, size=resource.size, is_alive=node.is_alive)


def _image(device: Device, resource: Resource) -> bytes:
    """The ROM's images, decoded for as long as it takes. Raises EIO: no address, or no image there."""
    if resource.parent is None or resource.flags & UNSET:
        raise OSError(errno.EIO, "the ROM has no address")
    register = regs.bar_register(regs.ROM_RESOURCE, device.row.is_bridge)
    # pci_enable_rom() writes the address, which the kernel's assignment did not; pci_disable_rom() leaves it.
    low = device.config_read(register, 4) & ~_ROM_ADDRESS
    device.config_write(register, 4, low | resource.start & _ROM_ADDRESS | regs.ROM_ADDRESS_ENABLE)
    data = device.system.ops.read_block(resource.start, resource.size)
    device.config_write(register, 4, low & ~regs.ROM_ADDRESS_ENABLE | resource.start & _ROM_ADDRESS)
    length = 0
    while data[length : length + 2] == _ROM_SIGNATURE:
        header = length + int.from_bytes(data[length + 0x18 : length + 0x1A], "little")
        if data[header : header + 4] != b"PCIR":
            break
        is_last = data[header + 0x15] & 0x80
        length += int.from_bytes(data[header + 0x10 : header + 0x12], "little") * 512
        if is_last or not length:
            break
    if not length:
        raise OSError(errno.EIO, "Invalid PCI ROM header signature")
    return data[:length]


# --- resizable BARs --------------------------------------------------------------------------------------
def resizable(device: Device, config_size: int) -> dict[int, int]:
    """BAR number to the offset of its entry in the Resizable BAR capability."""
    found: dict[int, int] = {}
    at = _EXTENDED if config_size > _EXTENDED else 0
    for _ in range(64):
        header = device.config_read(at, 4) if at else 0
        if header & 0xFFFF == _REBAR:
            count = device.config_read(at + 8, 4) >> 5 & 0x7
            for entry in range(at + 4, at + 4 + 8 * count, 8):
                found[device.config_read(entry + 4, 4) & 0x7] = entry
        at = header >> 20 if header != 0xFFFF_FFFF else 0
        if at < _EXTENDED:
            break
    return found


def _resize(node: DeviceNode, resource: Resource) -> Attr:
    device = node.device
    entry = node.resizable[resource.index]

    def show() -> str:
        return f"{device.config_read(entry, 4) >> 4:016x}\n"

    def store(data: bytes) -> None:
        bit = to_number(data)
        if device.driver is not None:
            raise OSError(errno.EBUSY, f"{device} is bound to {device.driver.name}")
        if bit > _LARGEST_RESIZE or not device.config_read(entry, 4) >> 4 >> bit & 1:
            raise OSError(errno.EINVAL, f"{device} cannot have BAR {resource.index} of 2^{bit} MiB")
        if resource.size != 1 << bit + 20:
            raise OSError(errno.EOPNOTSUPP, "resizing BARs is not modelled")

    return Attr(0o644, show=show, store=store, is_alive=node.is_alive)
