"""The enable race of explorer.md §3.1 as a pure model: enable counts, COMMAND bits, mutexes; no PCI code of ours.

Twin: ``pci_enable_device()``, ``pci_enable_bridge()``, ``pci_set_master()`` and the ways they were to be fixed. A device is
enabled, made bus master, read by MMIO, and does DMA; every access to enable_cnt, COMMAND, is_busmaster and a mutex is one
operation. The race of `movsdk race` runs on the kernel model itself; this one is here to compare counts and speed with
explorer.md.
"""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import nullcontext
from functools import cache, partial

from attrs import frozen

from movsdk.explore import Mutex, World, current
from movsdk.points import checkpoint

MEMORY, MASTER = 2, 4


Labelled = tuple[str, str, str, str, tuple[Hashable, ...]]


@cache  # worlds are set up thousands of times with the same devices
def words(name: str) -> dict[str, Labelled]:
    """For each field of a device: its attribute, what reading, writing and adding are called, and its cell."""
    fields = {"count": "count", "command": "command", "flag": "is_busmaster"}
    return {
        what: (attribute, f"R {name}.{what}", f"W {name}.{what}", f"RMW {name}.{what}", ((what, name),))
        for what, attribute in fields.items()
    }


class Device:
    """A function with a count, a command register and a flag, below `parent` or on the root bus."""

    def __init__(self, name: str, parent: Device | None, variant: str, *, has_level: bool = True) -> None:
        self.name, self.parent, self.variant = name, parent, variant
        self.count = self.command = self.is_busmaster = 0
        self._words = words(name)
        self.path: tuple[Hashable, ...] = self._words["command"][-1] + (parent.path if parent else ())
        depth = 0 if parent is None else parent.depth + 1
        self.depth: int = depth
        self.mutex = Mutex(f"{name}.enable_mutex", kind="enable_mutex", nesting=depth if has_level else 0)

    def get(self, what: str) -> int:
        attribute, label, _, _, cells = self._words[what]
        checkpoint(label, cells)
        value: int = getattr(self, attribute)
        current.told(value)
        return value

    def put(self, what: str, value: int) -> None:
        attribute, _, label, _, cells = self._words[what]
        checkpoint(label, (), cells)
        setattr(self, attribute, value)
        current.told(value)

    def increment(self) -> int:
        _, _, _, label, cells = self._words["count"]
        checkpoint(label, cells, cells)
        self.count += 1
        current.told(self.count)
        return self.count

    def access(self, what: str, bit: int) -> None:
        """Use the device; every hop on the way must have `bit` set."""
        checkpoint(f"{what} {self.name}", self.path)
        hop: Device | None = self
        while hop is not None:
            if not hop.command & bit:
                current.fail(what, f"{what} of {self.name}: {hop.name}.COMMAND is {hop.command}")
            hop = hop.parent

    def set_bit(self, bit: int) -> None:
        command = self.get("command")
        if not command & bit:
            self.put("command", command | bit)

    def set_master(self) -> None:
        self.set_bit(MASTER)
        self.put("flag", 1)

    # --- the variants --------------------------------------------------------------------------------------
    def enable_bridge(self) -> None:
        with self.mutex if self.variant in ("v5", "v9", "v9+reenable") else nullcontext():
            if self.parent is not None:
                self.parent.enable_bridge()
            if self.get("count"):
                if self.variant == "v9+reenable":
                    self.set_bit(MEMORY)
                if not self.get("flag"):
                    self.set_master()
                return
            self._enable()
            self.set_master()

    def enable(self) -> None:
        """Enable an endpoint, or a bridge by its own driver."""
        is_bridge = self.depth == 0 or self.name.startswith("br")
        with self.mutex if self.variant == "v5" and not is_bridge else nullcontext():
            self._enable()

    def _enable(self) -> None:
        if self.variant in ("v5", "bits-first"):  # the count is raised after success
            if self.get("count"):
                return
            self._up()
            self.set_bit(MEMORY)
            self.increment()
        elif self.increment() == 1:
            self._up()
            self.set_bit(MEMORY)

    def _up(self) -> None:
        if self.parent is not None:
            self.parent.enable_bridge()


@frozen
class EnableRace:
    """`drivers` probing at once below `bridges` in a row; with `port`, the driver of the topmost bridge as well."""

    variant: str = "mainline"
    drivers: int = 2
    bridges: int = 1
    port: bool = False
    dma: bool = True
    has_levels: bool = True  # the mutexes say how deep their bridges are

    def __call__(self, world: World) -> None:
        bridge: Device | None = None
        for n in range(self.bridges):
            bridge = Device(f"br{n}", bridge, self.variant, has_level=self.has_levels)
            world.show(f"br{n}.COMMAND", partial(getattr, bridge, "command"))
        for n in range(self.drivers):
            world.spawn(f"probe nvme{n}", self.probe, Device(f"nvme{n}", bridge, self.variant))
        if self.port and bridge is not None:
            world.spawn("probe pcieport", self.probe_port, bridge)

    def probe(self, device: Device) -> None:
        device.enable()
        device.set_master()
        device.access("MMIO", MEMORY)
        if self.dma:
            device.access("DMA", MASTER)

    def probe_port(self, bridge: Device) -> None:
        bridge.enable()
        bridge.set_master()
