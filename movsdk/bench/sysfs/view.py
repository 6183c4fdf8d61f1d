"""The view: every path below / that tells of PCI, and what stands there now.

Twin: fs/sysfs with drivers/pci/pci-sysfs.c. Nothing is copied: folders list what the kernel knows when they are asked. Knows no
back end; `fake_fs`, `fuse_mount` and `export_tree` show it to programs.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping

from attrs import define, field

from movsdk.bench.sysfs import bus_folder, device_folder, proc_files, slot_folder
from movsdk.bench.sysfs.bar_window import Windows
from movsdk.bench.sysfs.device_folder import DeviceNode
from movsdk.bench.sysfs.matching import Matching
from movsdk.bench.sysfs.node import Attr, Folder, Link, Node, folder_of
from movsdk.bench.sysfs.open_file import OpenFile
from movsdk.bench.sysfs.window import StaleWrite
from movsdk.bench.world import World
from movsdk.kernel.binding import BoundDriver
from movsdk.kernel.device import Device
from movsdk.rescan.report import RescanReport

_MOST_LINKS = 40


def _ignore(_report: RescanReport) -> None:
    """Nobody wants to hear of it."""


@define(eq=False)
class SysfsView:
    """All of it for one machine.

    `on_report` hears of every rescan and removal that somebody started by writing a file; `around` names RAM for /proc/iomem.
    """

    world: World
    on_report: Callable[[RescanReport], None] = field(default=_ignore, repr=False)
    around: proc_files.Around = field(default=(), repr=False)
    windows: Windows = field(init=False, repr=False)
    matching: Matching = field(init=False, repr=False)
    root: Folder = field(init=False, repr=False)
    slots: slot_folder.Slots = field(init=False, repr=False)
    _nodes: dict[int, DeviceNode] = field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.windows = Windows(self.world.machine)
        self.matching = Matching(self.world.system)
        self.slots = slot_folder.Slots(self)
        domain = f"pci{self.world.system.domain:04x}:{self.world.system.root.number:02x}"
        host = Folder(lambda: device_folder.bus_entries(self, self.world.system.root))
        sys = folder_of(
            {
                "bus": folder_of({"pci": folder_of(bus_folder.entries(self))}),
                "devices": folder_of({domain: host}),
            }
        )
        self.root = folder_of({"sys": sys, "proc": folder_of(proc_files.entries(self.world, self.around))})

    def close(self) -> None:
        """Let go of the machine."""
        self.windows.close()
        self.matching.close()

    # --- paths ------------------------------------------------------------------------------------------
    def lookup(self, path: str) -> Node | None:
        """What stands at `path` (absolute, links not followed at its end or on the way), or None."""
        node: Node | None = self.root
        for name in [name for name in path.split("/") if name]:
            node = node.entries().get(name) if isinstance(node, Folder) else None
        return node

    def resolve(self, path: str) -> tuple[str, Node]:
        """Follow links; returns the real path and what stands there. Raises ENOENT, ENOTDIR, ELOOP."""
        here, node, todo, links = "", self.root, [name for name in path.split("/") if name], 0
        found: Node = node
        while todo:
            name = todo.pop(0)
            if name == "..":
                here = here.rpartition("/")[0]
                found = self.lookup(here) or self.root
                continue
            if not isinstance(found, Folder):
                raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            entry = found.entries().get(name)
            if entry is None:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            if isinstance(entry, Link):
                links += 1
                if links > _MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                todo[:0] = entry.target.split("/")
                continue
            here, found = f"{here}/{name}", entry
        return here or "/", found

    def open(self, path: str, flags: int = os.O_RDONLY) -> OpenFile:
        """Open an attribute as open(2) would. Raises `OSError`."""
        _, node = self.resolve(path)
        if isinstance(node, Folder):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not isinstance(node, Attr):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        return OpenFile(node, flags)

    def read(self, path: str) -> bytes:
        """All of an attribute, as ``cat`` prints it."""
        file = self.open(path)
        return b"".join(iter(lambda: file.read(4096), b""))

    def write(self, path: str, data: bytes | str) -> None:
        """Write an attribute in one piece, as ``echo`` does."""
        self.open(path, os.O_WRONLY).write(data.encode() if isinstance(data, str) else data)

    # --- what writing a file does ---------------------------------------------------------------------------
    def act(self, event: Callable[[], RescanReport]) -> None:
        """Let a rescan or removal happen, and what it puts on the clock. Raises EDEADLK inside another one."""
        if self.world.system.rescan_locked:
            raise OSError(errno.EDEADLK, "the rescan lock is held: this is a hook, and Linux would hang here")
        self.on_report(event())
        self.world.system.ops.clock.run_pending()
        self.windows.refresh()

    @property
    def stale_writes(self) -> list[StaleWrite]:
        """What user space wrote through mappings of where a BAR used to be."""
        return self.windows.stale_writes

    # --- devices ------------------------------------------------------------------------------------------------
    def node_of(self, device: Device) -> DeviceNode:
        """The folder of a device; the same object for as long as the kernel knows the device."""
        node = self._nodes.get(id(device))
        if node is None or node.device is not device:
            gone = [key for key, old in self._nodes.items() if old.device.is_removed]
            for key in gone:
                del self._nodes[key]
            node = self._nodes[id(device)] = DeviceNode(self, device)
        return node

    def path_of(self, device: Device) -> str:
        """The real path of a device: /sys/devices/pci0000:00/..."""
        above: list[str] = []
        bridge = device.bus.bridge
        while bridge is not None:
            above.insert(0, str(bridge.bdf))
            bridge = bridge.bus.bridge
        system = self.world.system
        return "/".join([f"/sys/devices/pci{system.domain:04x}:{system.root.number:02x}", *above, str(device.bdf)])

    def find(self, name: str) -> Device | None:
        """The device that is called ``0000:01:00.0`` now."""
        return next((device for device in self.world.system.devices() if str(device.bdf) == name), None)

    def drivers(self) -> Mapping[str, BoundDriver]:
        """Registered drivers by name; of two with one name the first."""
        named: dict[str, BoundDriver] = {}
        for driver in self.world.system.drivers:
            named.setdefault(driver.name, driver)
        return named
