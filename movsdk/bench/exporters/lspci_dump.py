"""Config space of every function as ``lspci -D -nn -xxxx`` prints it without an id database; ``lspci -F FILE`` reads it.

Twin: ``show_hex_dump()`` of pciutils. Registers only: BAR sizes and drivers are not in this format.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from movsdk import pci_regs as regs
from movsdk.bench.sysfs.config_file import config_size, read_config
from movsdk.bench.world import World
from movsdk.kernel.device import Device

_ROW: Final = 16


def lspci_dump(world: World) -> str:
    """The file's text, functions in order of their addresses."""
    devices = sorted(world.system.devices(), key=lambda device: (device.bus.number, device.devfn))
    return "\n".join("".join(f"{line}\n" for line in _block(device)) for device in devices)


def _block(device: Device) -> Iterator[str]:
    revision = device.config_read(regs.REVISION_ID, 1)
    shown = f" (rev {revision:02x})" if revision else ""
    ids = f"[{device.vendor:04x}:{device.device_id:04x}]"
    yield f"{device.bdf} Class [{device.class_code >> 8:04x}]: Device {ids}{shown}"
    data = read_config(device, 0, config_size(device))
    for offset in range(0, len(data), _ROW):
        yield f"{offset:02x}: {data[offset : offset + _ROW].hex(' ')}"
