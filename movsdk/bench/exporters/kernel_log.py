"""The PCI lines of dmesg in today's wording: what the scan found, what got which address, what found no place.

Twin: the messages of drivers/pci/probe.c, setup-res.c and setup-bus.c since linux-6.9. The engine's own lines (assigned, can't
assign) are in the timeline already; this adds those that the model does not say itself, as the machine is played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from attrs import define, evolve, field

from movsdk import pci_regs as regs
from movsdk.bench.world import World
from movsdk.kernel.device import Bus, Device
from movsdk.kernel.header import read_windows
from movsdk.kernel.system import System
from movsdk.layout.table import UNSET, Resource, Row
from movsdk.layout.wording import resource_name, resource_text
from movsdk.pci_regs import PcieType
from movsdk.trace import What

_KINDS: Final = {
    PcieType.ENDPOINT: "PCIe Endpoint",
    PcieType.LEGACY_ENDPOINT: "PCIe Legacy Endpoint",
    PcieType.ROOT_PORT: "PCIe Root Port",
    PcieType.UPSTREAM: "PCIe Switch Upstream Port",
    PcieType.DOWNSTREAM: "PCIe Switch Downstream Port",
    PcieType.PCI_BRIDGE: "PCIe to PCI/PCI-X bridge",
    PcieType.PCIE_BRIDGE: "PCI/PCI-X to PCIe bridge",
}
_CONVENTIONAL: Final = ("conventional PCI endpoint", "conventional PCI bridge")
_FIRST_ROOT_WINDOW: Final = 4  # PCI_BRIDGE_RESOURCE_NUM
Shown = tuple[int, int, tuple[str, ...]]


@define(eq=False)
class KernelLog:
    """Watches a machine from before its boot: ``staged(FILE, watch=log.watch)``; then `text()` is its dmesg."""

    _system: System = field(init=False)
    _shown: dict[Device, Shown] = field(factory=dict, init=False)
    _is_booted: bool = field(default=False, init=False)

    def watch(self, world: World) -> Callable[[], None]:
        """Listen to `world`; what is returned must be called after each event."""
        system = self._system = world.system
        system.on_found = self._found
        if system.command_line.text:
            system.trace.add(What.LOG, "kernel", f"Kernel command line: {system.command_line.text}")
        system.trace.add(What.LOG, "kernel", f"PCI host bridge to bus {system.domain:04x}:{system.root.number:02x}")
        for window in system.root.segment.windows:
            system.log(None, f"root bus resource {_range(window, is_root=True)}")
        system.log(None, f"root bus resource {_numbers(system.root.number, system.root.last)}")
        return self._after_event

    def text(self) -> str:
        """All lines so far, stamped with virtual time, seconds."""
        lines = self._system.trace.of(What.LOG)
        return "".join(f"[{event.time / 1e9:12.6f}] {event.text}\n" for event in lines)

    def _found(self, device: Device) -> None:
        log = self._system.log
        for line in _header_lines(device):
            log(device, line)
        if not device.row.is_bridge:
            return
        numbers = device.config_read(regs.PRIMARY_BUS, 4)
        remark = " (subtractive decode)" if device.is_transparent else ""
        log(device, f"PCI bridge to {_numbers(numbers >> 8 & 0xFF, numbers >> 16 & 0xFF)}{remark}")
        for window in _registers(device):
            log(device, f"  bridge window {window}")

    def _after_event(self) -> None:
        """What ``pci_setup_bridge()`` says of bridges that are not as last told, and at last what each bus has."""
        system, changed = self._system, False
        for bus in list(system.buses()):
            if bus.bridge is None:
                continue
            shown = (bus.number, bus.last, tuple(_range(window) for window in _placed(bus.bridge)))
            if self._shown.get(bus.bridge) == shown:
                continue
            self._shown[bus.bridge], changed = shown, True
            system.log(bus.bridge, f"PCI bridge to {_numbers(bus.number, bus.last)}")
            for window in shown[2]:
                system.log(bus.bridge, f"  bridge window {window}")
        if (changed and system.can_move_bars) or not self._is_booted:
            self._is_booted = True
            for line in _bus_lines(system):
                system.trace.add(What.LOG, "kernel", line)


def _header_lines(device: Device) -> Iterator[str]:
    kind = _KINDS.get(PcieType(device.pcie_type), "PCIe unknown") if device.pcie_type in _KINDS else None
    if kind is None:
        kind = _CONVENTIONAL[device.row.is_bridge] if device.pcie_type is None else "PCIe unknown"
    ids = f"[{device.vendor:04x}:{device.device_id:04x}]"
    yield f"{ids} type {device.header_type:02x} class {device.class_code:#08x} {kind}"
    for resource in device.resources[: regs.BRIDGE_RESOURCES]:
        if resource.flags:
            yield f"{resource_name(resource.index)} {_range(resource)}"


def _registers(device: Device) -> list[str]:
    """The windows that stand in the registers now; the kernel's memory is not touched."""
    copy = evolve(device, row=Row(device.label, device.bus.segment))
    read_windows(copy)
    has = (device.row.has_io, True, device.row.has_pref)
    return [_range(window) for window, is_there in zip(copy.row.windows, has, strict=True) if is_there and window.flags]


def _placed(bridge: Device) -> list[Resource]:
    return [window for window in bridge.row.windows if window.flags and window.parent is not None and not window.flags & UNSET]


def _bus_lines(system: System) -> Iterator[str]:
    """``pci_bus_dump_resources()``."""
    for bus in system.buses():
        name = f"pci_bus {system.domain:04x}:{bus.number:02x}"
        for number, window in _numbered(bus):
            yield f"{name}: resource {number} {_range(window, is_root=bus.is_root)}"


def _numbered(bus: Bus) -> Iterator[tuple[int, Resource]]:
    if bus.bridge is None:
        yield from enumerate(bus.segment.windows, start=_FIRST_ROOT_WINDOW)
    else:
        for number, window in enumerate(bus.bridge.row.windows):
            if window in _placed(bus.bridge):
                yield number, window


def _range(resource: Resource, *, is_root: bool = False) -> str:
    text = resource_text(resource.flags, resource.start, resource.size, has_place=True)
    return f"{text[:-1]} window]" if is_root else text


def _numbers(first: int, last: int) -> str:
    return f"[bus {first:02x}]" if first == last else f"[bus {first:02x}-{last:02x}]"
