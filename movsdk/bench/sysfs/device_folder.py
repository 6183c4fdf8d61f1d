"""The folder of one device: which files it has, and the devices and the bus behind it.

Twin: ``pci_create_sysfs_dev_files()`` in drivers/pci/pci-sysfs.c. What a file says is in `identity_files`, `control_files`,
`resource_files` and `config_file`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from movsdk.bench.sysfs import bus_folder, config_file, control_files, identity_files, resource_files
from movsdk.bench.sysfs.node import Attr, Folder, Node, button, folder_of, text
from movsdk.bench.sysfs.resource_file import read_low_bits
from movsdk.kernel.device import Bus, Device

if TYPE_CHECKING:
    from movsdk.bench.sysfs.view import SysfsView


@define(eq=False)
class DeviceNode:
    """A device as long as the kernel knows it. `fixed` files never change; `files` of BARs come and go."""

    view: SysfsView = field(repr=False)
    device: Device
    low_bits: dict[int, int] = field(init=False, repr=False)
    config_size: int = field(init=False)
    resizable: dict[int, int] = field(init=False, repr=False)
    folder: Folder = field(init=False, repr=False)
    fixed: dict[str, Node] = field(init=False, repr=False)
    bars: dict[str, tuple[object, Attr]] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        device = self.device
        self.low_bits = read_low_bits(device)
        self.config_size = config_file.config_size(device)
        self.resizable = resource_files.resizable(device, self.config_size)
        self.folder = Folder(self.entries, self.is_alive)
        config = Attr(
            0o644,
            read_at=lambda offset, count: config_file.read_config(device, offset, count),
            write_at=lambda offset, data: config_file.write_config(device, offset, data),
            size=self.config_size,
        )
        files: dict[str, Node] = {"config": config}
        files |= identity_files.files(self)
        files |= control_files.files(self)
        self.fixed = {name: mortal(node, self) for name, node in files.items()}

    def is_alive(self) -> bool:
        """True until the kernel removes the device."""
        return not self.device.is_removed

    def entries(self) -> dict[str, Node]:
        """All files, links and folders of now."""
        view, device = self.view, self.device
        path = view.path_of(device)
        found = dict(self.fixed)
        found |= resource_files.files(self)
        found["subsystem"] = bus_folder.relative(bus_folder.BUS, path)
        if device.driver is not None:
            found["driver"] = bus_folder.relative(f"{bus_folder.BUS}/drivers/{device.driver.name}", path)
        if (vectors := identity_files.msi_vectors(device)) is not None:
            found["msi_irqs"] = folder_of(vectors)
        if device.subordinate is not None:
            found |= bus_entries(view, device.subordinate)
        return found


def mortal(node: Node, owner: DeviceNode) -> Node:
    """The same node, and all in it, dead once its device is."""
    if isinstance(node, Attr):
        return Attr(node.mode, node.show, node.store, node.read_at, node.write_at, node.window, node.size, owner.is_alive)
    if isinstance(node, Folder):
        inside = node.entries
        return Folder(lambda: {name: mortal(child, owner) for name, child in inside().items()}, owner.is_alive)
    return node


def bus_entries(view: SysfsView, bus: Bus) -> dict[str, Node]:
    """The devices on `bus`, and its own folder below pci_bus."""
    found: dict[str, Node] = {str(device.bdf): view.node_of(device).folder for device in bus.devices}
    name = f"{bus.system.domain:04x}:{bus.number:02x}"
    files: dict[str, Node] = {
        "rescan": button(lambda data: bus_folder.rescan(view, data)),
        "cpuaffinity": text(lambda: 1),
        "cpulistaffinity": text(lambda: 0),
    }
    return found | {"pci_bus": folder_of({name: folder_of(files)})}
